"""Parts of a film put together, with the sound and the subtitles of its input."""

from __future__ import annotations

import heapq
import json
from typing import TYPE_CHECKING, Any

from napari_colorgan.io.film.encoder import add_pictures, encoding_for
from napari_colorgan.io.film.source import FilmSource, import_av
from napari_colorgan.io.metadata import SOURCE_TYPE, SOURCE_TYPE_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_colorgan.io.file_format import OutputSpec

_COPIED = ("audio", "subtitle")
# What MP4 holds of these; and what only MP4 holds.
_IN_MP4 = frozenset("aac mp3 mp2 ac3 eac3 alac opus flac mov_text".split())
_ONLY_IN_MP4 = frozenset(("mov_text", "eia_608"))


def fits_container(codec: str, suffix: str) -> bool:
    """Return whether sound or subtitles of a codec can be copied into a film.

    Parameters
    ----------
    codec : str
        FFmpeg's name of it.
    suffix : str
        Of the film.
    """
    return codec not in _ONLY_IN_MP4 if suffix.lower() == ".mkv" else codec in _IN_MP4


def lost_streams(source: FilmSource, suffix: str) -> list[str]:
    """Return the codecs of the input's sound and subtitles that a film can't take along.

    Parameters
    ----------
    source : FilmSource
        The input.
    suffix : str
        Of the film.
    """
    if source.path is None:
        return []
    with import_av(source.path).open(str(source.path)) as original:
        codecs = [_codec_of(stream) for stream in original.streams if stream.type in _COPIED]
    return [codec for codec in codecs if not fits_container(codec, suffix)]


def _codec_of(stream: Any) -> str:
    context = getattr(stream, "codec_context", None)
    if context is None:
        return str(getattr(stream, "name", ""))
    # The decoder has names of its own, such as "mp3float" for MP3.
    return str(getattr(context.codec, "canonical_name", context.name))


def join_parts(path: Path, parts: list[Path], spec: OutputSpec, source: FilmSource) -> None:
    """Write a film from its parts, whose packets are copied.

    Parameters
    ----------
    path : pathlib.Path
        Where to; its suffix is the container.
    parts : list of pathlib.Path
        In their order.
    spec : OutputSpec
        What is said about the film.
    source : FilmSource
        Where the sound and the subtitles are.
    """
    av = import_av(spec.path)
    # The same parts make the same bytes; and sound that begins before the pictures, as much does,
    # moves nothing where the container can say so.
    options = {"fflags": "+bitexact"}
    if path.suffix != ".mkv":
        options |= {"movflags": "+faststart+use_metadata_tags", "avoid_negative_ts": "disabled"}
    with av.open(str(path), "w", options=options) as output:
        output.metadata.update(_texts(spec))
        # An encoder that is given no frames: so the container learns the shape of pixels, too.
        pictures = add_pictures(output, spec, source, encoding_for(spec))
        original = None if source.path is None else av.open(str(source.path))
        try:
            streams = {} if original is None else _copied_streams(original, output, path.suffix)
            packets = [_part_packets(av, parts, pictures)]
            if streams:
                packets.append(_copied_packets(original, streams))
            for _, packet in heapq.merge(*packets, key=lambda each: each[0]):
                output.mux(packet)
        finally:
            if original is not None:
                original.close()


def _texts(spec: OutputSpec) -> dict[str, str]:
    """Return what a container says: the input's texts, and how the film was made."""
    making = {**spec.metadata, SOURCE_TYPE_KEY: SOURCE_TYPE}
    kept = {
        key: value
        for key, value in spec.kept.texts.items()
        if key not in ("encoder", "major_brand", "minor_version", "compatible_brands")
    }
    comment = kept.get("comment")
    # Containers differ in what keys they hold; a comment all of them do.
    kept["comment"] = "\n".join(filter(None, [comment, json.dumps(making)]))
    return {**kept, **making}


def _copied_streams(original: Any, output: Any, suffix: str) -> dict[int, Any]:
    """Return the output's streams for the input's sound and subtitles, by the latter's index."""
    streams = {}
    for stream in original.streams:
        if stream.type in _COPIED and fits_container(_codec_of(stream), suffix):
            copied = output.add_stream_from_template(stream)
            copied.metadata.update(dict(stream.metadata))
            streams[stream.index] = copied
    return streams


def _part_packets(av: Any, parts: list[Path], stream: Any) -> Iterator[tuple[float, Any]]:
    for path in parts:
        with av.open(str(path)) as part:
            for packet in part.demux(part.streams.video[0]):
                if packet.size:
                    packet.stream = stream
                    # Frames are encoded in the order in which they are shown.
                    packet.dts = packet.pts
                    yield float(packet.pts * packet.time_base), packet


def _copied_packets(original: Any, streams: dict[int, Any]) -> Iterator[tuple[float, Any]]:
    chosen = [original.streams[index] for index in streams]
    for packet in original.demux(*chosen):
        if packet.dts is not None:
            at = float(packet.dts * packet.time_base)
            packet.stream = streams[packet.stream_index]
            yield at, packet
