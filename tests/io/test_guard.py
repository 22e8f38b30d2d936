"""Files that would hang, fill the memory or lead elsewhere are refused before they are decoded."""

from __future__ import annotations

import json
import os
import socket
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_colorgan.axes import Axes
from napari_colorgan.errors import ColorganError, FileError
from napari_colorgan.io import guard, read_stack
from napari_colorgan.io.files import find_files, planes_of
from napari_colorgan.io.ome_zarr import codecs as zarr_codecs
from napari_colorgan.services.files.tasks import plan_files

posix = pytest.mark.skipif(os.name != "posix", reason="pipes and devices are POSIX's")


@posix
@pytest.mark.parametrize("read", [read_stack, planes_of])
def test_pipes_sockets_and_devices_are_named(tmp_path, read):
    os.mkfifo(tmp_path / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.png"))
        for path, kind in (
            (tmp_path / "pipe.png", "a pipe"),
            (tmp_path / "socket.png", "a socket"),
            (Path("/dev/zero"), "a device"),
        ):
            with pytest.raises(FileError, match=kind):
                read(path)


@pytest.mark.parametrize(
    "name", ["a\0b.png", "x" * 300 + ".png", "~nosuchuser/x.png", "", "a/" * 3000]
)
def test_names_that_no_file_can_have_are_errors(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ColorganError):
        read_stack(name)
    tasks = plan_files([name], tmp_path / "out") if name else None
    if tasks is not None:
        for task in tasks.tasks:
            with pytest.raises(ColorganError):
                read_stack(task.source)


@posix
def test_loops_of_links_end(tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("L", (9, 9)).save(tmp_path / "in" / "a.png")
    for number in range(4):
        (tmp_path / "in" / f"loop{number}").symlink_to(tmp_path / "in", target_is_directory=True)
    (tmp_path / "in" / "self.png").symlink_to("self.png")
    assert next(path.name for path in find_files(tmp_path / "in")) == "a.png"
    tasks = plan_files([str(tmp_path / "in" / "**" / "*.png")], tmp_path / "out").tasks
    assert "a.png" in {task.source.name for task in tasks}
    with pytest.raises(FileError):
        read_stack(tmp_path / "in" / "self.png")


@posix
def test_a_pipe_in_a_folder_is_passed_over(tmp_path):
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "pipe.png")
    Image.new("L", (9, 9)).save(tmp_path / "in" / "a.png")
    for source in (tmp_path / "in", str(tmp_path / "in" / "*.png")):
        tasks = plan_files([source], tmp_path / "out").tasks
        assert [task.source.name for task in tasks] == ["a.png"]


def png(rows, columns, data=b"\0"):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def jpeg(tmp_path, rows, columns):
    Image.new("L", (16, 16)).save(tmp_path / "small.jpg")
    data = bytearray((tmp_path / "small.jpg").read_bytes())
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", rows, columns)
    return bytes(data)


def jpegxl(rows, columns):
    """Return the header of a JPEG XL codestream with sides of 30 bits."""
    bits = 0 | 3 << 1 | (rows - 1) << 3 | 0 << 33 | 3 << 36 | (columns - 1) << 38
    return b"\xff\x0a" + bits.to_bytes(9, "little") + b"\0" * 40


@pytest.mark.parametrize("boxed", [False, True])
def test_a_jpeg_xl_that_states_more_than_the_memory_is_not_decoded(tmp_path, monkeypatch, boxed):
    import imagecodecs

    monkeypatch.setattr(imagecodecs, "jpegxl_decode", lambda _: pytest.fail("it is decoded"))
    stream = jpegxl(200_000, 100_000)
    if boxed:
        box = struct.pack(">I4s", 12, b"free") + b"1234"
        stream = b"\0\0\0\x0cJXL \r\n\x87\n" + box + struct.pack(">I4s", 0, b"jxlc") + stream
    (tmp_path / "a.jxl").write_bytes(stream)
    with pytest.raises(FileError, match=r"200,000 × 100,000 pixels.*160.00 GB"):
        read_stack(tmp_path / "a.jxl")


def test_a_header_states_no_more_than_its_file_can_hold(tmp_path):
    for name, data in {
        "a.png": png(60000, 60000),
        "a.jpg": jpeg(tmp_path, 65500, 65500),
        "a.pgm": b"P5 60000 60000 255\n" + b"\0" * 100,
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FileError, match="more than its"):
            read_stack(tmp_path / name)


def test_planes_that_exceed_the_memory_are_refused_with_the_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "free_system_memory", lambda: 10**6)
    Image.new("L", (400, 400)).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", np.zeros((2, 1100, 1100), np.uint8))
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((1100, 1100), np.uint8), compression="zlib")
    for name in ("a.png", "a.npy", "a.tif"):
        with pytest.raises(FileError, match=r"which take 0\.00 GB"):
            read_stack(tmp_path / name)
    # Many planes that fit one by one are read.
    np.save(tmp_path / "b.npy", np.zeros((100, 300, 300), np.uint8))
    assert read_stack(tmp_path / "b.npy").data.shape == (100, 300, 300)


def ome(path, **changes):
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8), ome=True, metadata={"axes": "YX"})
    with tifffile.TiffFile(path) as file:
        text = file.ome_metadata
    for before, after in changes.items():
        text = text.replace(f'{before}="1"', after)
    tifffile.tiffcomment(path, text.encode())


def test_a_billion_planes_in_a_small_file_are_refused(tmp_path):
    ome(tmp_path / "a.ome.tif", SizeZ='SizeZ="1000000000"')
    with pytest.raises(FileError, match="1,000,000,000 planes"):
        read_stack(tmp_path / "a.ome.tif")


@pytest.mark.parametrize(
    "name", ["../secret.tif", "/etc/passwd", "..\\secret.tif", "C:\\secret.tif", "sub/../../x.tif"]
)
def test_an_ome_tiff_names_no_file_elsewhere(tmp_path, name):
    folder = tmp_path / "folder"
    folder.mkdir()
    tifffile.imwrite(tmp_path / "secret.tif", np.full((16, 16), 9, np.uint8))
    uuid = f'<UUID FileName="{name}">urn:uuid:00000000-0000-0000-0000-000000000000</UUID>'
    path = folder / "a.ome.tif"
    ome(path)
    with tifffile.TiffFile(path) as file:
        text = file.ome_metadata
    start = text.index("<TiffData")
    end = text.index("/>", start)
    text = text[:end].rstrip("/") + f">{uuid}</TiffData>" + text[end + 2 :]
    tifffile.tiffcomment(path, text.encode())
    with pytest.raises(FileError, match="own folder"):
        read_stack(path)


def test_a_billion_planes_are_never_listed():
    indices = Axes("TZYX").plane_indices((10**6, 10**3, 1, 1))
    assert len(indices) == 10**9
    assert indices[10**9 - 1] == (10**6 - 1, 999)
    assert indices[1000:1003] == [(1, 0), (1, 1), (1, 2)]
    assert next(iter(indices)) == (0, 0)
    assert Axes("YX").plane_indices((3, 4))[0] == ()


def test_a_zarr_of_a_billion_planes_is_opened_and_read_plane_by_plane(tmp_path):
    path = tmp_path / "a.zarr"
    path.mkdir()
    metadata = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [10**9, 4, 4],
        "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 4, 4]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [{"name": "bytes"}],
    }
    (path / "zarr.json").write_text(json.dumps(metadata))
    from napari_colorgan.inference.stack import PlaneReader

    stack = read_stack(path)
    assert stack.data.shape == (10**9, 4, 4)
    assert PlaneReader(stack.data, stack.axes).read((10**9 - 1,)).shape == (4, 4)


def test_what_would_unpack_to_more_than_the_memory_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.ozx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zarr.json", "{}")
        archive.writestr("c/0/0", b"\0" * 10**6)
    monkeypatch.setattr(zarr_codecs, "free_system_memory", lambda: 10**5)
    with pytest.raises(FileError, match="unpacks to 1,000,000 bytes"):
        read_stack(path)


def test_xml_that_grows_without_end_is_refused(tmp_path):
    path = tmp_path / "a.ome.tif"
    ome(path)
    lines = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12)]
    bomb = (
        f'<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY e0 "ha">{"".join(lines)}]><OME>&e11;</OME>'
    )
    tifffile.tiffcomment(path, bomb.encode())
    with pytest.raises(FileError):
        read_stack(path)
