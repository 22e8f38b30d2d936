"""The door between names and models: the bundled ones, the user's own and a group's.

Every model that enters the user's folder, by `save`, `import_file`, `duplicate` or `rename`, goes
through `ModelLibrary._add`, so that a name is claimed and a file written in one place.
"""
# Over 300 lines: one class, most of it docstrings.

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError, OutputExistsError
from napari_colorgan.home import expand
from napari_colorgan.library import problems
from napari_colorgan.library.file_format import copy_model_file
from napari_colorgan.library.folders import (
    ModelEntry,
    ModelFolders,
    SkippedFile,
    list_folders,
    read_entry,
)
from napari_colorgan.library.names import (
    MODEL_SUFFIX,
    check_name,
    free_name,
    key,
    looks_like_path,
    name_of_file,
    name_on_import,
    same_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.library.card import ModelCard
    from napari_colorgan.library.model_file import Model

# Others may take the free name meanwhile; a folder that refuses each time is broken.
_MOST_TRIES = 1000

__all__ = ["ModelEntry", "ModelLibrary", "SkippedFile"]


class ModelLibrary:
    """Models by name, in three folders, of which only the user's own is written to.

    Parameters
    ----------
    models_folder : str or pathlib.Path, optional
        The user's own models; by default in the user's data folder, or in what
        NAPARI_COLORGAN_HOME names. It is created when it is needed.
    shared_models_folder : str or pathlib.Path, optional
        Models shared by a group; by default the folder that NAPARI_COLORGAN_SHARED_MODELS names,
        or none.

    Attributes
    ----------
    folders : ModelFolders
        The three folders.

    Notes
    -----
    A model's name is its file's name. Every call lists the folders anew, since other programs
    and other windows change them too.
    """

    def __init__(
        self,
        models_folder: str | Path | None = None,
        shared_models_folder: str | Path | None = None,
    ) -> None:
        self.folders = ModelFolders.of(models_folder, shared_models_folder)

    def entries(self) -> tuple[ModelEntry, ...]:
        """Return the models to choose from, without their weights.

        Files that can't be read are left out; `skipped` says why.
        """
        return list_folders(self.folders.by_kind()).entries

    def skipped(self) -> tuple[SkippedFile, ...]:
        """Return the files and folders that `entries` left out, each with the reason."""
        return list_folders(self.folders.by_kind()).skipped

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
        path = expand(model)
        if isinstance(model, Path):
            return read_entry(path, "file")
        listing = list_folders(self.folders.by_kind())
        for entry in listing.entries:
            if same_name(entry.name, model.strip()):
                return entry
        if os.path.isfile(path) or looks_like_path(model):
            return read_entry(path, "file")
        for file in listing.skipped:
            if key(file.path.name) in (key(model + MODEL_SUFFIX), key(f"{model}.safetensors")):
                raise file.reason
        raise problems.no_such_model(model, listing.entries)

    def load(self, model: str | Path | ModelEntry) -> Model:
        """Load a model's weights.

        Parameters
        ----------
        model : str, pathlib.Path or ModelEntry
            A name, a file, or an entry that `find` returned.

        Returns
        -------
        Model
            Its card has the entry's name.

        Raises
        ------
        ModelError
            If there is no such model, or its file can't be used.
        """
        from napari_colorgan.library.model_file import load_model_file

        entry = model if isinstance(model, ModelEntry) else self.find(model)
        return load_model_file(entry.path, entry.card)

    def save(self, generator: Generator, card: ModelCard, *, overwrite: bool = False) -> ModelEntry:
        """Save a model in the user's folder, under its card's name.

        Parameters
        ----------
        generator : Generator
            The weights.
        card : ModelCard
            Its architecture and hash are filled in.
        overwrite : bool, default: False
            Whether an own model of that name may be replaced.

        Returns
        -------
        ModelEntry
            The model as it is in the library.

        Raises
        ------
        ModelError
            If the name is taken.
        FileError
            If the folder can't be written or the disk is full; the library is unchanged then.
        """
        from napari_colorgan.library.model_file import save_model_file

        old = self._find_name(card.name)
        replaced = old if overwrite and old is not None and old.kind == "own" else None
        return self._add(
            card.name,
            lambda path: save_model_file(path, generator, card, overwrite=replaced is not None),
            replaced,
        )

    def import_file(
        self, path: str | Path, name: str | None = None, *, again: bool = False
    ) -> ModelEntry:
        """Copy a model file into the user's folder, after all checks of its weights.

        Parameters
        ----------
        path : str or pathlib.Path
            The file.
        name : str, optional
            The model's name; by default its file's, with a number after it if that is taken, or
            the one on its card for a file such as "model.safetensors".
        again : bool, default: False
            Whether to import it even if the library has a model with the same weights.

        Returns
        -------
        ModelEntry
            The model as it is in the library.

        Raises
        ------
        ModelError
            If the file can't be used, the name is taken or the library has the weights already.
        FileError
            If the folder can't be written or the disk is full.
        """
        from napari_colorgan.library.model_file import load_model_file

        source = expand(path)
        card = load_model_file(source).card  # for its checks; the weights are freed at once
        same = [entry for entry in self.entries() if entry.card.sha256 == card.sha256]
        if same and not again:
            raise problems.known_weights(source, same[0])
        return self._copy(source, name, name_on_import(source, card.name))

    def duplicate(self, model: str, new_name: str | None = None) -> ModelEntry:
        """Copy a model of the library into the user's folder.

        Parameters
        ----------
        model : str
            Its name.
        new_name : str, optional
            The copy's name; by default the first free one of "name 2", "name 3" …

        Returns
        -------
        ModelEntry
            The model as it is in the library.

        Raises
        ------
        ModelError, FileError
            If there is no such model, the new name is taken, or the copy can't be written.
        """
        entry = self._named(model)
        return self._copy(entry.path, new_name, entry.name)

    def rename(self, model: str, new_name: str) -> ModelEntry:
        """Give an own model another name.

        Parameters
        ----------
        model : str
            Its name.
        new_name : str
            Its name from now on.

        Returns
        -------
        ModelEntry
            The model as it is in the library.

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
        # The file is written anew, not moved: its card has the name, in a header before the
        # weights, and other programs must never see a file whose name and card differ.
        # A name that differs in case alone is the same file on some disks.
        if same_name(entry.name, name) and (not path.exists() or path.samefile(entry.path)):
            copy_model_file(entry.path, entry.path, name, overwrite=True)
            with _writing(path):
                os.replace(entry.path, path)
            return read_entry(path, "own", name)
        renamed = self._add(
            name, lambda path: copy_model_file(entry.path, path, name, overwrite=False)
        )
        # Last, so that the model is in the library at every moment.
        try:
            self.delete_file(entry.path)
        except ColorganError:
            renamed.path.unlink(missing_ok=True)
            raise
        return renamed

    def delete(self, model: str) -> None:
        """Remove an own model's file for good.

        Parameters
        ----------
        model : str
            Its name.

        Raises
        ------
        ModelError
            If there is no such model, or it isn't the user's own.
        FileError
            If the file can't be removed.
        """
        self.delete_file(self.own_file(model))

    def own_file(self, model: str) -> Path:
        """Return the file of an own model, also of one that can't be used.

        Parameters
        ----------
        model : str
            Its name; the file's name without its suffix if that can't be used.

        Raises
        ------
        ModelError
            If there is no such file, or it isn't the user's own.
        """
        if self._find_name(model) is None:
            for file in self.skipped():
                is_own = file.path.parent == self.folders.own
                if is_own and same_name(name_of_file(file.path), model):
                    return file.path
        return self._own(model, "delete").path

    def delete_file(self, path: Path) -> None:
        """Remove a file of the user's own folder for good, whether or not it can be used.

        Parameters
        ----------
        path : pathlib.Path
            The file; one that is gone already is no error.

        Raises
        ------
        ModelError
            If the file lies elsewhere.
        FileError
            If the file can't be removed.
        """
        if path.parent != self.folders.own:
            raise problems.not_in_own_folder(path, self.folders.own)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise problems.not_deleted(path, error) from error

    def export(self, model: str, path: str | Path, *, overwrite: bool = False) -> Path:
        """Copy a model of the library to a file or folder elsewhere.

        Parameters
        ----------
        model : str
            Its name.
        path : str or pathlib.Path
            A folder, in which the file gets the model's name, or a file; the suffix
            ".colorgan.safetensors" is added where it is missing.
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
            If the file exists, or can't be written.
        """
        entry = self._named(model)
        target = expand(path)
        if os.path.isdir(target):
            target = target / (entry.name + MODEL_SUFFIX)
        elif not target.name.lower().endswith(".safetensors"):
            target = target.with_name(target.name + MODEL_SUFFIX)
        copy_model_file(entry.path, target, entry.name, overwrite=overwrite)
        return target

    def _find_name(self, name: str) -> ModelEntry | None:
        return next((entry for entry in self.entries() if same_name(entry.name, name)), None)

    def _named(self, name: str) -> ModelEntry:
        entry = self._find_name(name)
        if entry is None:
            raise problems.no_such_model(name, self.entries())
        return entry

    def _own(self, name: str, verb: str) -> ModelEntry:
        entry = self._named(name)
        if entry.kind != "own":
            raise problems.not_own(entry, verb)
        return entry

    def _copy(self, source: Path, name: str | None, default: str) -> ModelEntry:
        """Copy a file into the user's folder, as `name` or else the first free like `default`."""
        if name is not None:
            return self._add_copy(source, check_name(name))
        for _ in range(_MOST_TRIES):
            # Unusable files keep their names, too.
            files = (name_of_file(file.path) for file in self.skipped())
            free = free_name(default, [*(entry.name for entry in self.entries()), *files])
            try:
                return self._add_copy(source, check_name(free))
            except OutputExistsError:
                continue  # another program has just taken that name: the next one
        raise problems.file_in_the_way(self.folders.own / (free + MODEL_SUFFIX))

    def _add_copy(self, source: Path, name: str) -> ModelEntry:
        return self._add(name, lambda path: copy_model_file(source, path, name, overwrite=False))

    def _add(
        self, name: str, write: Callable[[Path], object], replaced: ModelEntry | None = None
    ) -> ModelEntry:
        """Put a model into the user's folder; the one way in.

        Parameters
        ----------
        name : str
            The model's name, which neither a model nor a file may have.
        write : callable
            Writes the file whole or not at all, and fails if there is one, unless it is replaced.
        replaced : ModelEntry, optional
            The own model of that name, if its file is to be replaced.
        """
        path = self._free_path(name) if replaced is None else replaced.path
        with _writing(self.folders.own):
            self.folders.own.mkdir(parents=True, exist_ok=True)
        write(path)
        return read_entry(path, "own", name)

    def _free_path(self, name: str) -> Path:
        """Return the path for a model of a new name; even a damaged file keeps its name."""
        entry = self._find_name(name)
        if entry is not None:
            raise problems.name_taken(name, entry)
        path = self.folders.own / (name + MODEL_SUFFIX)
        if path.exists():
            raise problems.file_in_the_way(path)
        return path


def _writing(path: Path) -> AbstractContextManager[None]:
    # Here: `io` brings the image formats along, which listing models has no use for.
    from napari_colorgan.io.problems import writing

    return writing(path)
