"""Decoded pictures on disk: a run reads its files once, and a resumed run not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_colorgan.errors import FileError, PairError, TrainingError
from napari_colorgan.events import Job, Notice, PlaneDone, Started
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.training.pictures.data import mean_chroma, read_picture, shrink
from napari_colorgan.training.pictures.prefetch import prefetch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from napari_colorgan.training.config_parts import DataConfig
    from napari_colorgan.training.pictures.data import Picture

# Decoding and resizing release the interpreter's lock.
_THREADS = max(2, min(8, os.cpu_count() or 1))
UNREADABLE = -1.0
# Each is a line of the run's log.
_MOST_REPORTS = 1000
_COLUMNS = 4  # offset, channels, height, width


class DecodedPictures(Mapping[int, "Tensor"]):
    """Pictures in one file of uint8, shrunk as they are kept; a memory map reads them.

    Parameters
    ----------
    folder : Path
        Where the file and its index lie.

    Attributes
    ----------
    chroma : ndarray, shape (N,)
        The mean chroma of each picture that was decoded; -1 of those that can't be read.
    """

    def __init__(self, folder: Path) -> None:
        self._pixels_path = folder / "pixels.bin"
        self._index_path = folder / "index.npy"
        self._marker = folder / "complete.json"
        self._folder = folder
        self._index = np.empty((0, _COLUMNS), np.int64)
        self._pixels = np.empty(0, np.uint8)
        self.chroma = np.empty(0)

    @property
    def unreadable(self) -> list[int]:
        """The numbers of the pictures that can't be read."""
        numbers: list[int] = np.flatnonzero(self.chroma == UNREADABLE).tolist()
        return numbers

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __getitem__(self, number: int) -> Tensor:
        if not 0 <= number < len(self):
            raise KeyError(number)
        offset, channels, height, width = (int(v) for v in self._index[number])
        pixels = self._pixels[offset : offset + channels * height * width]
        # A copy: a tensor over a read-only map would let a careless write end the process.
        return torch.from_numpy(np.array(pixels)).view(channels, height, width)

    def build(self, pictures: Sequence[Picture], config: DataConfig) -> Job[None]:
        """Decode all pictures, unless they are here and unchanged since.

        Parameters
        ----------
        pictures : sequence of Picture
            What to decode; in this order they are numbered.
        config : DataConfig
            Its `max_side`.

        Yields
        ------
        Event
            Started, PlaneDone for some of them; or a Notice where nothing has to be decoded.

        Raises
        ------
        TrainingError
            If the disk is full; what was written is removed.
        PairError
            If a gray image doesn't fit its colour image.
        """
        stamp = _stamp(pictures, config)
        if self._marker.exists() and json.loads(self._marker.read_text()) == stamp:
            yield Notice(f"{len(pictures)} decoded pictures are taken from the earlier run.")
        else:
            shutil.rmtree(self._folder, ignore_errors=True)
            with filling(self._folder, "decoded pictures", "or set data.keep_decoded = false"):
                yield from self._decode(pictures, config.max_side)
                with write_atomically(self._marker) as temporary:
                    temporary.write_text(json.dumps(stamp))
        table = np.load(self._index_path, allow_pickle=False)
        self._index, self.chroma = table[:, :_COLUMNS].astype(np.int64), table[:, _COLUMNS]
        if self._pixels_path.stat().st_size:  # no map is of nothing
            self._pixels = np.memmap(self._pixels_path, np.uint8, mode="r")

    def _decode(self, pictures: Sequence[Picture], max_side: int | None) -> Job[None]:
        def decode(picture: Picture) -> tuple[Tensor, float]:
            try:
                pixels = read_picture(picture)
            except PairError:
                raise  # the user has put these two together
            except TrainingError:
                return torch.empty(3, 0, 0, dtype=torch.uint8), UNREADABLE
            return shrink(pixels, max_side), mean_chroma(pixels)

        yield Started(len(pictures), "plane")
        self._folder.mkdir(parents=True)
        every = -(-len(pictures) // _MOST_REPORTS)
        table, offset = np.empty((len(pictures), _COLUMNS + 1)), 0
        decoded = prefetch(decode, pictures, threads=_THREADS)
        with self._pixels_path.open("wb") as file, contextlib.closing(decoded):  # type: ignore[type-var]
            for done, (pixels, chroma) in enumerate(decoded, 1):
                file.write(pixels.contiguous().numpy().data)
                table[done - 1] = offset, *pixels.shape, chroma
                offset += pixels.nbytes
                if done % every == 0 or done == len(pictures):
                    yield PlaneDone(done, len(pictures), (done - 1,))
        np.save(self._index_path, table, allow_pickle=False)


@contextlib.contextmanager
def filling(folder: Path, content: str, alternative: str) -> Iterator[None]:
    """Remove a cache's folder unless it is filled without an error.

    Parameters
    ----------
    folder : Path
        The folder, which needn't exist.
    content : str
        What is written, for the message.
    alternative : str
        What may be done but to free space: "or set …".

    Raises
    ------
    TrainingError
        If the disk is full, or the folder can't be written.
    """
    try:
        yield
    except (FileError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise TrainingError(
            expected=f"room for {content} in {folder}",
            got=error.got if isinstance(error, FileError) else str(error),
            action=f"Free some space, {alternative}.",
        ) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _stamp(pictures: Sequence[Picture], config: DataConfig) -> dict[str, object]:
    """Return what tells whether files or settings have changed."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(f"{picture.name}\0{_changed(picture.source)}\n".encode())
    return {"pictures": len(pictures), "max_side": config.max_side, "files": digest.hexdigest()}


def _changed(source: str) -> str:
    try:
        status = os.stat(source)
    except (OSError, ValueError):
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
