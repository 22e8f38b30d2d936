"""What is written is OME-Zarr and OME-TIFF by the models and schemas of others."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import ome_types
import ome_zarr_models.v04
import ome_zarr_models.v05
import pytest
import tifffile
import zarr
from ome_types.model import UnitsLength, UnitsTime

from napari_colorgan.axes import Axes
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.io.layout import Layout, Level
from napari_colorgan.io.metadata import FileMetadata

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"T": 2, "C": 2, "Z": 3, "Y": 40, "X": 64, "S": 3, "Q": 2}
UNITS = {"T": "second", "C": "pixel", "Q": "pixel"}
LETTERS = ["YX", "YXS", "ZYXS", "TYXS", "CYXS", "TCZYXS", "CZYX", "QYXS"]
OME = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0" Name="a">'
    '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="1" SizeY="1" SizeZ="1" '
    'SizeC="1" SizeT="1"><Channel ID="Channel:0:0" Name="DAPI"/><TiffData/></Pixels></Image>'
    '<StructuredAnnotations><CommentAnnotation ID="Annotation:0"><Value>kept &amp; told</Value>'
    "</CommentAnnotation></StructuredAnnotations></OME>"
)


def save(path: Path, letters: str, dtype: str = "uint8", **options: object) -> np.ndarray:
    axes = Axes(letters)
    values = np.random.default_rng(0).random([SIZES[k] for k in letters]) * 200
    spatial = axes.scalar.letters
    with stack_writer(
        path,
        values.shape,
        dtype,
        axes,
        scale=tuple(0.5 + number for number in range(len(spatial))),
        units=tuple(UNITS.get(letter, "micrometer") for letter in spatial),
        translate=tuple(float(number) for number in range(len(spatial))),
        metadata={"model": "natural", "colour": "predicted <not> measured", "software": "x 1"},
        kept=FileMetadata(ome=OME, texts={"Comment": "a\nb"}),
        **options,  # type: ignore[arg-type]
    ) as target:
        for index in axes.plane_indices(values.shape):
            target.write(index, axes.read_plane(values, index))
    return values.astype(dtype)


@pytest.mark.parametrize(("letters", "version"), list(product(LETTERS, ["0.4", "0.5"])))
@pytest.mark.parametrize("laid_out", [False, True])
def test_ome_zarr(tmp_path: Path, letters: str, version: str, laid_out: bool) -> None:
    path = tmp_path / "a.ome.zarr"
    layout = None
    if laid_out:
        chunk, shard = {"Y": 16, "X": 32, "Z": 2}, {"Y": 32, "X": 32, "Z": 2}
        known = {k: n for k, n in chunk.items() if k in letters}
        blocks = known, {k: n for k, n in shard.items() if k in letters}
        layout = Layout((Level((40, 64), *blocks), Level((20, 32), *blocks)))
    values = save(path, letters, layout=layout, ngff=version)

    group = zarr.open_group(str(path), mode="r")
    models = ome_zarr_models.v04 if version == "0.4" else ome_zarr_models.v05
    image = models.Image.from_zarr(group)
    attributes = image.attributes if version == "0.4" else image.attributes.ome
    (described,) = attributes.multiscales
    assert group.metadata.zarr_format == (2 if version == "0.4" else 3)
    assert len(described.datasets) == (2 if laid_out else 1)
    assert described.axes[-1].unit == "micrometer"
    kinds = [axis.type for axis in described.axes]
    order = ["time", "channel", "space"]
    assert kinds == sorted(kinds, key=order.index)
    if version == "0.5":
        assert attributes.version == "0.5"
        names = [axis.name for axis in described.axes]
        for each in described.datasets:
            assert list(group[each.path].metadata.dimension_names) == names
    stack = read_stack(path)
    planes = [
        stack.axes.read_plane(stack.data, i) for i in stack.axes.plane_indices(stack.data.shape)
    ]
    assert sum(plane.size for plane in planes) == values.size


def test_an_ome_zarr_of_version_04_is_replaced_only_if_it_is_ours(tmp_path: Path) -> None:
    from napari_colorgan.errors import FileError

    path = tmp_path / "a.ome.zarr"
    save(path, "ZYXS", ngff="0.4")
    save(path, "ZYXS", ngff="0.5", overwrite=True)
    assert (path / "zarr.json").exists()
    assert not (path / ".zgroup").exists()
    save(path, "ZYXS", ngff="0.4", overwrite=True)
    (path / "0" / "notes.txt").write_text("mine")
    with pytest.raises(FileError, match=r"notes\.txt"):
        save(path, "ZYXS", ngff="0.5", overwrite=True)
    (path / "0" / "notes.txt").unlink()
    zarr.open_group(str(path), mode="r+").attrs.pop("napari_colorgan")
    with pytest.raises(FileError, match="another program"):
        save(path, "ZYXS", ngff="0.5", overwrite=True)


@pytest.mark.parametrize("letters", LETTERS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("pyramid", [False, True])
# The models warn of their own deprecations.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ome_tiff(tmp_path: Path, letters: str, dtype: str, pyramid: bool) -> None:
    path = tmp_path / "a.ome.tif"
    layout = None
    if pyramid:
        tile = {"Y": 16, "X": 32}
        layout = Layout((Level((40, 64), tile), Level((20, 32), tile)))
    values = save(path, letters, dtype, layout=layout)

    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        xml = file.ome_metadata
        (series,) = file.series
        np.testing.assert_array_equal(series.asarray().reshape(values.shape), values)
        assert len(series.levels) == (2 if pyramid else 1)
    ome_types.validate_xml(xml)  # the schema of 2016-06
    described = ome_types.from_xml(xml)
    (image,) = described.images
    pixels = image.pixels
    assert (pixels.size_y, pixels.size_x) == (40, 64)
    assert pixels.size_z * pixels.size_t * pixels.size_c == values.size // (40 * 64)
    assert pixels.physical_size_x_unit is UnitsLength.MICROMETER
    assert pixels.physical_size_x == 0.5 + len(letters.replace("S", "")) - 1
    if "T" in letters:
        assert pixels.time_increment_unit is UnitsTime.SECOND
    comments = [each.value for each in described.structured_annotations.comment_annotations]
    assert "kept & told" in comments


def test_the_schema_finds_faults(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    save(path, "ZYXS")
    with tifffile.TiffFile(path) as file:
        xml = file.ome_metadata
    with pytest.raises(ValueError, match="many"):
        ome_types.validate_xml(xml.replace('SizeZ="3"', 'SizeZ="many"'))
    folder = tmp_path / "a.ome.zarr"
    save(folder, "ZYXS")
    group = zarr.open_group(str(folder), mode="r+")
    described = dict(group.attrs["ome"])
    described["multiscales"][0]["axes"].reverse()
    group.attrs["ome"] = described
    with pytest.raises(ValueError, match="axes"):
        ome_zarr_models.v05.Image.from_zarr(group)
