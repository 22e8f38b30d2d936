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
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_colorgan.errors import ColorganError
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.services.bioimageio.description import OPSET, describe, documentation

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.folders import ModelEntry
    from napari_colorgan.library.model_file import Model

SUFFIX = ".bioimageio.zip"
# Of the example: the least common multiple of all strides, and a small package.
_SIDE = 128
_INPUTS = ("gray", "hints")


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
    if not target.name.lower().endswith(".zip"):
        target = target.with_name(target.name + SUFFIX)
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

    network = StandaloneNetwork(model.generator, model.card.temperature, model.card.strength)
    network.eval().requires_grad_(False)
    inputs = _test_inputs() if hints else _test_inputs()[:1]
    files = {name: folder / name for name in ("weights.pt", "weights.onnx")}
    with torch.no_grad(), warnings.catch_warnings():
        rgb = network(*inputs)
        on_step("Writing TorchScript.")
        # The format asks for TorchScript. The trace holds no sizes: a test runs it at others.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.trace(network, inputs, check_trace=False).save(files["weights.pt"])  # type: ignore[no-untyped-call]
    on_step("Writing ONNX.")
    _export_onnx(network, inputs, files["weights.onnx"])
    for name, tensor in zip((*_INPUTS[: len(inputs)], "rgb"), (*inputs, rgb), strict=True):
        files[name] = folder / f"{name}.npy"
        np.save(files[name], tensor.numpy())
    files["cover"] = _write_cover(model.card, inputs[0], rgb, folder)
    files["documentation"] = folder / "documentation.md"
    files["documentation"].write_text(documentation(model.card), encoding="utf-8")
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


def _pack(card: ModelCard, files: dict[str, Path], path: Path) -> None:
    from bioimageio.spec import save_bioimageio_package

    save_bioimageio_package(describe(card, files), output_path=path)
