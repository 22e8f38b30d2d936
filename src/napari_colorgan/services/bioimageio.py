"""Models as packages of the BioImage Model Zoo, for other programs to run.

A package holds the network as TorchScript and as ONNX, from gray to sRGB in one graph, the card's
fields, test tensors, a cover, and our own model file as an attachment: importing the package gives
that file back, byte for byte.

References
----------
.. [1] https://bioimage-io.github.io/spec-bioimage-io, model description 0.5.
"""

from __future__ import annotations

import base64
import io
import shutil
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorgan.errors import ColorganError, ModelError
from napari_colorgan.io.atomic import write_atomically
from napari_colorgan.library.card import STATEMENT
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.library.pages import card_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.folders import ModelEntry
    from napari_colorgan.library.model_file import Model

OPSET = 18
"""The version of ONNX's operators; the exporter of PyTorch knows none below it."""
SUFFIX = ".bioimageio.zip"
_SIDE = 128
_LARGEST_MODEL = 4 * 2**30
_INPUTS = ("gray", "hints")
_REPOSITORY = "https://github.com/napari-colorgan/napari-colorgan"
_PAPER = (
    "A. D. Pyngrope and P. Kumar, Colorization of grayscale images in deep learning, IJEAST 6(11), "
    "2022"
)


def export_package(
    entry: ModelEntry,
    path: str | Path,
    *,
    hints: bool = False,
    overwrite: bool = False,
    on_step: Callable[[str], object] = lambda step: None,
) -> Path:
    """Write a model as a package of the BioImage Model Zoo.

    Parameters
    ----------
    entry : ModelEntry
        The model.
    path : str or pathlib.Path
        The zip file, or a folder, in which it gets the model's name.
    hints : bool, default: False
        Whether the network has a second input, a map of colour hints. Programs that run a model on
        one image need it without.
    overwrite : bool, default: False
        Whether a file that is there may be replaced.
    on_step : callable
        Called with a sentence as each step begins; exporting takes about a minute.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ColorganError
        If the extra "bioimageio" isn't installed.
    ModelError
        If the model can't be used.
    OutputExistsError, FileError
        If the file exists, or can't be written.
    """
    target = Path(path)
    if target.is_dir():
        target /= entry.name + SUFFIX
    _check_installed()
    model = load_model_file(entry.path, entry.card)
    with (
        write_atomically(target, overwrite=overwrite) as temporary,
        tempfile.TemporaryDirectory(prefix="colorgan-package-") as folder,
    ):
        written = _write_files(model, entry, Path(folder), hints, on_step)
        on_step("Checking and packing.")
        _pack(model.card, written, temporary)
    return target


def _check_installed() -> None:
    try:
        import bioimageio.spec  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ColorganError(
            expected="the packages that describe and export models",
            got=f"no {error.name}",
            action="Install them: pip install 'napari-colorgan[bioimageio]'.",
        ) from error


def _write_files(
    model: Model,
    entry: ModelEntry,
    folder: Path,
    hints: bool,
    on_step: Callable[[str], object],
) -> dict[str, Path]:
    import torch

    from napari_colorgan.core.standalone import StandaloneNetwork

    network = StandaloneNetwork(model.generator, model.card.temperature)
    network.eval().requires_grad_(False)
    inputs = _test_inputs() if hints else _test_inputs()[:1]
    files = {name: folder / name for name in ("weights.pt", "weights.onnx")}
    with torch.no_grad():
        rgb = network(*inputs)
        on_step("Writing TorchScript.")
        # The trace holds no sizes; a test runs it at others.
        torch.jit.trace(network, inputs, check_trace=False).save(files["weights.pt"])  # type: ignore[no-untyped-call]
    on_step("Writing ONNX.")
    _export_onnx(network, inputs, files["weights.onnx"])
    for name, tensor in zip((*_INPUTS[: len(inputs)], "rgb"), (*inputs, rgb), strict=True):
        files[name] = folder / f"{name}.npy"
        np.save(files[name], tensor.numpy())
    files["cover"] = _write_cover(model.card, inputs[0], rgb, folder)
    files["documentation"] = folder / "documentation.md"
    files["documentation"].write_text(_documentation(model.card), encoding="utf-8")
    files["attachment"] = folder / f"{entry.name}{MODEL_SUFFIX}"
    shutil.copyfile(entry.path, files["attachment"])
    return files


def _test_inputs() -> tuple[torch.Tensor, torch.Tensor]:
    """Return a gray image with edges and shades, and one hint: the same on every machine."""
    import torch

    rows, columns = torch.arange(_SIDE)[:, None], torch.arange(_SIDE)[None]
    shade = (rows + 2 * columns) % 192
    disk = ((rows - 60) ** 2 + (columns - 70) ** 2 < 900) * 40
    gray = ((shade + disk) / 255.0).float()[None, None]
    hints = torch.zeros(1, 3, _SIDE, _SIDE)
    hints[0, :, 56:64, 66:74] = torch.tensor([40.0, 20.0, 1.0])[:, None, None]
    return gray, hints


def _export_onnx(network: torch.nn.Module, inputs: tuple[torch.Tensor, ...], path: Path) -> None:
    import torch

    # An export on a batch of two: a size of one would be taken for a constant.
    inputs = tuple(torch.cat([tensor, tensor]) for tensor in inputs)
    free = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)
    torch.onnx.export(
        network,
        inputs,
        path,
        dynamo=True,
        opset_version=OPSET,
        # One entry for each of forward's parameters that is given.
        dynamic_shapes=(free,) * len(inputs),
        input_names=list(_INPUTS[: len(inputs)]),
        output_names=["rgb"],
        external_data=False,
        verbose=False,
    )


def _write_cover(card: ModelCard, gray: torch.Tensor, rgb: torch.Tensor, folder: Path) -> Path:
    from PIL import Image

    if card.pictures:
        cover = Image.open(io.BytesIO(base64.b64decode(card.pictures[0].jpeg))).convert("RGB")
    else:
        before = gray[0].expand(3, -1, -1)
        pixels = np.concatenate([before.numpy(), rgb[0].numpy()], axis=2).transpose(1, 2, 0)
        cover = Image.fromarray((255 * pixels).round().astype(np.uint8))
    path = folder / "cover.png"
    # A cover is 2:1 to 1:1.
    width = min(cover.width, 2 * cover.height)
    cover.crop((0, 0, width, min(cover.height, width))).save(path)
    return path


def _documentation(card: ModelCard) -> str:
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


def _pack(card: ModelCard, files: dict[str, Path], path: Path) -> None:
    from bioimageio.spec import save_bioimageio_package

    save_bioimageio_package(_description(card, files), output_path=path)


def _description(card: ModelCard, files: dict[str, Path]) -> Any:
    """Return the package's description, its fields taken from the card."""
    import torch
    from bioimageio.spec.model import v0_5 as zoo

    def source(name: str) -> Any:
        return zoo.FileDescr(source=files[name])

    authors = [zoo.Author(name="The napari-colorgan developers")]
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
    return zoo.ModelDescr(
        name=f"napari-colorgan {card.name}"[:128],
        description=(card.title or card.name)[:1024],
        authors=authors,
        cite=[
            zoo.CiteEntry(text="napari-colorgan", url=zoo.HttpUrl(_REPOSITORY)),
            zoo.CiteEntry(text=_PAPER, url=zoo.HttpUrl("https://www.ijeast.com")),
        ],
        license=zoo.LicenseId("BSD-3-Clause") if card.license == "BSD-3-Clause" else None,
        version=zoo.Version(card.version) if card.version else None,
        tags=["colorization", "grayscale", "pytorch", "napari", "2d", *_tag(card.domain)],
        covers=[source("cover")],
        documentation=source("documentation"),
        attachments=[source("attachment")],
        inputs=inputs,
        outputs=[
            zoo.OutputTensorDescr(
                id=zoo.TensorId("rgb"),
                description="Predicted colours, sRGB-encoded, with the lightness of the input.",
                axes=axes(["red", "green", "blue"], zoo.SpaceOutputAxis, like_gray),
                data=unit,
                test_tensor=source("rgb"),
            )
        ],
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


@contextmanager
def attached_model_file(path: str | Path) -> Iterator[Path]:
    """Give the model file that is attached to a package, as a temporary file.

    Parameters
    ----------
    path : str or pathlib.Path
        A package that `export_package` wrote.

    Yields
    ------
    pathlib.Path
        A copy of the model file, under its own name; removed afterwards. Its contents are not
        checked here.

    Raises
    ------
    ModelError
        If the package holds no model file of this program, more than one, or a larger one than
        any model is; or is damaged.
    """
    with tempfile.TemporaryDirectory(prefix="colorgan-package-") as folder:
        try:
            with zipfile.ZipFile(path) as package:
                members = [m for m in package.infolist() if m.filename.endswith(MODEL_SUFFIX)]
                if len(members) != 1 or members[0].file_size > _LARGEST_MODEL:
                    raise _no_model(path, f"a package with {len(members)} of them")
                # The name alone: a path in a package could lead anywhere.
                copy = Path(folder) / Path(members[0].filename).name
                with package.open(members[0]) as source, copy.open("wb") as target:
                    shutil.copyfileobj(source, target)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
            raise _no_model(path, f"a file that can't be unpacked ({error})") from error
        yield copy


def _no_model(path: str | Path, got: str) -> ModelError:
    return ModelError(
        expected=f"a package with one model file (*{MODEL_SUFFIX}) at {path}",
        got=got,
        action="Import a package that 'models export --bioimageio' wrote, or a model file.",
    )
