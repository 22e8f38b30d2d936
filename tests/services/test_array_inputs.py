"""What people give as an image in Python is taken, or refused in our words."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import torch
from PIL import Image

from fakes import tinted
from napari_colorgan import colorize
from napari_colorgan.axes import Axes
from napari_colorgan.errors import ColorganError, InputError
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.io import stack_writer
from napari_colorgan.services.arrays.inputs import open_input

PLANE = np.random.default_rng(0).integers(0, 256, (7, 9), dtype=np.uint8)
TINTED = tinted(PLANE, DisplayRange(0, 255))

pytestmark = pytest.mark.usefixtures("engine")


def xarray_like(values, dims):
    """Return what looks like an array of xarray, which isn't installed for the tests."""
    kind = type("DataArray", (), {"__module__": "xarray.core.dataarray"})
    array = kind()
    array.data, array.dims, array.shape, array.dtype = values, dims, values.shape, values.dtype
    return array


@pytest.mark.parametrize(
    "image",
    [
        torch.from_numpy(PLANE),
        torch.from_numpy(PLANE.astype(np.float32) / 255).requires_grad_(),
        Image.fromarray(PLANE),
        PLANE[..., None],
        dask.array.from_array(PLANE[..., None]),
        xarray_like(PLANE, ("y", "x")),
        xarray_like(PLANE.T, ("x", "y")),
    ],
    ids=["tensor", "tensor with gradient", "Pillow", "H W 1", "dask", "xarray", "xarray x y"],
)
def test_kinds_of_images(image):
    rgb = colorize(image, "fake")
    rgb = rgb.swapaxes(0, 1) if getattr(image, "dims", "")[:1] == ("x",) else rgb
    np.testing.assert_allclose(rgb, TINTED, atol=1)


def test_a_path_is_read_as_its_file_says(tmp_path):
    with stack_writer(tmp_path / "a.png", PLANE.shape, "uint8", Axes("YX")) as target:
        target.write((), PLANE)
    np.testing.assert_array_equal(colorize(tmp_path / "a.png", "fake"), TINTED)
    np.testing.assert_array_equal(colorize(str(tmp_path / "a.png"), "fake"), TINTED)


@pytest.mark.parametrize("dtype", [np.uint16, np.dtype("uint16"), "uint16"])
def test_dtypes_are_taken_as_numpys(dtype):
    assert colorize(PLANE, "fake", dtype=dtype).dtype == np.uint16


@pytest.mark.parametrize("dtype", ["uint99", object(), np.int64])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ColorganError):
        colorize(PLANE, "fake", dtype=dtype)


@pytest.mark.parametrize(
    "image",
    [
        None,
        {},
        [],
        "no such file.png",
        [[1, 2], [3]],
        [PLANE, PLANE],
        torch.zeros(7, 9, dtype=torch.complex64),
        np.zeros((0, 9)),
        np.array("text"),
        np.array([["a", "b"]]),
        np.zeros((7, 9), "M8[s]"),
        torch.zeros(()),
        object(),
    ],
    ids=lambda image: type(image).__name__,
)
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ColorganError):
        colorize(image, "fake")


def test_an_array_of_unknown_size_is_refused():
    array = dask.array.from_array(np.arange(70).reshape(10, 7), chunks=5)
    unknown = array[array[:, 0] > 20]
    with pytest.raises(InputError, match="compute_chunk_sizes"):
        open_input(unknown, None)


def test_half_precision_tensors_are_taken():
    levels, axes, _ = open_input(torch.zeros(7, 9, dtype=torch.bfloat16), None)
    assert (levels[0].dtype, axes.letters) == (np.float32, "YX")


def test_unusual_names_of_dimensions_say_nothing():
    _, axes, _ = open_input(xarray_like(np.zeros((2, 7, 9)), ("tile", "lat", "lon")), None)
    assert axes.letters == "ZYX"
    _, axes, _ = open_input(xarray_like(np.zeros((2, 7, 9)), ("time", "y", "x")), None)
    assert axes.letters == "TYX"
