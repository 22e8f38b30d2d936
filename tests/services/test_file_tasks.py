"""From what was asked for to inputs and outputs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from napari_colorgan.errors import FileError, InputError
from napari_colorgan.services.files.tasks import plan_files

CASES = Path(__file__).parent.parent / "fixtures" / "cases"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with files of all kinds; it is the current one."""
    for name in ["b.tif", "a.ome.tif", "c.JPG", "d.png", "notes.txt", ".hidden.tif", "e.npy"]:
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"x")
    for name in ["f.ome.zarr", "plain.zarr", "sub"]:
        (tmp_path / "in" / name).mkdir()
    (tmp_path / "in" / "f.ome.zarr" / "zarr.json").write_text("{}")
    (tmp_path / "in" / "sub" / "g.webp").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pairs(tasks):
    return [(str(task.source), str(task.output)) for task in tasks.tasks]


def path(*parts):
    return os.path.join(*parts)


def test_a_folder_gives_all_its_images_by_name(folder):
    planned = plan_files(["in"], "out")
    assert pairs(planned) == [
        (path("in", "a.ome.tif"), path("out", "a.ome.tif")),
        (path("in", "b.tif"), path("out", "b.tif")),
        (path("in", "c.JPG"), path("out", "c.png")),
        (path("in", "d.png"), path("out", "d.png")),
        (path("in", "e.npy"), path("out", "e.tif")),
        (path("in", "f.ome.zarr"), path("out", "f.ome.zarr")),
        (path("in", "sub", "g.webp"), path("out", "sub", "g.png")),
    ]
    assert planned.problems == ()
    assert [str(each) for each in planned.folders] == ["out", path("out", "sub")]


def test_a_folder_of_folders_keeps_its_structure(folder):
    (folder / "in" / "sub" / "b.tif").write_bytes(b"x")
    (folder / "in" / ".ipynb_checkpoints").mkdir()
    (folder / "in" / ".ipynb_checkpoints" / "b.tif").write_bytes(b"x")
    (folder / "in" / "._b.tif").write_bytes(b"x")
    for text in ("in", "in/**/b.tif"):
        planned = plan_files([text], "out", uncertainty="unsure")
        both = [task for task in planned.tasks if task.source.name == "b.tif"]
        assert [str(task.output) for task in both] == [
            path("out", "b.tif"),
            path("out", "sub", "b.tif"),
        ]
        assert str(both[1].uncertainty) == path("unsure", "sub", "b.tif")
        assert planned.problems == ()


def test_earlier_outputs_within_the_folder_are_no_inputs(folder):
    (folder / "in" / "colour").mkdir()
    (folder / "in" / "colour" / "b.tif").write_bytes(b"x")
    planned = plan_files(["in"], "in/colour")
    assert [task.source.name for task in planned.tasks].count("b.tif") == 1
    assert planned.problems == ()


@pytest.mark.parametrize(
    ("pattern", "outputs"),
    [
        ("in/*.tif", ["a.ome.tif", "b.tif"]),
        ("in/[cd].*", ["c.png", "d.png"]),
        ("in/**/*", ["a.ome.tif", "b.tif", "c.png", "d.png", "e.tif", "f.ome.zarr", "g.png"]),
    ],
)
def test_patterns_give_the_images_that_match(folder, pattern, outputs):
    planned = plan_files([pattern], "out")
    assert [task.output.name for task in planned.tasks] == outputs


def test_a_pattern_gives_the_fields_of_a_plate(tmp_path):
    plate = CASES / "plate_04.ome.zarr"
    found = plan_files([plate / "*" / "*" / "*"], tmp_path / "out")
    assert not found.problems
    fields = sorted(task.source.relative_to(plate).as_posix() for task in found.tasks)
    assert len(fields) >= 2
    outputs = sorted(task.output.relative_to(tmp_path / "out").as_posix() for task in found.tasks)
    assert outputs == [f"{field}.ome.zarr" for field in fields]


def test_a_name_with_brackets_is_a_name_if_there_is_such_a_file(folder):
    (folder / "scan[1].tif").write_bytes(b"x")
    assert pairs(plan_files(["scan[1].tif"], "o.tif")) == [("scan[1].tif", "o.tif")]


def test_files_named_twice_are_done_once(folder):
    planned = plan_files(["in/b.tif", "in", "in/b.tif", "in/sub/../b.tif"], "out")
    assert [task.source.name for task in planned.tasks].count("b.tif") == 1


@pytest.mark.parametrize("output", ["o.tif", "o.png", "o.jpg", "o.ome.zarr", "new/o.TIFF"])
def test_a_single_file_goes_where_it_is_told(folder, output):
    planned = plan_files(["in/c.JPG"], output)
    assert pairs(planned) == [("in/c.JPG", output)]
    assert planned.folders == ()


@pytest.mark.parametrize("output", ["in/sub", "new", "new/deep"])
def test_a_single_file_goes_into_a_folder_under_its_own_name(folder, output):
    assert pairs(plan_files(["in/c.JPG"], output)) == [("in/c.JPG", path(output, "c.png"))]


def test_floats_are_no_png(folder):
    planned = plan_files(["in/c.JPG", "in/d.png"], "out", dtype="float32")
    assert [task.output.name for task in planned.tasks] == ["c.tif", "d.tif"]


def test_uncertainties_go_beside_as_tiff(folder):
    planned = plan_files(["in/c.JPG", "in/f.ome.zarr"], "out", uncertainty="unsure")
    names = [str(task.uncertainty) for task in planned.tasks]
    assert names == [path("unsure", "c.tif"), path("unsure", "f.zarr")]
    planned = plan_files(["in/c.JPG", "in/b.tif"], "out", uncertainty="out")
    names = [task.uncertainty.name for task in planned.tasks]
    assert names == ["c_uncertainty.tif", "b_uncertainty.tif"]
    assert plan_files(["in/b.tif"], "o.tif", uncertainty="u.tif").tasks[0].uncertainty.name


def test_what_matches_nothing_is_a_problem_of_its_own(folder):
    (folder / "empty").mkdir()
    planned = plan_files(["in/b.tif", "*.gif", "empty"], "out")
    assert pairs(planned) == [(path("in", "b.tif"), path("out", "b.tif"))]
    assert [name for name, _ in planned.problems] == ["*.gif", "empty"]
    assert all(isinstance(error, FileError) for _, error in planned.problems)


def test_a_missing_file_is_left_to_its_reader(folder):
    assert pairs(plan_files(["gone.tif"], "o.tif")) == [("gone.tif", "o.tif")]


def test_two_inputs_of_one_name_do_not_overwrite_each_other(folder):
    (folder / "other").mkdir()
    (folder / "other" / "B.TIF").write_bytes(b"x")
    (folder / "in" / "c.png").write_bytes(b"x")
    planned = plan_files(["in", "other/B.TIF"], "out")
    assert [name for name, _ in planned.problems] == [path("other", "B.TIF")]
    outputs = dict(pairs(planned))
    assert outputs[path("in", "c.png")] == path("out", "c.png")
    assert outputs[path("in", "c.JPG")] == path("out", "c.JPG.png")


@pytest.mark.parametrize(
    ("inputs", "output"),
    [(["in/b.tif"], "in/b.tif"), (["in/b.tif"], "in"), (["in/b.tif", "in/d.png"], "in/sub/..")],
)
def test_an_input_is_never_an_output(folder, inputs, output):
    planned = plan_files(inputs, output)
    assert planned.tasks == ()
    assert "input" in str(planned.problems[0][1])


def test_an_input_is_not_another_inputs_output(folder):
    (folder / "in" / "c.png").write_bytes(b"x")
    planned = plan_files(["in/c.JPG", "in/c.png"], "in")
    assert pairs(planned) == [(path("in", "c.JPG"), path("in", "c.JPG.png"))]
    assert [name for name, _ in planned.problems] == [path("in", "c.png")]


def test_links_to_an_input_are_that_input(folder):
    os.symlink(folder / "in" / "b.tif", folder / "link.tif")
    assert plan_files(["in/b.tif"], "link.tif").tasks == ()


def test_colours_and_uncertainties_need_two_files(folder):
    planned = plan_files(["in/b.tif"], "o.tif", uncertainty="o.tif")
    assert planned.tasks == ()


@pytest.mark.parametrize("output", ["o.tif", "o.png", "in/b.tif", "out.zarr", "in/notes.txt"])
@pytest.mark.parametrize("inputs", [["in"], ["in/b.tif", "in/d.png"], ["in/[bd].*"]])
def test_several_inputs_need_a_folder(folder, inputs, output):
    with pytest.raises(InputError, match="a folder as the output"):
        plan_files(inputs, output)


@pytest.mark.parametrize("output", ["o.gif", "o.txt", "in/notes.txt"])
def test_an_unknown_suffix_is_refused(folder, output):
    with pytest.raises(FileError, match="output name that ends in"):
        plan_files(["in/b.tif"], output)


def test_no_input_is_refused():
    with pytest.raises(InputError, match="at least one input"):
        plan_files([], "out")
