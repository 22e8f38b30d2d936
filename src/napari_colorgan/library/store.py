"""The door between names and models: the bundled ones, the user's and a group's."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.io.problems import writing
from napari_colorgan.library import problems
from napari_colorgan.library.copying import copy_model_file
from napari_colorgan.library.entries import ModelEntry, SkippedFile, list_folders, read_entry
from napari_colorgan.library.folders import ModelFolders
from napari_colorgan.library.names import (
    MODEL_SUFFIX,
    check_name,
    free_name,
    key,
    looks_like_path,
    same_name,
)

if TYPE_CHECKING:
    from napari_colorgan.core.generator import Generator
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import Model

__all__ = ["ModelEntry", "ModelLibrary", "SkippedFile"]


class ModelLibrary:
    """Models by name, in three folders; only the user's own is ever written to.

    Parameters
    ----------
    models_folder : str or pathlib.Path, optional
        The user's own models; by default in the user's data folder, or in what
        NAPARI_COLORGAN_HOME names. It is made when it is needed.
    shared_models_folder : str or pathlib.Path, optional
        Models shared by a group; by default what NAPARI_COLORGAN_SHARED_MODELS says, or none.

    Attributes
    ----------
    folders : ModelFolders
        Where it looks.

    Notes
    -----
    A model's name is its file's name. The folders are read anew by every call, since other
    programs and other windows change them too.
    """

    def __init__(
        self,
        models_folder: str | Path | None = None,
        shared_models_folder: str | Path | None = None,
    ) -> None:
        self.folders = ModelFolders.of(models_folder, shared_models_folder)

    def entries(self) -> tuple[ModelEntry, ...]:
        """Return what there is to choose from, without loading weights.

        What can't be read is left out; `skipped` says why.
        """
        return list_folders(self.folders.by_kind())[0]

    def skipped(self) -> tuple[SkippedFile, ...]:
        """Return the files and folders that `entries` left out, each with the reason."""
        return list_folders(self.folders.by_kind())[1]

    def find(self, model: str | Path) -> ModelEntry:
        """Return a model's entry.

        Parameters
        ----------
        model : str or pathlib.Path
            A name in the library, in any case; or a model file's path.

        Raises
        ------
        ModelError
            If there is no such model, or its file can't be used.
        """
        path = Path(model).expanduser()
        if isinstance(model, Path):
            return read_entry(path, "file")
        entries, skipped = list_folders(self.folders.by_kind())
        for entry in entries:
            if same_name(entry.name, model.strip()):
                return entry
        if os.path.isfile(path) or looks_like_path(model):
            return read_entry(path, "file")
        for file in skipped:
            if key(file.path.name) in (key(model + MODEL_SUFFIX), key(f"{model}.safetensors")):
                raise file.reason
        raise problems.no_such_model(model, entries)

    def load(self, model: str | Path) -> Model:
        """Load a model's weights; parameters and errors are those of `find`."""
        from napari_colorgan.library.model_file import load_model_file

        entry = self.find(model)
        loaded = load_model_file(entry.path)
        card = dataclasses.replace(loaded.card, name=entry.name)
        return dataclasses.replace(loaded, card=card)

    def save(self, generator: Generator, card: ModelCard, *, overwrite: bool = False) -> ModelEntry:
        """Keep a model in the user's folder, under its card's name.

        Parameters
        ----------
        generator : Generator
            The weights.
        card : ModelCard
            Its architecture and hash are filled in.
        overwrite : bool, default: False
            Whether an own model of that name may be replaced.

        Raises
        ------
        ModelError
            If the name is taken.
        FileError
            If the folder can't be written or the disk is full; nothing is lost then.
        """
        from napari_colorgan.library.model_file import save_model_file

        old = self._taken(card.name)
        if old is None:
            path = self._free_path(card.name)
        elif overwrite and old.kind == "own":
            path = old.path
        else:
            raise problems.name_taken(card.name, old)
        self._make_folder()
        save_model_file(path, generator, card)
        return read_entry(path, "own", card.name)

    def import_file(
        self, path: str | Path, name: str | None = None, *, again: bool = False
    ) -> ModelEntry:
        """Copy a model file into the user's folder, once it has been found to work.

        Parameters
        ----------
        path : str or pathlib.Path
            The file.
        name : str, optional
            What to call it; by default its own name, with a number after it if that is taken.
        again : bool, default: False
            Whether to take it even if a model with the same weights is there already.

        Raises
        ------
        ModelError
            If the file can't be used, the name is taken or the weights are there already.
        FileError
            If the folder can't be written or the disk is full.
        """
        from napari_colorgan.library.model_file import load_model_file

        source = Path(path).expanduser()
        card = load_model_file(source).card  # all its checks; the weights are let go at once
        entries = self.entries()
        twins = [entry for entry in entries if entry.card.sha256 == card.sha256]
        if twins and not again:
            raise problems.known_weights(source, twins[0])
        if name is None:
            name = free_name(card.name, (entry.name for entry in entries))
        return self._copy(source, name)

    def duplicate(self, model: str, new_name: str | None = None) -> ModelEntry:
        """Copy a model of the library into the user's folder.

        Parameters
        ----------
        model : str
            Its name.
        new_name : str, optional
            The copy's name; by default the first free one of "name 2", "name 3" …

        Raises
        ------
        ModelError, FileError
            If there is no such model, the new name is taken, or the copy can't be written.
        """
        entry = self._named(model)
        if new_name is None:
            new_name = free_name(entry.name, (other.name for other in self.entries()))
        return self._copy(entry.path, new_name)

    def rename(self, model: str, new_name: str) -> ModelEntry:
        """Give an own model another name.

        Raises
        ------
        ModelError
            If there is no such model, it isn't the user's own, or the new name is taken.
        FileError
            If the folder can't be written; the model keeps its old name then.
        """
        entry = self._own(model, "rename")
        name = check_name(new_name)
        path = self.folders.own / (name + MODEL_SUFFIX)
        # A name that differs only in case is the same file on some disks.
        same = same_name(entry.name, name) and (not path.exists() or path.samefile(entry.path))
        path = path if same else self._free_path(name)
        copy_model_file(entry.path, entry.path, name, overwrite=True)
        with writing(path):
            os.replace(entry.path, path)
        return read_entry(path, "own", name)

    def delete(self, model: str) -> None:
        """Remove an own model's file for good.

        Raises
        ------
        ModelError
            If there is no such model, or it isn't the user's own.
        FileError
            If the file can't be removed.
        """
        path = self._own(model, "delete").path
        try:
            path.unlink()
        except OSError as error:
            raise problems.not_deleted(path, error) from error

    def export(self, model: str, path: str | Path, *, overwrite: bool = False) -> Path:
        """Copy a model of the library to a file or folder elsewhere.

        Parameters
        ----------
        model : str
            Its name.
        path : str or pathlib.Path
            A folder, in which the model's name becomes the file's, or a file; ".colorgan
            .safetensors" is added to a name without it.
        overwrite : bool, default: False
            Whether a file that is there may be replaced.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        ModelError
            If there is no such model.
        OutputExistsError, FileError
            If something is there, or can't be written.
        """
        entry = self._named(model)
        target = Path(path).expanduser()
        if target.is_dir():
            target = target / (entry.name + MODEL_SUFFIX)
        elif not target.name.lower().endswith(".safetensors"):
            target = target.with_name(target.name + MODEL_SUFFIX)
        copy_model_file(entry.path, target, entry.name, overwrite=overwrite)
        return target

    def _taken(self, name: str) -> ModelEntry | None:
        return next((entry for entry in self.entries() if same_name(entry.name, name)), None)

    def _named(self, name: str) -> ModelEntry:
        entry = self._taken(name)
        if entry is None:
            raise problems.no_such_model(name, self.entries())
        return entry

    def _own(self, name: str, what: str) -> ModelEntry:
        entry = self._named(name)
        if entry.kind != "own":
            raise problems.not_own(entry, what)
        return entry

    def _copy(self, source: Path, new_name: str) -> ModelEntry:
        name = check_name(new_name)
        path = self._free_path(name)
        self._make_folder()
        copy_model_file(source, path, name, overwrite=False)
        return read_entry(path, "own", name)

    def _free_path(self, name: str) -> Path:
        """Return where to put a model of a new name, which no file may hold, even a broken one."""
        entry = self._taken(name)
        if entry is not None:
            raise problems.name_taken(name, entry)
        path = self.folders.own / (name + MODEL_SUFFIX)
        if path.exists():
            raise problems.file_in_the_way(path)
        return path

    def _make_folder(self) -> None:
        with writing(self.folders.own):
            self.folders.own.mkdir(parents=True, exist_ok=True)
