"""In processes of their own: the demo from end to end, and what opening the panel loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_colorgan import sample_data
from napari_colorgan.widgets import demo as _display
from napari_colorgan.widgets.shared import worker as _triton

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Xvfb is for Linux")

OPENING = """
import json, sys, time
import napari
from qtpy.QtWidgets import QApplication

viewer = napari.Viewer(show_welcome_screen=False)
viewer.open_sample("napari-colorgan", "photograph")
QApplication.processEvents()
start = time.perf_counter()
_, panel = viewer.window.add_plugin_dock_widget("napari-colorgan", "Colorize")
while not panel.isVisible():
    QApplication.processEvents()
seconds = time.perf_counter() - start
heavy = [name for name in ("torch", "timm", "torchvision", "matplotlib") if name in sys.modules]
print(json.dumps({"heavy": heavy, "seconds": seconds, "image": panel.form.layer.currentText()}))
viewer.close()
"""


def python(arguments: list[str], folder: Path, *, display: bool) -> str:
    """Run Python on a napari as on its first day; return what it prints."""
    settings = {"NAPARI_CONFIG": str(folder / "napari.yaml")}
    environment = {**os.environ, **settings}
    if not display:
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            environment.pop(name, None)
    completed = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def test_the_panel_opens_without_torch(tmp_path: Path, qapp: object) -> None:
    said = json.loads(python(["-c", OPENING], tmp_path, display=True).splitlines()[-1])
    assert said["heavy"] == []
    assert said["image"] == "photograph"
    # Measured with care in benchmarks/; here only against a slip such as loading torch.
    assert said["seconds"] < 5


@linux_only
def test_the_demo_needs_no_display(tmp_path: Path) -> None:
    output = tmp_path / "new" / "demo"
    # What the user chose last is no matter: a demo without colour would be none.
    home = Path(os.environ["NAPARI_COLORGAN_HOME"])
    home.mkdir(exist_ok=True)
    (home / "colorize.json").write_text('{"strength": 0.0}')
    said = python(
        ["-m", "napari_colorgan", "demo", "--output", str(output)], tmp_path, display=False
    )
    paths = [output / name for name in ("gray.png", "colour.png", "screenshot.png")]
    assert [str(path) for path in paths] == said.split()
    gray, color, window = (np.asarray(Image.open(path)) for path in paths)
    np.testing.assert_array_equal(gray, sample_data.photograph()[0][0])
    assert color.shape == (*gray.shape, 3)
    assert np.ptp(color.astype(int), axis=2).mean() > 1
    assert window.shape[0] > 600
    assert window.shape[1] > 1000


@linux_only
def test_a_virtual_display_is_there_and_goes() -> None:
    with _display.virtual_display(320, 200) as environment:
        socket = f"/tmp/.X11-unix/X{environment['DISPLAY'].removeprefix(':')}"
        assert os.path.exists(socket)
    assert not os.path.exists(socket)


@linux_only
def test_without_xvfb_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(_display.DeviceError, match="install Xvfb"),
        _display.virtual_display(),
    ):
        pass


@pytest.mark.parametrize(
    ("maps", "kept_out"), [("/usr/lib/libLLVM-15.so.1\n", True), ("/usr/lib/libGLX.so.0\n", False)]
)
def test_triton_is_kept_out_beside_another_llvm(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, maps: str, kept_out: bool
) -> None:
    (tmp_path / "maps").write_text(maps)
    monkeypatch.setattr(_triton, "MAPS", tmp_path / "maps")
    monkeypatch.delitem(sys.modules, "triton", raising=False)
    _triton.keep_triton_out()
    try:
        assert ("triton" in sys.modules) == kept_out
    finally:
        sys.modules.pop("triton", None)


def test_a_triton_that_is_there_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("libLLVM")
    monkeypatch.setattr(_triton, "MAPS", tmp_path / "maps")
    monkeypatch.setitem(sys.modules, "triton", sys)
    _triton.keep_triton_out()
    assert sys.modules["triton"] is sys
