"""Films are read as they say they are shown, and written so that others read the same."""

from __future__ import annotations

import json
import os
import pickle
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_colorgan.axes import Axes
from napari_colorgan.errors import FileError
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.io.film import writer
from napari_colorgan.io.metadata import SOURCE_TYPE

if TYPE_CHECKING:
    from pathlib import Path

av = pytest.importorskip("av")
METADATA = {"software": "napari-colorgan 1", "model": "natural"}
ROWS, COLUMNS = 48, 64


def frame_values(number: int) -> np.ndarray:
    """Return a frame: brighter to the right, with a bar at the left that tells its number."""
    frame = np.empty((ROWS, COLUMNS, 3), np.uint8)
    frame[...] = (40 + np.arange(COLUMNS) * 2)[None, :, None]
    frame[:, :16] = 20 + number * 7
    return frame


def save_film(
    path: Path,
    count: int = 30,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    matrix: int = 5,
    color_range: int = 1,
    sound: bool = False,
    rotation: int = 0,
    aspect: Fraction | None = None,
    times: list[int] | None = None,
) -> Path:
    with av.open(str(path), "w") as output:
        output.metadata["title"] = "Ärztehaus"
        stream = output.add_stream(codec, rate=24, options={"crf": "4"} if "264" in codec else {})
        stream.width, stream.height, stream.pix_fmt = COLUMNS, ROWS, pixels
        context = stream.codec_context
        context.colorspace, context.color_range = matrix, color_range
        context.time_base = Fraction(1, 24)
        if codec == "mpeg4":
            context.bit_rate = 10_000_000
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if rotation:
            if not hasattr(stream, "set_display_rotation"):
                pytest.skip("PyAV writes rotations from version 18 on; what reads them needs 17")
            stream.set_display_rotation(rotation)
        tone = output.add_stream("aac", rate=48000) if sound else None
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(frame_values(number), "rgb24").reformat(
                format=pixels, dst_colorspace=matrix, dst_color_range=color_range
            )
            frame.colorspace, frame.color_range = matrix, color_range
            frame.pts, frame.time_base = (times or range(count))[number], Fraction(1, 24)
            output.mux(stream.encode(frame))
            if tone is not None:
                samples = np.random.default_rng(number).normal(0, 0.1, (1, 2000))
                heard = av.AudioFrame.from_ndarray(samples.astype(np.float32), "fltp", "mono")
                heard.sample_rate, heard.pts = 48000, number * 2000
                output.mux(tone.encode(heard))
        output.mux(stream.encode())
        if tone is not None:
            output.mux(tone.encode())
    return path


def colorful(plane: np.ndarray) -> np.ndarray:
    return plane // np.asarray([1, 2, 4], plane.dtype)


def write(path: Path, stack: Any, stop: int | None = None, dtype: str = "uint8") -> int:
    """Write a film in false colours; return how many frames were there before."""
    axes, shape = stack.axes, stack.data.shape
    with stack_writer(
        path,
        axes.output_shape(shape),
        dtype,
        axes.output,
        scale=stack.scale,
        units=stack.units,
        metadata=METADATA,
        kept=stack.metadata,
        film=stack.film,
        overwrite=True,
    ) as target:
        for number in range(target.complete, shape[0]):
            if number == stop:
                raise KeyboardInterrupt
            plane = colorful(stack.data[number]).astype(dtype)
            target.write((number,), plane * 257 if dtype == "uint16" else plane)
        return target.complete


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as film:
        stream = next(s for s in film.streams if s.type == kind)
        return [bytes(packet) for packet in film.demux(stream) if packet.size]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.mov", {"matrix": 1}),
        ("a.mkv", {"color_range": 2}),
        ("a.avi", {"codec": "mjpeg", "pixels": "yuvj420p", "color_range": 2}),
        ("b.avi", {"codec": "mpeg4"}),
    ],
)
def test_matrix_and_range_are_obeyed_and_any_frame_can_be_asked_for(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    stack = read_stack(save_film(tmp_path / name, **options))
    assert (stack.axes.letters, stack.data.shape) == ("TYXS", (30, ROWS, COLUMNS, 3))
    assert stack.scale is not None
    assert stack.scale[0] == pytest.approx(1 / 24, rel=1e-3)
    for number in (17, 3, 29, 0, 28, 4):
        frame = stack.data[number].astype(int)
        assert abs(frame[:, 2:14].mean() - frame_values(number)[0, 0, 0]) < 3, number
        assert np.abs(frame - frame_values(number)).mean() < 3


def test_gray_films_have_no_samples_and_deep_ones_16_bits(tmp_path: Path) -> None:
    gray = read_stack(save_film(tmp_path / "a.mkv", 3, codec="ffv1", pixels="gray", color_range=2))
    assert (gray.axes.letters, gray.data.dtype) == ("TYX", np.uint8)
    np.testing.assert_allclose(gray.data[2], frame_values(2)[..., 0], atol=1)
    deep = read_stack(
        save_film(tmp_path / "b.mkv", 3, codec="ffv1", pixels="gray16le", color_range=2)
    )
    assert deep.data.dtype == np.uint16
    np.testing.assert_allclose(deep.data[2] / 257, frame_values(2)[..., 0], atol=1)


def test_rotation_and_the_shape_of_pixels_are_obeyed(tmp_path: Path) -> None:
    stack = read_stack(save_film(tmp_path / "a.mp4", 3, rotation=90, aspect=Fraction(4, 3)))
    assert stack.data.shape == (3, COLUMNS, ROWS, 3)
    # Rotated to the left, the bar of the left side lies at the bottom.
    difference = stack.data[2].astype(int) - np.rot90(frame_values(2))
    assert np.abs(difference).mean() < 3
    assert stack.scale == pytest.approx((1 / 24, 1, 3 / 4))


def test_slices_are_read_and_a_pickled_film_opens_again(tmp_path: Path) -> None:
    data = read_stack(save_film(tmp_path / "a.mp4", 6)).data
    assert data[1:3, 4:8, ::2].shape == (2, 4, COLUMNS // 2, 3)
    copy = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(copy[4], data[4])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_film_is_written_with_its_times_sound_and_making(tmp_path: Path, suffix: str) -> None:
    times = [*range(10), 15, 20, 25, *range(26, 35)]  # a variable rate
    source = save_film(tmp_path / "in.mp4", len(times), sound=True, times=times)
    output = tmp_path / f"out{suffix}"
    stack = read_stack(source)
    write(output, stack)
    assert packets(output, "audio") == packets(source, "audio")
    written = read_stack(output)
    assert written.film is not None
    seconds = written.film.times * float(written.film.time_base)
    np.testing.assert_allclose(seconds - seconds[0], np.array(times) / 24, atol=0.001)
    tolerance = 6 if suffix == ".mp4" else 0
    for number in (0, 11, 21):
        expected = colorful(stack.data[number]).astype(int)
        assert np.abs(written.data[number] - expected).mean() <= tolerance
    texts = {key.lower(): text for key, text in written.metadata.texts.items()}
    assert texts["title"] == "Ärztehaus"
    assert SOURCE_TYPE in texts["comment"]
    assert json.loads(texts["comment"])["model"] == "natural"
    assert not (tmp_path / f"out{suffix}.parts").exists()
    with av.open(str(output)) as film:
        stream = film.streams.video[0]
        assert stream.codec_context.name == ("h264" if suffix == ".mp4" else "ffv1")
        assert suffix == ".mkv" or stream.codec_context.pix_fmt == "yuv420p"


def test_sound_that_the_container_cannot_hold_is_said_and_left_out(tmp_path: Path) -> None:
    source = tmp_path / "in.avi"
    with av.open(str(source), "w") as output:
        stream = output.add_stream("mjpeg", rate=24)
        stream.width, stream.height, stream.pix_fmt = COLUMNS, ROWS, "yuvj420p"
        tone = output.add_stream("pcm_s16le", rate=48000)
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(frame_values(number), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            output.mux(stream.encode(frame.reformat(format="yuvj420p")))
            heard = av.AudioFrame.from_ndarray(np.zeros((1, 2000), np.int16), "s16", "mono")
            heard.sample_rate, heard.pts = 48000, number * 2000
            output.mux(tone.encode(heard))
        output.mux(stream.encode())
        output.mux(tone.encode())
    stack = read_stack(source)
    shape = stack.axes.output_shape(stack.data.shape)
    axes = stack.axes.output
    for suffix, kinds in ((".mp4", {"video"}), (".mkv", {"video", "audio"})):
        path = tmp_path / f"out{suffix}"
        with stack_writer(path, shape, "uint8", axes, film=stack.film) as target:
            assert any("pcm_s16le" in text for text in target.notices) == (suffix == ".mp4")
        with av.open(str(path)) as film:
            assert {s.type for s in film.streams} == kinds


def test_16_bits_are_kept_in_mkv(tmp_path: Path) -> None:
    stack = read_stack(save_film(tmp_path / "in.mp4", 3))
    write(tmp_path / "out.mkv", stack, dtype="uint16")
    written = read_stack(tmp_path / "out.mkv")
    expected = colorful(stack.data[2]).astype(np.uint16) * 257
    np.testing.assert_array_equal(written.data[2], expected)


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PART_LENGTH", 10)
    source = save_film(tmp_path / "in.mp4", 25, sound=True)
    stack = read_stack(source)
    output = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        write(output, stack, stop=17)
    assert not output.exists()
    assert write(output, stack) == 10
    resumed = output.read_bytes()
    assert write(output, stack) == 0
    assert output.read_bytes() == resumed
    with pytest.raises(KeyboardInterrupt):
        write(output, stack, stop=17)
    assert output.read_bytes() == resumed
    os.utime(source)  # another film by its time
    assert write(output, read_stack(source)) == 0


def test_odd_sides_and_lost_pixel_shapes_are_said(tmp_path: Path) -> None:
    stack = read_stack(save_film(tmp_path / "in.mp4", 2, aspect=Fraction(4, 3)))
    with stack_writer(tmp_path / "a.mp4", (2, 5, 7, 3), "uint8", Axes("TYXS")) as target:
        assert "even sides" in target.notices[0]
    assert read_stack(tmp_path / "a.mp4").data.shape == (2, 6, 8, 3)
    shape = stack.axes.output_shape(stack.data.shape)
    with stack_writer(
        tmp_path / "a.mkv", shape, "uint8", stack.axes.output, film=stack.film
    ) as target:
        assert "4:3" in target.notices[0]


def test_without_pyav_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_film(tmp_path / "a.mp4", 1)
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(FileError, match=r"napari-colorgan\[video\]"):
        read_stack(path)


def test_a_damaged_film_is_refused(tmp_path: Path) -> None:
    path = save_film(tmp_path / "a.mp4", 5)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FileError, match="can't be decoded"):
        read_stack(path)


def test_numbered_pictures_are_a_film(tmp_path: Path) -> None:
    for number in (7, 8, 10):
        with stack_writer(
            tmp_path / f"f_{number:04}.png", (ROWS, COLUMNS, 3), "uint8", Axes("YXS")
        ) as picture:
            picture.write((), frame_values(number))
    stack = read_stack(tmp_path / "f_%04d.png")
    assert (stack.axes.letters, stack.data.shape) == ("TYXS", (3, ROWS, COLUMNS, 3))
    assert "1 numbers" in stack.notices[-1]
    np.testing.assert_array_equal(stack.data[2], frame_values(10))
    write(tmp_path / "g_%06d.png", stack)
    assert sorted(path.name for path in tmp_path.glob("g_*")) == [
        "g_000007.png",
        "g_000008.png",
        "g_000010.png",
    ]
    written = read_stack(tmp_path / "g_000010.png")
    np.testing.assert_array_equal(written.data, colorful(frame_values(10)))
