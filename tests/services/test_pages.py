"""What a file is called acts neither on a page nor on the metadata of an output."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from napari_colorgan.axes import Axes
from napari_colorgan.io import stack_writer
from napari_colorgan.services.pages import _environment

HOSTILE = "a\x1b[31mb\x07\u202ec\ud800d<script>\ufffe&\x0be"


def test_a_page_shows_names_as_text():
    page = _environment().from_string("{{ name }}|{{ number }}").render(name=HOSTILE, number=1.5)
    assert page == "abc\ufffdd&lt;script&gt;&amp;\ne|1.5"


@pytest.mark.parametrize("suffix", [".ome.tif", ".png", ".jpg", ".jp2", ".ome.zarr"])
def test_metadata_of_an_output_can_be_read_whatever_a_name_holds(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    plane = np.zeros((16, 16, 3), np.uint8)
    with stack_writer(
        path, plane.shape, "uint8", Axes("YXS"), metadata={"source": HOSTILE}
    ) as target:
        target.write((), plane)
    if suffix == ".ome.tif":
        with tifffile.TiffFile(path) as file:
            text = file.ome_metadata
        assert "\u202e" not in text
        assert ElementTree.fromstring(text).tag.endswith("OME")
