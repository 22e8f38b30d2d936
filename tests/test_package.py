"""The package's front door: its verbs, and how little it loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

import napari_colorgan


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_neither_torch_nor_napari_nor_qt():
    python(
        "import sys, napari_colorgan\n"
        "napari_colorgan.__version__, dir(napari_colorgan)\n"
        "heavy = {'torch', 'napari', 'qtpy', 'timm', 'numpy', 'dask', 'zarr'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )


def test_naming_a_verb_loads_no_torch():
    python(
        "import sys\n"
        "from napari_colorgan import colorize, evaluate, load_model\n"
        "heavy = {'torch', 'napari', 'qtpy', 'timm'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )


def test_every_verb_is_there():
    assert set(napari_colorgan.__all__) <= set(dir(napari_colorgan))
    for name in napari_colorgan.__all__:
        assert getattr(napari_colorgan, name).__doc__


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'colourise'"):
        napari_colorgan.colourise  # noqa: B018
    with pytest.raises(ImportError):
        from napari_colorgan import colourise  # noqa: F401


def test_the_version_is_stated():
    assert napari_colorgan.__version__[0].isdigit()
