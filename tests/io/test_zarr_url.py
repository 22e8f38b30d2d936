"""OME-Zarr at an address of this machine."""

from __future__ import annotations

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io import read_stack, stack_writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 8, 12, 3), np.uint8)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with stack_writer(
        tmp_path / "a.zarr",
        PIXELS.shape,
        "uint8",
        Axes("ZYXS"),
        scale=(2.0, 0.5, 0.5),
        units=("micrometer",) * 3,
    ) as target:
        for number, plane in enumerate(PIXELS):
            target.write((number,), plane)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/a.zarr"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_an_image_at_an_address_is_read(address: str, tmp_path: Path) -> None:
    stack = read_stack(address)
    assert (stack.name, stack.axes.letters) == ("a", "SZYX")
    assert stack.scale == (2.0, 0.5, 0.5)
    np.testing.assert_array_equal(stack.axes.read_plane(stack.data, (1,)), PIXELS[1])
    with pytest.raises(FileError, match="reached"):
        read_stack(address.replace("a.zarr", "b.zarr"))
    metadata = json.loads((tmp_path / "a.zarr" / "0" / "zarr.json").read_text())
    metadata["codecs"] = [{"name": "numcodecs.pickle"}]
    (tmp_path / "a.zarr" / "0" / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(FileError, match="pickle"):
        read_stack(address)
