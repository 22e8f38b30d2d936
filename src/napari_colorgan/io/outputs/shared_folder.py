"""A folder that several programs fill together, and that gets its name when it is whole."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from napari_colorgan.errors import FileError
from napari_colorgan.io.problems import already_exists, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from napari_colorgan.axes import PlaneIndex
    from napari_colorgan.io.outputs.part import Part

SUFFIX = ".parts"


class SharedFolder:
    """The folder ``NAME.parts`` beside an output, with what is done of it.

    It holds the output itself, under its name, a description of how it is made, and a list of the
    planes that are done for each program that writes. A plane is listed once it is stored, so that
    a program that was killed leaves at worst a plane to be made again. Whichever program finds all
    planes listed moves the output to its place.

    Parameters
    ----------
    path : pathlib.Path
        The output.
    part : Part
        Which planes this program makes.
    description : mapping of str to object
        How the output is made, as JSON has it. All programs have to agree.

    Raises
    ------
    OutputExistsError
        If the output is there.
    FileError
        If the parts that are there were made in another way, or the folder can't be made.
    """

    def __init__(self, path: Path, part: Part, description: Mapping[str, object]) -> None:
        self.path = path
        self.folder = path.with_name(path.name + SUFFIX)
        if path.exists():
            raise already_exists(path)
        text = json.dumps(description, sort_keys=True, ensure_ascii=False)
        with writing(self.folder):
            self.folder.mkdir(exist_ok=True)
            self._agree(text)
        self._list = self.folder / f"done-{part.number}-of-{part.count}.txt"

    @property
    def output(self) -> Path:
        """The output while it is being filled."""
        return self.folder / self.path.name

    @property
    def is_finished(self) -> bool:
        """Whether the output is in its place, perhaps by another program that did the same."""
        return self.path.exists()

    def create(self, fill: Callable[[Path], None]) -> None:
        """Make the empty output, unless another program has.

        Parameters
        ----------
        fill : callable
            Called with the path of a new, empty folder.
        """
        if self.output.exists():
            return
        temporary = self.folder / f"new-{secrets.token_hex(6)}"
        with writing(self.folder):
            temporary.mkdir()
            fill(temporary)
            try:
                os.rename(temporary, self.output)
            except OSError:
                # Another program was faster. Its output is the same.
                shutil.rmtree(temporary, ignore_errors=True)
                if not self.output.exists():
                    raise

    def done(self) -> set[PlaneIndex]:
        """Return the planes that are done, by any program."""
        return done_planes(self.path)

    def add(self, index: PlaneIndex) -> None:
        """Note that a plane is stored.

        Parameters
        ----------
        index : tuple of int
            The plane.
        """
        with writing(self._list), self._list.open("a", encoding="ascii") as file:
            file.write(",".join(map(str, index)) + "\n")

    def finish(self, count: int) -> bool:
        """Move the output to its place if all planes are done.

        Parameters
        ----------
        count : int
            How many planes there are.

        Returns
        -------
        bool
            Whether the output is in its place.
        """
        if not self.is_finished:
            if len(self.done()) < count:
                return False
            with writing(self.path):
                try:
                    os.rename(self.output, self.path)
                except OSError:
                    # Moved by another program that found all planes done in the same moment.
                    if not self.is_finished:
                        raise
            _remove_partial_files(self.path)
        shutil.rmtree(self.folder, ignore_errors=True)
        return True

    def _agree(self, text: str) -> None:
        """Write the description, or compare it with the one that is there."""
        place = self.folder / "description.json"
        temporary = self.folder / f"new-{secrets.token_hex(6)}"
        temporary.write_text(text, encoding="utf-8")
        try:
            # A second name, which, unlike renaming, never replaces what is there.
            os.link(temporary, place)
        except FileExistsError:
            pass
        except OSError:
            if not place.exists():
                os.replace(temporary, place)
        finally:
            temporary.unlink(missing_ok=True)
        if place.read_text(encoding="utf-8") != text:
            raise FileError(
                expected=f"the same input, model and settings for all parts of '{self.path}'",
                got=f"others than those in '{place}'",
                action=f"Repeat the other parts' settings, or delete '{self.folder}'.",
            )


def _remove_partial_files(folder: Path) -> None:
    """Remove what a program that was killed has left of a file: zarr writes beside its place."""
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".partial"):
                with suppress(OSError):
                    os.unlink(os.path.join(parent, name))


def done_planes(path: Path) -> set[PlaneIndex]:
    """Return the planes of an output that are done so far.

    Parameters
    ----------
    path : pathlib.Path
        The output; its parts are looked for beside it.
    """
    done = set()
    for listed in path.with_name(path.name + SUFFIX).glob("done-*.txt"):
        try:
            text = listed.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            continue  # removed by the program that has just moved the whole output to its place
        # A line that was cut off by a kill has no end.
        for line in text.splitlines(keepends=True):
            numbers = line.rstrip("\n").split(",")
            if line.endswith("\n") and all(number.isdigit() for number in numbers):
                done.add(tuple(map(int, numbers)))
    return done
