"""Neither the user's dask scheduler nor locale nor umask changes what is read or written."""

from __future__ import annotations

import locale
import os
import pickle
from typing import TYPE_CHECKING

import dask
import numpy as np
import pytest
import tifffile

from napari_colorgan.axes import Axes
from napari_colorgan.io import read_stack, stack_writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 9, 12), np.uint8)


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    """Return a stack whose planes have to be turned, which is done as they are read."""
    tifffile.imwrite(
        tmp_path / "a.tif", PIXELS, photometric="minisblack", extratags=[(274, 3, 1, 3, False)]
    )
    return tmp_path / "a.tif"


def test_a_scheduler_that_the_user_has_set_is_not_used(turned: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the user's scheduler was asked")

    with dask.config.set(scheduler=refuse):
        data = read_stack(turned).data
        np.testing.assert_array_equal(data[1], PIXELS[1, ::-1, ::-1])


def test_what_was_opened_can_be_sent_to_another_process(turned: Path) -> None:
    data = read_stack(turned).data
    assert len(pickle.dumps(data)) < 1000
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(data))[2], data[2])
    tifffile.imwrite(turned.with_name("b.tif"), PIXELS, photometric="minisblack")
    mapped = read_stack(turned.with_name("b.tif")).data
    assert len(pickle.dumps(mapped)) < 1000
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(mapped))), PIXELS)


@pytest.fixture
def masked() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has permissions like these")
@pytest.mark.usefixtures("masked")
@pytest.mark.parametrize("suffix", [".png", ".tif", ".zarr", ".mkv"])
def test_outputs_have_the_permissions_that_the_user_wants(tmp_path: Path, suffix: str) -> None:
    letters, shape = ("TYXS", (1, 8, 8, 3)) if suffix == ".mkv" else ("YXS", (8, 8, 3))
    with stack_writer(tmp_path / f"a{suffix}", shape, "uint8", Axes(letters)):
        pass
    mode = (tmp_path / f"a{suffix}").stat().st_mode & 0o777
    assert mode == (0o750 if suffix == ".zarr" else 0o640)
    assert os.umask(0o027) == 0o027


def test_decimal_commas_stay_in_the_interface(tmp_path: Path) -> None:
    before = locale.setlocale(locale.LC_ALL)
    try:
        for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"):
            try:
                locale.setlocale(locale.LC_ALL, name)
                break
            except locale.Error:
                continue
        scale, units = (0.5, 0.25), ("micrometer",) * 2
        with stack_writer(
            tmp_path / "a.tif", (8, 8, 3), "uint8", Axes("YXS"), scale=scale, units=units
        ):
            pass
        assert read_stack(tmp_path / "a.tif").scale == scale
    finally:
        locale.setlocale(locale.LC_ALL, before)
