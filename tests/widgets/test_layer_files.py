"""Results are saved and opened again as napari's File menu does it, with all that is known."""

# Over 300 lines: saving and opening are the halves of one round trip, with and without a window.

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import zarr
from napari._app_model import get_app_model
from napari._qt.qt_viewer import QtViewer
from napari.layers import Image
from napari.settings import get_settings
from PIL import Image as Picture
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_colorgan.errors import FileError, OutputExistsError
from napari_colorgan.io import read_stack
from napari_colorgan.io.description import read_description
from napari_colorgan.widgets.layer_files import writer
from napari_colorgan.widgets.layer_files.place import PLACE_KEY, LayerPlace
from napari_colorgan.widgets.layer_files.reader import get_reader, read_images
from napari_colorgan.widgets.layer_files.writer import file_stem, write_image, write_images
from napari_colorgan.widgets.shared.layers import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

PLUGIN = "napari-colorgan"
ORIGIN = {
    "software": "napari-colorgan 1",
    "model": "natural",
    "settings": {"saturation": 1.0, "scale": "fit"},
    "colour": "predicted, not measured",
}
RANDOM = np.random.default_rng(0)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    monkeypatch.setattr(writer, "show_info", texts.append)
    return texts


def result(*outer: int, dtype: str = "uint8", **attributes: Any) -> Image:
    """Return a layer as a run leaves it, turned, sheared and away from the origin."""
    pixels = RANDOM.integers(0, 256, (*outer, 24, 32, 3))
    data = pixels.astype("uint8") if dtype == "uint8" else (pixels / 255).astype(dtype)
    if dtype == "uint16":
        data = (pixels * 257).astype("uint16")
    dimensions = len(outer) + 2
    affine = np.eye(dimensions + 1)
    affine[-2, -1] = 4.5
    return Image(
        data,
        rgb=True,
        **{
            "name": "cells colour (partial)",
            "scale": [*(2.0 for _ in outer), 0.5, 0.25],
            "translate": [*(3.0 for _ in outer), -7.0, 11.0],
            "rotate": 30.0 if dimensions == 2 else None,
            "affine": affine,
            "units": [*("second" for _ in outer[:1]), *("um" for _ in outer[1:]), "um", "um"],
            "axis_labels": ["t", "z", "y", "x"][-dimensions:] if len(outer) != 1 else list("tyx"),
            "metadata": {METADATA_KEY: ORIGIN},
            **attributes,
        },
    )


def save(layer: Image, path: Path) -> Path:
    data, meta, _ = layer.as_layer_data_tuple()
    (written,) = write_image(str(path), data, meta)
    return Path(written)


def reopen(path: Path) -> Image:
    ((data, attributes, kind),) = read_images(str(path))
    assert kind == "image"
    return Image(data, **attributes)


def assert_alike(opened: Image, layer: Image) -> None:
    assert (opened.rgb, opened.name) == (layer.rgb, layer.name)
    assert opened.metadata[METADATA_KEY] == ORIGIN
    assert opened.axis_labels == layer.axis_labels
    assert list(map(str, opened.units)) == list(map(str, layer.units))
    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_allclose(getattr(opened, name), getattr(layer, name), err_msg=name)
    np.testing.assert_allclose(opened.affine.affine_matrix, layer.affine.affine_matrix)


@pytest.mark.parametrize("name", ["a.colorgan.tif", "a.tif", "a.ome.tif", "a.ome.zarr"])
@pytest.mark.parametrize("outer", [(), (3,), (2, 3), (1, 1)])
def test_a_stack_comes_back_as_it_was(
    tmp_path: Path, told: list[str], name: str, outer: tuple[int, ...]
) -> None:
    layer = result(*outer)
    opened = reopen(save(layer, tmp_path / name))
    assert_alike(opened, layer)
    np.testing.assert_array_equal(np.asarray(opened.data), layer.data)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.jpg"])
def test_a_picture_comes_back_as_it_was(tmp_path: Path, told: list[str], name: str) -> None:
    layer = result()
    opened = reopen(save(layer, tmp_path / name))
    assert_alike(opened, layer)
    if not name.endswith("jpg"):
        np.testing.assert_array_equal(opened.data, layer.data)


@pytest.mark.parametrize(
    ("dtype", "name", "stored", "said"),
    [
        ("float32", "a.tif", "uint16", "16 bit"),
        ("float32", "a.png", "uint16", "16 bit"),
        ("float32", "a.ome.zarr", "uint16", "16 bit"),
        ("float32", "a.jpg", "uint8", "8 bit"),
        ("uint16", "a.webp", "uint8", "8 bit"),
        ("uint16", "a.tif", "uint16", ""),
    ],
)
def test_what_happens_to_the_values_is_said(
    tmp_path: Path, told: list[str], dtype: str, name: str, stored: str, said: str
) -> None:
    layer = result(dtype=dtype)
    path = save(layer, tmp_path / name)
    assert bool(told) == bool(said)
    assert said in " ".join(told)
    stack = read_stack(path)
    assert np.dtype(stack.data.dtype).name == stored
    top = np.iinfo(stored).max
    full = 1.0 if dtype == "float32" else 65535
    expected = np.rint(layer.data.astype(float) / full * top)
    values = np.asarray(stack.data).astype(float)
    if stack.axes.letters == "SYX":
        values = np.moveaxis(values, 0, -1)
    assert np.abs(values - expected).max() <= (40 if name.endswith("jpg") else 0)


def test_uncertainty_keeps_its_look(tmp_path: Path, told: list[str]) -> None:
    layer = Image(
        RANDOM.random((24, 32)).astype("float32"),
        colormap="magma",
        contrast_limits=(0.0, 0.8),
        gamma=0.5,
        metadata={METADATA_KEY: ORIGIN},
    )
    for name, top in (("a.colorgan.tif", 1.0), ("a.png", 65535.0), ("a.webp", None)):
        path = save(layer, tmp_path / name)
        if top is None:  # WebP knows no gray
            continue
        opened = reopen(path)
        assert not opened.rgb
        assert (opened.colormap.name, opened.gamma) == ("magma", 0.5)
        np.testing.assert_allclose(opened.contrast_limits, (0.0, 0.8 * top))
        np.testing.assert_allclose(opened.data / top, layer.data, atol=1e-5)


def test_the_full_resolution_of_a_pyramid_is_saved(tmp_path: Path, told: list[str]) -> None:
    import dask.array as da

    big = da.from_array(RANDOM.integers(0, 256, (1200, 1600, 3), dtype=np.uint8))
    layer = Image([big, big[::2, ::2]], rgb=True, multiscale=True, scale=(2, 2), name="slide")
    path = save(layer, tmp_path / "a.ome.zarr")
    opened = reopen(path)
    assert opened.multiscale
    np.testing.assert_array_equal(np.asarray(opened.data[0]), np.asarray(big))
    assert opened.data[1].shape == (600, 800, 3)
    np.testing.assert_allclose(opened.scale, (2, 2))
    # A file of the folder stands for it, for dialogs that choose files.
    assert reopen(path / "zarr.json").multiscale


def test_transparency_is_kept_or_said(tmp_path: Path, told: list[str]) -> None:
    pixels = RANDOM.integers(0, 256, (24, 32, 4), dtype=np.uint8)
    layer = Image(pixels, rgb=True)
    np.testing.assert_array_equal(reopen(save(layer, tmp_path / "a.png")).data, pixels)
    assert not told
    save(layer, tmp_path / "a.jpg")
    assert "Transparency is left out" in told[0]


def test_a_stack_as_a_picture_is_refused(tmp_path: Path, told: list[str]) -> None:
    with pytest.raises(FileError, match=r"single plane.*\.ome\.zarr"):
        save(result(3), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_name_without_suffix_replaces_nothing(tmp_path: Path, told: list[str]) -> None:
    path = save(result(), tmp_path / "a")
    assert path.name == "a.colorgan.tif"
    with pytest.raises(OutputExistsError):
        save(result(), tmp_path / "a")
    # This name was typed, and the dialog has asked.
    assert save(result(), path) == path


def test_several_layers_go_to_a_folder(tmp_path: Path, told: list[str]) -> None:
    layers = [result(name="a/b: colour"), result(3, name="..")]
    written = write_images(
        str(tmp_path / "new" / "folder"), [layer.as_layer_data_tuple() for layer in layers]
    )
    assert [Path(path).name for path in written] == [
        "a_b_ colour.colorgan.tif",
        "image.colorgan.tif",
    ]
    assert_alike(reopen(Path(written[0])), layers[0])


@pytest.mark.parametrize("name", ["", "   ", "...", "con\x00trol", "x" * 300, "ä/ö\\ü"])
def test_any_layer_name_becomes_a_file_name(tmp_path: Path, name: str) -> None:
    stem = file_stem(name)
    (tmp_path / f"{stem}.colorgan.tif").touch()
    assert stem


def test_only_names_of_ours_are_taken(tmp_path: Path) -> None:
    assert get_reader("a.tif") is None
    assert get_reader(["a.colorgan.tif", "b.tif"]) is None
    assert get_reader("A.COLORGAN.TIF") is read_images


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"axes": "QQ"}',
        '{"axes": "YXS", "scale": [0, 1], "rotate": [[0, 0], [0, 0]], "affine": "x"}',
        '{"axes": "YXS", "scale": [1], "units": ["yard", 3], "axis_labels": ["y", "y"]}',
        '{"axes": "YXS", "scale": [NaN, 1], "name": "\\u001b[31mred", "translate": [1e400, 0]}',
        '{"axes": "TZYXS", "scale": [1, 1, 1, 1], "units": {"a": 1}}',
        '{"axes": "YX", "contrast_limits": [2, 1], "gamma": -1, "colormap": "no such"}',
    ],
)
def test_a_place_from_a_file_is_data(tmp_path: Path, told: list[str], text: str) -> None:
    data = RANDOM.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    from napari_colorgan.axes import Axes
    from napari_colorgan.io import stack_writer

    path = tmp_path / "a.colorgan.png"
    with stack_writer(path, data.shape, "uint8", Axes("YXS"), metadata={PLACE_KEY: text}) as target:
        target.write((), data)
    layer = reopen(path)
    assert layer.rgb
    assert "\x1b" not in layer.name
    assert layer.data.shape[-3:] == (24, 32, 3)


def test_limits_that_make_no_range_are_passed_over() -> None:
    text = json.dumps({"axes": "YX", "contrast_limits": [2, 1], "gamma": 0, "colormap": "no such"})
    place = LayerPlace.from_text(text)
    assert place is not None
    assert place.attributes == {}


# In a window ----------------------------------------------------------------------------------


def qt_viewer() -> Any:
    """Return napari's central widget, which drops go to."""
    return next(w for w in QApplication.allWidgets() if type(w) is QtViewer and w.isVisible())


def menu(name: str) -> None:
    """Choose an entry of File > Save."""
    get_app_model().commands.execute_command(f"napari.window.file.{name}").result()


def our_filter(filters: str) -> str:
    """Return our entry of a save dialog's filters."""
    return next(entry for entry in filters.split(";;") if entry.startswith("ColorGAN"))


@pytest.fixture
def dialog(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Answer the save dialog with a path and our filter."""
    answer: dict[str, Any] = {}

    def save_name(*_: Any, **options: Any) -> tuple[str, str]:
        answer["filters"] = options["filter"]
        chosen = answer.get("choose", our_filter)(options["filter"])
        return str(answer["path"]), chosen

    monkeypatch.setattr(QFileDialog, "getSaveFileName", save_name)
    return answer


@pytest.fixture
def viewer(make_napari_viewer_proxy: Callable[..., Any]) -> Any:
    return make_napari_viewer_proxy(show=True)


@pytest.mark.slow
def test_save_selected_and_drop(
    viewer: Any, dialog: dict[str, Any], told: list[str], tmp_path: Path
) -> None:
    viewer.add_image(np.zeros((24, 32), np.uint8), name="gray")
    layer = viewer.add_layer(result(3))
    viewer.layers.selection = {layer}
    dialog["path"] = tmp_path / "a.colorgan.tif"
    menu("save_layers_dialog.selected")
    assert "*.ome.zarr" in dialog["filters"]
    assert "Preferences > Plugins" in told[0]
    viewer.layers.clear()
    # A drop, as the system sends it. Two readers claim the name, and no dialog asks.
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(dialog["path"]))])
    drop = QDropEvent(
        QPointF(9, 9),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    qt_viewer().dropEvent(drop)
    (opened,) = viewer.layers
    assert_alike(opened, layer)
    assert opened.source.reader_plugin == PLUGIN


def test_a_file_of_our_zarr_opens_its_folder(viewer: Any, told: list[str], tmp_path: Path) -> None:
    layer = result(3)
    ours, theirs = tmp_path / "a.ome.zarr", tmp_path / "b.zarr"
    save(layer, ours)
    (opened,) = viewer.open(ours / "zarr.json", plugin=None)  # as a drop does
    assert_alike(opened, layer)
    zarr.create_group(store=theirs)
    assert get_reader(str(ours / "zarr.json")) is not None
    assert get_reader(str(theirs / "zarr.json")) is None


def test_layers_of_others_are_written_too(viewer: Any, tmp_path: Path, told: list[str]) -> None:
    floats = Image(RANDOM.random((24, 32)).astype("float32"), scale=(0.5, 0.5), units=("um", "um"))
    stack = read_stack(save(floats, tmp_path / "b.tif"))
    np.testing.assert_array_equal(stack.data, floats.data)
    assert stack.scale == (0.5, 0.5)
    assert METADATA_KEY not in reopen(tmp_path / "b.tif").metadata
    gray = Image(RANDOM.integers(0, 9, (3, 24, 32)).astype(np.int32), name="counts")
    with pytest.raises(FileError, match=r"int32 in the layer 'counts'.*napari's own entry"):
        save(gray, tmp_path / "a.ome.zarr")
    # What napari can write by itself it still does.
    viewer.add_layer(gray)
    viewer.layers.save(str(tmp_path / "a.ome.tif"))
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.ome.tif"), gray.data)


def test_save_all_goes_to_a_folder(
    viewer: Any, dialog: dict[str, Any], told: list[str], tmp_path: Path
) -> None:
    viewer.add_image(np.zeros((24, 32), np.uint8), name="gray")
    layer = viewer.add_layer(result())
    dialog["path"] = tmp_path / "all"
    menu("save_layers_dialog")
    assert sorted(path.name for path in dialog["path"].iterdir()) == [
        "cells colour (partial).colorgan.tif",
        "gray.colorgan.tif",
    ]
    assert_alike(reopen(dialog["path"] / "cells colour (partial).colorgan.tif"), layer)


@pytest.mark.slow
def test_files_of_others_are_not_fought_over(viewer: Any, told: list[str], tmp_path: Path) -> None:
    from napari.plugins._npe2 import get_readers

    save(result(), tmp_path / "a.tif")
    folder = tmp_path / "folder.ome.zarr"
    save(result(), folder)
    Picture.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "b.png")
    for path in (tmp_path / "a.tif", tmp_path / "b.png", folder, tmp_path):
        assert set(get_readers(path)) == {"napari"}, path
    assert set(get_readers(tmp_path / "a.colorgan.tif")) == {"napari", PLUGIN}
    assert set(get_readers(folder / "zarr.json")) == {PLUGIN}
    assert get_settings().plugins.extension2reader == {}
    # napari's own writer stays the first for its own suffixes.
    layer = viewer.add_layer(result())
    viewer.layers.save(str(tmp_path / "c.tif"))
    assert read_description(tmp_path / "c.tif") == {}
    viewer.layers.save(str(tmp_path / "c.ome.tif"))
    assert read_description(tmp_path / "c.ome.tif") == {}
    for name in ("c.colorgan.ome.tif", "c.ome.zarr", "c.webp"):
        viewer.layers.save(str(tmp_path / name))
        assert_alike(reopen(tmp_path / name), layer)
    viewer.layers.save(str(tmp_path / "d.ome.tif"), plugin=PLUGIN)
    assert_alike(reopen(tmp_path / "d.ome.tif"), layer)


def test_a_choice_of_the_user_stays(told: list[str], tmp_path: Path, viewer: Any) -> None:
    get_settings().plugins.extension2reader = {"*.tif": "napari"}
    save(result(), tmp_path / "a.colorgan.tif")
    assert get_settings().plugins.extension2reader == {"*.tif": "napari"}
    assert not told


COMMAND_LINE = """
import json, sys
import napari
from napari import __main__, Viewer

def report(*_, **__):
    (layer,) = napari.current_viewer().layers
    print(json.dumps([layer.rgb, list(layer.scale), layer.source.reader_plugin]))
    napari.current_viewer().close()

__main__.run = napari.run = report
import napari._qt.qt_event_loop as loop
loop.run = report
sys.argv = ["napari", *sys.argv[1:]]
__main__._run()
"""


@pytest.mark.slow
def test_napari_opens_the_file_of_its_command_line(tmp_path: Path, qapp: object) -> None:
    path = save(result(3), tmp_path / "a.colorgan.tif")
    settings = tmp_path / "settings.yaml"
    settings.write_text('plugins:\n  extension2reader:\n    "*.colorgan.tif": napari-colorgan\n')
    completed = subprocess.run(
        [sys.executable, "-c", COMMAND_LINE, str(path)],
        env={**os.environ, "NAPARI_CONFIG": str(settings)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    assert json.loads(completed.stdout.splitlines()[-1]) == [True, [2.0, 0.5, 0.25], PLUGIN]
