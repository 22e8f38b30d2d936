"""Where models are looked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.home import data_folder

if TYPE_CHECKING:
    from napari_colorgan.library.entries import Kind

BUNDLED_FOLDER = Path(__file__).with_name("bundled")
SHARED_VARIABLE = "NAPARI_COLORGAN_SHARED_MODELS"


@dataclass(frozen=True)
class ModelFolders:
    """The folders of a library.

    Attributes
    ----------
    own : pathlib.Path
        The user's; it may not exist yet.
    shared : pathlib.Path or None
        A group's, which is only read.
    bundled : pathlib.Path
        The package's.
    """

    own: Path
    shared: Path | None = None
    bundled: Path = BUNDLED_FOLDER

    @classmethod
    def of(cls, own: str | Path | None, shared: str | Path | None) -> ModelFolders:
        """Return the stated folders, and the environment's or the system's for None."""
        shared = shared or os.environ.get(SHARED_VARIABLE)
        return cls(
            own=Path(own).expanduser() if own else user_models_folder(),
            shared=Path(shared).expanduser() if shared else None,
        )

    def by_kind(self) -> list[tuple[Kind, Path]]:
        """Return the folders with what they are, in the order in which names are given."""
        folders: list[tuple[Kind, Path]] = [("bundled", self.bundled), ("own", self.own)]
        return folders if self.shared is None else [*folders, ("shared", self.shared)]


def user_models_folder() -> Path:
    """Return where the user's own models are kept; NAPARI_COLORGAN_HOME overrides it."""
    return data_folder() / "models"
