"""Small files that were once read wrong: each stands for a kind.

All were made from one synthetic picture: `base.png` in gray, `base_rgb.png` in colour.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_colorgan.errors import FileError
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.io import read_stack

CASES = Path(__file__).parent.parent / "fixtures" / "cases"


def lightness(name: str, choice: str = "auto") -> np.ndarray:
    """Return the L* that a file's first plane is shown with."""
    stack = read_stack(CASES / name)
    display, _ = DisplayRange.of_stack(stack, choice)
    index = next(iter(stack.axes.plane_indices(stack.data.shape)))
    return display.lightness(stack.axes.read_plane(stack.data, index))


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("orient6.tif", 0),
        ("orient6.png", 0),
        ("icc_gray18.tif", 0.6),
        ("icc_gray18.png", 0.6),
        ("no_photometric.tif", 0),
        ("thumb_first.tif", 0),
        ("next_at_end.tif", 0),
        ("palette_alpha.tif", 0),
        ("scanner_pages.tif", 0),
        ("other/other.bmp", 0),
        ("other/other.jp2", 0),
        ("other/other.pgm", 0),
        ("other/other.pcx", 0),
        ("other/other.psd", 0),
        ("series.zarr", 0),
    ],
)
def test_as_the_gray_base(name: str, tolerance: float) -> None:
    np.testing.assert_allclose(lightness(name), lightness("base.png"), atol=tolerance + 1e-4)


@pytest.mark.parametrize("name", ["icc_gray10.tif", "icc_gray10.jpg", "other/other.gif"])
def test_as_the_gray_base_but_for_what_few_values_can_hold(name: str) -> None:
    # Linear light in 8 bits has few dark values, and a palette has 256 colours.
    assert np.abs(lightness(name) - lightness("base.png")).mean() < 1


def test_four_bits_are_sixteen_steps_from_black_to_white() -> None:
    base = np.asarray(read_stack(CASES / "base.png").data)
    steps = (base.astype(int) * 15 // 255 * 17).astype(np.uint8)
    np.testing.assert_array_equal(lightness("four.tif"), DisplayRange(0, 255).lightness(steps))


@pytest.mark.parametrize(
    "name", ["rgb_04.ome.zarr", "rgb12.tif", "palette8.tif", "ycbcr_lzw.tif", "lab.tif", "cmyk.tif"]
)
def test_as_the_colour_base(name: str) -> None:
    assert np.abs(lightness(name) - lightness("base_rgb.png")).mean() < 0.5


def test_lab_has_the_colours_of_the_base_too() -> None:
    lab = np.asarray(read_stack(CASES / "lab.tif").data).astype(int)
    base = np.asarray(read_stack(CASES / "base_rgb.png").data)
    assert np.abs(lab - base).mean() < 2


def test_a_palette_of_two_colours_is_two_colours() -> None:
    pixels = np.asarray(read_stack(CASES / "palette1bit.tif").data)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) == 2


def test_a_print_of_8_and_of_16_bits_are_shown_alike() -> None:
    eight, sixteen = lightness("faded8.png"), lightness("faded16.tif")
    np.testing.assert_allclose(eight, sixteen, atol=0.3)
    assert lightness("faded16.tif", "minmax").min() == 0
    np.testing.assert_allclose(lightness("faded16.tif", "0,65535"), sixteen, atol=1e-4)


def test_three_channels_of_red_green_and_blue_are_one_image() -> None:
    assert read_stack(CASES / "rgb_04.ome.zarr").axes.letters == "TSZYX"


def test_alpha_is_kept() -> None:
    for name in ("cutout_rgba.png", "cutout.webp", "palette_alpha.tif"):
        assert read_stack(CASES / name).data.shape == (96, 128, 4)


def test_what_is_not_used_is_said() -> None:
    assert "3 images" in read_stack(CASES / "series.zarr").notices[0]
    assert "3 images" in read_stack(CASES / "scanner_pages.tif").notices[0]
    assert "another page" in read_stack(CASES / "next_at_end.tif").notices[0]
    assert "CMYK" in read_stack(CASES / "cmyk.tif").notices[0]


def test_a_stack_of_several_files_is_whole_or_refused(tmp_path: Path) -> None:
    stack = read_stack(CASES / "multifile" / "pos0_z2.ome.tif")
    assert stack.data.shape == (5, 96, 128)
    assert "4 other files" in stack.notices[0]
    with pytest.raises(FileError, match=r"stack_Z2\.ome\.tif"):
        read_stack(CASES / "stack_Z0.ome.tif")
    shutil.copy(CASES / "multifile" / "pos0_z0.ome.tif", tmp_path)
    with pytest.raises(FileError, match=r"pos0_z1\.ome\.tif"):
        read_stack(tmp_path / "pos0_z0.ome.tif")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("plate_04.ome.zarr", "plate of 2 wells"),
        ("other/other.fits", "FITS"),
    ],
)
def test_what_is_refused_is_called_by_its_name(name: str, what: str) -> None:
    with pytest.raises(FileError, match=what):
        read_stack(CASES / name)


def test_a_zipped_store_is_read() -> None:
    np.testing.assert_allclose(lightness("zipped.ozx"), lightness("base.png"), atol=1e-4)
