"""OME-Zarr against ome-zarr's own models, and stores of other programs."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from example_counts import examples
from napari_colorgan.axes import Axes
from napari_colorgan.errors import AxesError, FileError, OutputExistsError
from napari_colorgan.io import area_average, read_stack, stack_writer
from napari_colorgan.io.metadata import SOURCE_TYPE

RANDOM = np.random.default_rng(0)
METADATA = {"software": "napari-colorgan 1", "model": "ü", "colour": "predicted, not measured"}


def noise(shape, dtype="uint8"):
    return RANDOM.integers(0, 200, shape).astype(dtype)


def planes(stack):
    return np.stack(
        [stack.axes.read_plane(stack.data, i) for i in stack.axes.plane_indices(stack.data.shape)]
    )


def write(path, pixels, letters, **options):
    axes = Axes(letters)
    with stack_writer(path, pixels.shape, pixels.dtype, axes, **options) as target:
        for index in axes.plane_indices(pixels.shape):
            target.write(index, axes.read_plane(pixels, index))


def group_of(path, axes, array, *, version="0.5", transformations=None, extra=None):
    """Write a multiscales group as another program would."""
    group = zarr.open_group(str(path), mode="w", zarr_format=3 if version == "0.5" else 2)
    group.create_array("s0", shape=array.shape, dtype=array.dtype, chunks=array.shape)[...] = array
    dataset = {"path": "s0"}
    if transformations:
        dataset["coordinateTransformations"] = transformations
    multiscales = [{"axes": axes, "datasets": [dataset], **(extra or {})}]
    if version == "0.5":
        group.attrs["ome"] = {"version": version, "multiscales": multiscales}
    else:
        group.attrs["multiscales"] = [{"version": version, **multiscales[0]}]
    return group


@settings(max_examples=examples(40))
@given(
    letters=st.sampled_from(["YX", "XY", "ZYX", "YXT", "TYZX", "TCZYX", "CYX", "YXP", "PZYX"]),
    samples=st.booleans(),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    data=st.data(),
)
def test_what_is_written_is_read_back(tmp_path_factory, letters, samples, dtype, data):
    path = tmp_path_factory.mktemp("zarr") / "a.ome.zarr"
    shape = tuple(data.draw(st.integers(1, 4)) for _ in letters)
    letters += "S" * samples
    pixels = noise((*shape, 3) if samples else shape, dtype)
    write(path, pixels, letters)
    stack = read_stack(path)
    axes = Axes(letters)
    assert stack.data.dtype == dtype
    assert stack.name == "a"
    expected = [axes.read_plane(pixels, index) for index in axes.plane_indices(pixels.shape)]
    found = planes(stack)
    if samples and "C" in letters:
        # Channels that have colours come back as three times as many channels.
        count, rows, columns, _ = np.shape(expected)
        if axes.size(pixels.shape, "C") > 1:
            expected = np.moveaxis(expected, 3, 1).reshape(count * 3, rows, columns)
    assert sorted(map(bytes, found)) == sorted(map(bytes, expected))


def test_colour_is_read_back_as_colour(tmp_path):
    pixels = noise((2, 3, 8, 9, 3))
    write(tmp_path / "a.zarr", pixels, "TZYXS")
    stack = read_stack(tmp_path / "a.zarr")
    assert stack.axes.letters == "TSZYX"
    np.testing.assert_array_equal(planes(stack), pixels.reshape(6, 8, 9, 3))


def test_three_channels_of_another_program_are_no_colour(tmp_path):
    group_of(tmp_path / "a.zarr", [{"name": n} for n in "cyx"], noise((3, 8, 9)))
    assert read_stack(tmp_path / "a.zarr").axes.letters == "CYX"


def test_the_metadata_are_valid_ome_zarr(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from ome_zarr_models.v05.image import Image

    scale, units = (30.0, 2.0, 0.5, 0.25), ("second", "micrometer", "micrometer", "micrometer")
    pixels = noise((2, 3, 8, 9, 3))
    options = {"scale": scale, "units": units, "metadata": METADATA}
    write(tmp_path / "a.ome.zarr", pixels, "TZYXS", **options)
    group = zarr.open_group(str(tmp_path / "a.ome.zarr"), mode="r")
    image = Image.from_zarr(group)
    multiscale = image.ome_attributes.multiscales[0]
    assert [axis.name for axis in multiscale.axes] == list("tczyx")
    assert [axis.unit for axis in multiscale.axes] == ["second", None, *["micrometer"] * 3]
    transformation = multiscale.datasets[0].coordinateTransformations[0]
    assert transformation.scale == [30.0, 1.0, 2.0, 0.5, 0.25]
    channels = group.attrs["ome"]["omero"]["channels"]
    assert [channel["color"] for channel in channels] == ["FF0000", "00FF00", "0000FF"]
    assert dict(group.attrs["napari_colorgan"]) == {
        **METADATA,
        "digitalSourceType": SOURCE_TYPE,
        "samples": 3,
    }
    stack = read_stack(tmp_path / "a.ome.zarr")
    assert (stack.scale, stack.units) == (scale, units)


def test_a_large_plane_has_smaller_levels(tmp_path):
    pixels = noise((2100, 1500))
    write(tmp_path / "a.zarr", pixels, "YX", scale=(2.0, 3.0), units=("nanometer",) * 2)
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="r")
    half = area_average(pixels, (1050, 750))
    np.testing.assert_array_equal(group["1"][...], half)
    np.testing.assert_array_equal(group["2"][...], area_average(half, (525, 375)))
    datasets = group.attrs["ome"]["multiscales"][0]["datasets"]
    scales = [each["coordinateTransformations"][0]["scale"] for each in datasets]
    assert scales == [[2.0, 3.0], [4.0, 6.0], [8.0, 12.0]]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_axes_sizes_and_units_of_other_programs(tmp_path, version):
    axes = [
        {"name": "time", "type": "time", "unit": "second"},
        {"name": "c", "type": "channel"},
        {"name": "y", "type": "space", "unit": "micrometer"},
        {"name": "x", "type": "space", "unit": "micrometer"},
    ]
    transformations = [
        {"type": "scale", "scale": [1.5, 1.0, 0.5, 0.25]},
        {"type": "translation", "translation": [0, 0, 3, 4]},
    ]
    extra = {"coordinateTransformations": [{"type": "scale", "scale": [2.0, 1.0, 1.0, 1.0]}]}
    pixels = noise((2, 3, 8, 9), "uint16")
    group_of(
        tmp_path / "a.zarr",
        axes,
        pixels,
        version=version,
        transformations=transformations,
        extra=extra,
    )
    stack = read_stack(tmp_path / "a.zarr")
    assert stack.axes.letters == "TCYX"
    assert stack.scale == (3.0, 1.0, 0.5, 0.25)
    assert stack.units == ("second", "pixel", "micrometer", "micrometer")
    np.testing.assert_array_equal(planes(stack), pixels.reshape(6, 8, 9))


@pytest.mark.parametrize(("ends", "stored"), [((255, 255), (0.0, 255.0)), ((255, 51000), None)])
def test_channels_with_different_ranges_are_told(tmp_path, ends, stored):
    group = group_of(tmp_path / "a.zarr", list("cyx"), noise((2, 8, 9), "uint16"))
    windows = [{"start": 0, "end": end, "min": 0, "max": 65535} for end in ends]
    omero = {"channels": [{"color": "FFFFFF", "window": window} for window in windows]}
    group.attrs["ome"] = {**group.attrs["ome"], "omero": omero}
    stack = read_stack(tmp_path / "a.zarr")
    assert stack.stored_range == stored
    assert any("different ranges" in text for text in stack.notices) is (stored is None)


def test_axes_may_be_mere_names_or_strange(tmp_path):
    group_of(tmp_path / "a.zarr", list("zyx"), noise((3, 8, 9)))
    assert read_stack(tmp_path / "a.zarr").axes.letters == "ZYX"
    named = [{"name": n} for n in ("position", "phase", "y", "x")]
    group_of(tmp_path / "b.zarr", named, noise((2, 3, 8, 9)))
    assert read_stack(tmp_path / "b.zarr").axes.letters == "PQYX"


def test_what_bio_formats_converts_lies_one_group_down(tmp_path):
    outer = zarr.open_group(str(tmp_path / "a.zarr"), mode="w")
    outer.attrs["ome"] = {"bioformats2raw.layout": 3}
    group_of(tmp_path / "a.zarr" / "0", list("yx"), noise((8, 9)))
    assert read_stack(tmp_path / "a.zarr").data.shape == (8, 9)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_plain_array_is_read(tmp_path, zarr_format):
    pixels = noise((4, 8, 9))
    array = zarr.create_array(
        str(tmp_path / "a.zarr"), data=pixels, chunks=(1, 8, 9), zarr_format=zarr_format
    )
    assert array.shape == pixels.shape
    stack = read_stack(tmp_path / "a.zarr")
    assert stack.axes.letters == "ZYX"
    np.testing.assert_array_equal(planes(stack), pixels)


def test_only_the_chunks_of_a_plane_are_read(tmp_path):
    write(tmp_path / "a.zarr", noise((3, 8, 9)), "ZYX")
    chunks = sorted(p for p in (tmp_path / "a.zarr" / "0" / "c").rglob("*") if p.is_file())
    assert len(chunks) == 3
    chunks[2].write_bytes(b"damaged")
    stack = read_stack(tmp_path / "a.zarr")
    stack.axes.read_plane(stack.data, (1,))
    with pytest.raises(FileError, match="can't be decoded"):
        stack.axes.read_plane(stack.data, (2,))


def test_planes_that_are_not_written_are_black(tmp_path):
    with stack_writer(tmp_path / "a.zarr", (3, 8, 9), "uint8", Axes("ZYX")):
        pass
    assert not planes(read_stack(tmp_path / "a.zarr")).any()


def test_an_error_leaves_what_was_there(tmp_path):
    old, new = noise((8, 9)), noise((8, 9))
    write(tmp_path / "a.zarr", old, "YX")
    with pytest.raises(OutputExistsError):
        write(tmp_path / "a.zarr", new, "YX")
    axes = Axes("YX")

    def fail():
        with stack_writer(tmp_path / "a.zarr", (8, 9), "uint8", axes, overwrite=True) as target:
            target.write((), new)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [each.name for each in tmp_path.iterdir()] == ["a.zarr"]
    np.testing.assert_array_equal(planes(read_stack(tmp_path / "a.zarr"))[0], old)
    write(tmp_path / "a.zarr", new, "YX", overwrite=True)
    np.testing.assert_array_equal(planes(read_stack(tmp_path / "a.zarr"))[0], new)
    assert [each.name for each in tmp_path.iterdir()] == ["a.zarr"]


def test_a_folder_of_other_files_is_never_replaced(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "thesis.txt").write_text("precious")
    with pytest.raises(FileError, match="not replaced"):
        write(tmp_path / "a.zarr", noise((8, 9)), "YX", overwrite=True)
    assert (tmp_path / "a.zarr" / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"ome": {}},
        {"ome": {"multiscales": []}},
        {"ome": {"multiscales": [{}]}},
        {"ome": {"multiscales": [{"datasets": []}]}},
        {"ome": {"multiscales": [{"datasets": [{"path": "gone"}], "axes": ["y", "x"]}]}},
        {"ome": {"multiscales": [{"datasets": [{"path": "s0"}], "axes": 5}]}},
        {"ome": {"multiscales": "text"}},
        {"ome": []},
    ],
)
def test_odd_metadata_are_refused(tmp_path, attributes):
    group = group_of(tmp_path / "a.zarr", ["y", "x"], noise((8, 9)))
    group.attrs.put(attributes)
    with pytest.raises(FileError):
        read_stack(tmp_path / "a.zarr")


def test_axes_that_do_not_fit_the_array_are_refused(tmp_path):
    group_of(tmp_path / "a.zarr", ["z", "y", "x"], noise((8, 9)))
    with pytest.raises(AxesError):
        read_stack(tmp_path / "a.zarr")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"zarr_format": 3}', "\udcff"])
def test_damaged_json_is_refused(tmp_path, text):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(FileError):
        read_stack(tmp_path / "a.zarr")


def test_json_stays_readable_for_others(tmp_path):
    write(tmp_path / "a.zarr", noise((8, 9, 3)), "YXS", metadata=METADATA)
    text = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())
    assert text["attributes"]["ome"]["version"] == "0.5"
