"""The Fractal task: a plate's images and plain ones get colour images beside them."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import ome_zarr_models.v04
import ome_zarr_models.v05
import pytest
import zarr

import napari_colorgan
from napari_colorgan.errors import InputError, ModelError, OutputExistsError
from napari_colorgan.fractal.colorize_image import colorize_image
from napari_colorgan.io import read_stack

if TYPE_CHECKING:
    from napari_colorgan.library.store import ModelLibrary

SHAPE = (1, 2, 48, 64)  # CZYX
AXES = [
    {"name": "c", "type": "channel"},
    *({"name": letter, "type": "space", "unit": "micrometer"} for letter in "zyx"),
]
pytestmark = pytest.mark.usefixtures("tiny_library")


def group_at(path: Path, version: str, **attributes: Any) -> zarr.Group:
    is_old = version == "0.4"
    group = zarr.open_group(str(path), mode="a", zarr_format=2 if is_old else 3)
    if is_old:
        group.attrs.update(attributes)
    else:
        group.attrs["ome"] = {"version": "0.5", **attributes}
    return group


def save_image(path: Path, version: str, seed: int = 0) -> None:
    scales = [[1.0, 2.0, 0.5 * step, 0.5 * step] for step in (1, 2)]
    described = {
        "axes": AXES,
        "datasets": [
            {
                "path": str(number),
                "coordinateTransformations": [{"type": "scale", "scale": scale}],
            }
            for number, scale in enumerate(scales)
        ],
        **({"version": "0.4"} if version == "0.4" else {}),
    }
    channel = {
        "label": "DAPI",
        "wavelength_id": "A01_C01",
        "color": "FFFFFF",
        "window": {"min": 0, "max": 65535, "start": 0, "end": 255},
    }
    group = group_at(path, version, multiscales=[described], omero={"channels": [channel]})
    values = np.random.default_rng(seed).integers(0, 255, SHAPE).astype(np.uint16)
    options: dict[str, Any] = {}
    if version == "0.4":
        options["chunk_key_encoding"] = {"name": "v2", "separator": "/"}
    else:
        options["dimension_names"] = list("czyx")
    for number, step in enumerate((1, 2)):
        level = values[..., ::step, ::step]
        array = group.create_array(
            str(number), shape=level.shape, chunks=(1, 1, 16, 32), dtype="uint16", **options
        )
        array[:] = level


@pytest.fixture(params=["0.4", "0.5"])
def plate(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a plate of two wells, one with two images, and a table of regions."""
    version = request.param
    path = tmp_path / "plate.zarr"
    about = {
        "name": "plate",
        "columns": [{"name": "1"}, {"name": "2"}],
        "rows": [{"name": "A"}],
        "wells": [
            {"path": "A/1", "rowIndex": 0, "columnIndex": 0},
            {"path": "A/2", "rowIndex": 0, "columnIndex": 1},
        ],
        "acquisitions": [{"id": 0, "name": "first"}],
    }
    group_at(path, version, plate={**about, "version": version})
    for well, images in (("A/1", "01"), ("A/2", "0")):
        listed = [{"path": image, "acquisition": 0} for image in images]
        group_at(path / well, version, well={"images": listed, "version": version})
        for image in images:
            save_image(path / well / image, version, int(image))
    tables = path / "A" / "1" / "0" / "tables"
    tables.mkdir()
    (tables / "notes.csv").write_text("FieldIndex,x\n0,1.5\n")
    return path


def images_of(well: Path) -> list[dict[str, Any]]:
    attributes = zarr.open_group(str(well), mode="r").attrs
    described: list[dict[str, Any]] = attributes.get("ome", attributes)["well"]["images"]
    return described


def test_an_image_of_a_plate(plate: Path) -> None:
    source = plate / "A" / "1" / "0"
    updates = colorize_image(zarr_url=str(source), model="tiny")["image_list_updates"]

    target = plate / "A" / "1" / "0colour"
    expected = {"zarr_url": str(target), "origin": str(source), "types": {"colorized": True}}
    assert updates == [expected]
    assert images_of(plate / "A" / "1") == [
        {"path": "0", "acquisition": 0},
        {"path": "1", "acquisition": 0},
        {"path": "0colour", "acquisition": 0},
    ]
    group = zarr.open_group(str(target), mode="r")
    is_old = not (target / "zarr.json").exists()
    assert is_old == (plate / ".zattrs").exists()
    models = ome_zarr_models.v04 if is_old else ome_zarr_models.v05
    models.Image.from_zarr(group)
    models.HCS.from_zarr(zarr.open_group(str(plate), mode="r"))
    assert group["0"].shape == (3, *SHAPE[1:])
    assert group["0"].chunks == (3, 1, 16, 32)
    assert group["1"].shape == (3, 2, 24, 32)
    before, after = read_stack(source), read_stack(target)
    assert after.scale == before.scale[1:]
    assert (target / "tables" / "notes.csv").read_text() == "FieldIndex,x\n0,1.5\n"
    assert not list(target.parent.glob(".colorgan-*"))
    # Again: nothing is replaced.
    with pytest.raises(OutputExistsError):
        colorize_image(zarr_url=str(source), model="tiny")


def test_images_of_one_well_at_the_same_time(plate: Path) -> None:
    well = plate / "A" / "1"
    jobs = [(image, name) for image in "01" for name in ("a", "b", "c")]
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda job: colorize_image(
                    zarr_url=str(well / job[0]), model="tiny", output_name=job[1]
                ),
                jobs,
            )
        )
    names = {each["path"] for each in images_of(well)}
    assert names == {"0", "1", *(f"{image}{name}" for image, name in jobs)}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_plain_image(tmp_path: Path, version: str) -> None:
    source = tmp_path / "embryo.ome.zarr"
    save_image(source, version)
    answer = colorize_image(zarr_url=f"{source}/", model="tiny", scale="2", output_name="tiny2")
    target = tmp_path / "embryo_tiny2.ome.zarr"
    assert answer["image_list_updates"][0]["zarr_url"] == str(target)
    assert sorted(path.name for path in tmp_path.iterdir()) == [source.name, target.name]
    stored = zarr.open_group(str(target), mode="r").attrs["napari_colorgan"]
    assert json.loads(stored["settings"])["scale"] == 2.0


def test_what_cannot_be_done_leaves_nothing(plate: Path) -> None:
    well = plate / "A" / "2"
    before = sorted(path.name for path in well.iterdir())
    for arguments, error in (
        ({"output_name": "a/b"}, InputError),
        ({"output_name": "a_b"}, InputError),  # OME-Zarr forbids it in a well
        ({"scale": "large"}, InputError),
        ({"model": "none such"}, ModelError),
    ):
        with pytest.raises(error):
            colorize_image(**{"zarr_url": str(well / "0"), "model": "tiny", **arguments})
    assert sorted(path.name for path in well.iterdir()) == before
    assert images_of(well) == [{"path": "0", "acquisition": 0}]


@pytest.mark.slow
def test_it_runs_as_fractal_runs_it(plate: Path, tmp_path: Path, home: Path) -> None:
    package = Path(napari_colorgan.__file__).parent
    manifest = json.loads((package / "__FRACTAL_MANIFEST__.json").read_text())
    (task,) = manifest["task_list"]
    arguments = {"zarr_url": str(plate / "A" / "2" / "0"), "model": "tiny"}
    known = task["args_schema_parallel"]["properties"]
    assert set(arguments) <= set(known)
    (tmp_path / "in.json").write_text(json.dumps(arguments))
    done = subprocess.run(
        [
            sys.executable,
            package / task["executable_parallel"],
            "--args-json",
            tmp_path / "in.json",
            "--out-json",
            tmp_path / "out.json",
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (update,) = json.loads((tmp_path / "out.json").read_text())["image_list_updates"]
    assert Path(update["zarr_url"]).is_dir()
    assert update["types"] == task["output_types"]


def test_the_manifest_is_that_of_the_tasks() -> None:
    done = subprocess.run(
        [
            Path(sys.executable).with_name("fractal-manifest"),
            "check",
            "--package",
            "napari-colorgan",
            "--task-list-path",
            "fractal.task_list",
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_ngio_opens_what_was_made(plate: Path, tiny_library: ModelLibrary) -> None:
    ngio = pytest.importorskip("ngio", reason="it brings polars and pyarrow")
    for path in ("A/1/0", "A/2/0"):
        colorize_image(zarr_url=str(plate / path), model="tiny")
    opened = ngio.open_ome_zarr_plate(str(plate))
    assert {"A/1/0colour", "A/2/0colour"} <= set(opened.images_paths())
    container = ngio.open_ome_zarr_container(str(plate / "A" / "1" / "0colour"))
    image = container.get_image()
    assert image.shape == (3, 2, 48, 64)
    assert image.channel_labels == ["red", "green", "blue"]
    assert image.pixel_size.x == 0.5
    assert container.levels == 2
    stack = read_stack(plate / "A" / "1" / "0colour")
    np.testing.assert_array_equal(np.asarray(image.get_as_numpy()), np.asarray(stack.data))
