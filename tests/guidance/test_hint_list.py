"""Hints as data: what is saved is what is read, and what can't be is named by its line."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_colorgan import Hint, Hints
from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError, InputError
from napari_colorgan.guidance.area import Area
from napari_colorgan.guidance.hint_csv import parse_hints
from napari_colorgan.guidance.marks import disks_of_mask
from napari_colorgan.guidance.stack_marks import carried_hints, marks_of_plane

if TYPE_CHECKING:
    from pathlib import Path

SOME = Hints(
    (
        Hint((0.0, 10.25, 1 / 3), (12.5, -30.1), 4.0),
        Hint((1.0, 3.0, 4.0), kind="gray", carry="this", file="a.tif"),
        Hint((1.0, 5.0, 4.0), kind="keep", radius=0.0),
        Hint((2.0, 0.0, 0.0), kind="barrier"),
        Hint((2.0, 6.0, 6.0), (1.0, 2.0), area=Area(((0, -3, 7), (-2, 1, 1)))),
    ),
    "zyx",
)


def test_hints_are_read_back_exactly(tmp_path: Path) -> None:
    SOME.to_csv(tmp_path / "hints.csv")
    read = Hints.from_csv(tmp_path / "hints.csv")
    assert read.hints == SOME.hints
    assert read.axes == "zyx"
    assert read.digest == SOME.digest
    assert SOME.joined(SOME).digest != SOME.digest


def test_long_areas_are_read_back_exactly(tmp_path: Path) -> None:
    """Fields beyond the csv module's own limit, which stays what it is."""
    noise = np.random.default_rng(0).random((400, 400)) < 0.5
    hint = Hint((3.0, 4.0), (1.0, 2.0), area=Area.of_mask(noise, (3, 4)))
    assert hint.area is not None
    assert len(hint.area.text) > csv.field_size_limit()
    before = csv.field_size_limit()
    Hints((hint,), "yx").to_csv(tmp_path / "hints.csv")
    assert Hints.from_csv(tmp_path / "hints.csv").hints == (hint,)
    assert csv.field_size_limit() == before


def test_people_write_colours_as_hexadecimal() -> None:
    ((hint,), _) = parse_hints("y,x,color\n 3 , 4.5 , #ff0000\n\n")
    assert hint.position == (3.0, 4.5)
    assert hint.ab is not None
    assert np.allclose(hint.ab, (80.09, 67.2), atol=0.02)
    ((gray,), _) = parse_hints("x,y,kind\n1,2,gray\n")
    assert gray.ab == (0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y,x,colour\n1,2,#ffffff\n", "unknown columns colour"),
        ("Y,X,color\n1,2,#ffffff\n", "unknown columns"),
        ("y,color\n1,#ffffff\n", "columns y, color"),
        ("y,x\n1,2\n", "no colour"),
        ("y,x,color,a,b\n1,2,#ffffff,0,0\n", "both"),
        ("y,x,y,color\n1,2,3,#ffffff\n", "twice"),
        ("y,x,color\n1,2,red\n", "'red' in line 2"),
        ("y,x,color\n1,2,#ffffff\n1,two,#ffffff\n", "'two' in line 3"),
        ("y,x,color\n1,nan,#ffffff\n", "finite"),
        ("y,x,kind,area\n1,2,gray,0:1+2 3\n", "'0:1\\+2 3' in line 2"),
        ("y,x,a,b\n1,2,200,200\n", "-128…128"),
        ("y,x,color,radius\n1,2,#ffffff,-1\n", "radius"),
        ("y,x,color,kind\n1,2,#ffffff,blur\n", "'blur'"),
        ("y,x,color,carry\n1,2,#ffffff,back\n", "'back'"),
        ("y,x,color\n1,2,#ffffff,5\n", "more in line 2"),
        ("", "unknown columns"),
        ("y,x,color\n1,2\r3,#ffffff\n", "new-line .* in line 2"),
    ],
)
def test_what_cannot_be_understood_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_hints(text)


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\xff\xfe")
    for name in ("absent.csv", "picture.csv"):
        with pytest.raises(FileError, match="can't be read"):
            Hints.from_csv(tmp_path / name)
    with pytest.raises(InputError, match="instead of"):
        parse_hints("y,x,color\n1,2,#ffffff\n", axes="zyx")


def test_hints_outside_the_stack_or_along_other_axes_are_refused() -> None:
    assert SOME.for_stack(Axes("YXZ"), (20, 20, 3)).axes == "yxz"
    with pytest.raises(InputError, match="hint 4 at z = 2"):
        SOME.for_stack(Axes("ZYX"), (2, 20, 20))
    with pytest.raises(InputError, match='along "zyx"'):
        SOME.for_stack(Axes("TYX"), (3, 20, 20))


def test_hints_act_on_other_planes_as_they_say() -> None:
    def hint(t: int, carry: str | None) -> Hint:
        return Hint((float(t), 0.0, 1.0, 1.0), (5.0, 5.0), carry=carry)  # type: ignore[arg-type]

    hints = Hints((hint(1, None), hint(2, "this"), hint(3, "forward")), "tcyx")
    assert len(marks_of_plane(hints, (1, 0))) == 1
    acting = {t: [(h.position[0], d) for h, d in carried_hints(hints, (t, 0))] for t in range(6)}
    assert acting[0] == [(1.0, 1.0)]
    assert acting[3] == [(1.0, 2.0)]
    assert acting[5] == [(1.0, 4.0), (3.0, 2.0)]
    assert carried_hints(hints, (5, 1)) == []  # of another channel
    own = Hints((hint(1, "forward"), hint(3, "forward")), "tcyx")
    assert [h.position[0] for h, _ in carried_hints(own, (4, 0))] == [3.0]
    assert carried_hints(own, (3, 0)) == []


def test_areas_are_covered_by_disks() -> None:
    rows, columns = np.ogrid[:60, :80]
    mask = (abs(rows - 30) < 20) & (abs(columns - 40) < 30)
    covered = np.zeros_like(mask)
    disks, left = disks_of_mask(mask, 40)
    for row, column, radius in disks:
        covered |= np.hypot(rows - row, columns - column) <= radius
    assert not (covered & ~mask).any()
    assert covered.sum() > 0.9 * mask.sum()
    assert np.array_equal(covered | left, mask)
