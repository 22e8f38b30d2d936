"""What a package says of itself: the model zoo's fields from a model's card."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from napari_colorgan.library.card import STATEMENT
from napari_colorgan.library.pages import card_page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_colorgan.library.card import ModelCard

OPSET = 18
"""The version of ONNX's operators; the exporter of PyTorch knows none below it."""
_REPOSITORY = "https://github.com/napari-colorgan/napari-colorgan"
_PAPER = (
    "A. D. Pyngrope and P. Kumar, Colorization of grayscale images in deep learning, IJEAST 6(11), "
    "2022"
)


def documentation(card: ModelCard) -> str:
    """Return a package's page in Markdown.

    Parameters
    ----------
    card : ModelCard
        The model's.
    """
    seen = (
        "the whole picture, shrunk so that its short side is "
        f"{card.working_size} pixels; do so before you run the graph"
        if card.scale == "fit"
        else "pixels as they are"
        if card.scale == "native"
        else f"the picture with its sides multiplied by {card.scale}"
    )
    return f"""{card_page(card, pictures=False)}

## How to run it

Input: gray display values from 0 to 1 as sRGB encodes them. Packages with a second input take
hints (a\\*, b\\*, weight), zeros where there is none. Output: sRGB from 0 to 1 with the lightness
of the input. The network was trained on {seen}. Colours are enlarged bilinearly here;
napari-colorgan enlarges them along edges, cuts large images into tiles and propagates hints.

## Validation

Compare lightness and colours on images of your own kind whose colours you know: convert them to
gray, run the model, and look at the colour difference (CIEDE2000). The card's metrics above were
measured so, on held-out images. Gray images, a mean colour and a lookup table from lightness to
colour are the baselines that a model has to beat.

## Intended use

{STATEMENT}
"""


def describe(card: ModelCard, files: Mapping[str, Path]) -> Any:
    """Return a package's description, its fields taken from the card.

    Parameters
    ----------
    card : ModelCard
        The model's.
    files : mapping of str to pathlib.Path
        The package's files: the weights, the tensors by name, "cover", "documentation" and
        "attachment".

    Returns
    -------
    bioimageio.spec.model.v0_5.ModelDescr
        The description; its fields and the files are checked.
    """
    import torch
    from bioimageio.spec.model import v0_5 as zoo

    def source(name: str) -> Any:
        return zoo.FileDescr(source=files[name])

    authors = [zoo.Author(name="The napari-colorgan developers")]
    inputs, output = _tensors(files)
    licence = licence_id(card.license)
    return zoo.ModelDescr(
        # The format has fewer letters; the attached model file keeps the name.
        name=re.sub(r"[^A-Za-z0-9_+\- ()]", "_", f"napari-colorgan {card.name}")[:128],
        description=(card.title or card.name)[:1024],
        authors=authors,
        cite=[
            zoo.CiteEntry(text="napari-colorgan", url=zoo.HttpUrl(_REPOSITORY)),
            zoo.CiteEntry(text=_PAPER, url=zoo.HttpUrl("https://www.ijeast.com")),
        ],
        license=zoo.LicenseId(licence) if licence else None,
        version=_version(zoo, card.version),
        tags=["colorization", "grayscale", "pytorch", "napari", "2d", *_tag(card.domain)],
        covers=[source("cover")],
        documentation=source("documentation"),
        attachments=[source("attachment")],
        inputs=inputs,
        outputs=[output],
        weights=zoo.WeightsDescr(
            torchscript=zoo.TorchscriptWeightsDescr(
                source=files["weights.pt"],
                pytorch_version=zoo.Version(torch.__version__.split("+")[0]),
            ),
            onnx=zoo.OnnxWeightsDescr(
                source=files["weights.onnx"], opset_version=OPSET, parent="torchscript"
            ),
        ),
        config=zoo.Config.model_validate({"napari-colorgan": _other_fields(card)}),
    )


def _version(zoo: Any, text: str) -> Any:
    """Return a card's version where it is one of PEP 440, as the format asks; else None."""
    try:
        return zoo.Version(text) if text else None
    except ValueError:
        return None


def licence_id(terms: str) -> str | None:
    """Return the SPDX identifier of a card's terms, for programs to read.

    Parameters
    ----------
    terms : str
        As on the card: an identifier, or a Creative Commons licence as it writes its own name,
        with a remark behind a comma.

    Returns
    -------
    str or None
        None where no one licence says it; the package holds the terms in words, too.
    """
    name = terms.partition(",")[0]
    if name == "BSD-3-Clause":
        return name
    creative = re.fullmatch(r"CC0 1\.0|CC BY(-NC)?(-SA|-ND)? [1-4]\.0", name)
    return name.replace(" ", "-") if creative else None


def _tensors(files: Mapping[str, Path]) -> tuple[list[Any], Any]:
    """Return the descriptions of the inputs and of the output."""
    from bioimageio.spec.model import v0_5 as zoo

    def source(name: str) -> Any:
        return zoo.FileDescr(source=files[name])

    sizes = {axis: zoo.ParameterizedSize(min=64, step=32) for axis in "yx"}
    like_gray = {
        axis: zoo.SizeReference(tensor_id=zoo.TensorId("gray"), axis_id=zoo.AxisId(axis))
        for axis in "yx"
    }

    def axes(channels: list[str], space: type, size: dict[str, Any]) -> list[Any]:
        planes = [space(id=zoo.AxisId(axis), size=size[axis]) for axis in "yx"]
        return [zoo.BatchAxis(), zoo.ChannelAxis(channel_names=channels), *planes]

    unit = zoo.IntervalOrRatioDataDescr(type="float32", range=(0.0, 1.0))
    inputs = [
        zoo.InputTensorDescr(
            id=zoo.TensorId("gray"),
            description="Gray display values, sRGB-encoded.",
            axes=axes(["gray"], zoo.SpaceInputAxis, sizes),
            data=unit,
            test_tensor=source("gray"),
        )
    ]
    if "hints" in files:
        inputs.append(
            zoo.InputTensorDescr(
                id=zoo.TensorId("hints"),
                description="a* and b* (CIE) and the weight 0 to 1 of each pixel's hint.",
                axes=axes(["a", "b", "weight"], zoo.SpaceInputAxis, like_gray),
                test_tensor=source("hints"),
            )
        )
    output = zoo.OutputTensorDescr(
        id=zoo.TensorId("rgb"),
        description="Predicted colours, sRGB-encoded, with the lightness of the input.",
        axes=axes(["red", "green", "blue"], zoo.SpaceOutputAxis, like_gray),
        data=unit,
        test_tensor=source("rgb"),
    )
    return inputs, output


def _other_fields(card: ModelCard) -> dict[str, Any]:
    """Return what the zoo's description has no field for."""
    return {
        "limitations": card.limitations,
        "training_data": [list(row) for row in card.training_data],
        "scale": card.scale,
        "working_size": card.working_size,
        "parent": card.parent or "",
        "parent_sha256": card.parent_sha256,
        "weights_sha256": card.sha256,
        "terms": card.license,
        "statement": STATEMENT,
    }


def _tag(domain: str) -> list[str]:
    return [domain] if domain else []
