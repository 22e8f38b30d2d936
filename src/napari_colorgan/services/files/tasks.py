"""Finds the input files of a request and names their outputs."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError, FileError, InputError
from napari_colorgan.home import expand
from napari_colorgan.io import INPUT_SUFFIXES, OUTPUT_SUFFIXES, find_files, stem_of
from napari_colorgan.io.formats import ZARR, is_zarr, output_format, output_suffix
from napari_colorgan.io.tiff.tags import sibling_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True)
class FileTask:
    """A file to colorize.

    Attributes
    ----------
    source : pathlib.Path
        The input.
    output : pathlib.Path
        Where its colours go.
    uncertainty : pathlib.Path or None
        Where its uncertainties go.
    """

    source: Path
    output: Path
    uncertainty: Path | None = None


@dataclass(frozen=True)
class FileTasks:
    """The files to colorize, and the inputs that can't be.

    Attributes
    ----------
    tasks : tuple of FileTask
        In the order of the inputs, those of a folder or pattern sorted by name.
    problems : tuple of (str, ColorganError)
        Inputs that can't be colorized, with the reason.
    folders : tuple of pathlib.Path
        Folders that have to be made for the outputs.
    """

    tasks: tuple[FileTask, ...]
    problems: tuple[tuple[str, ColorganError], ...]
    folders: tuple[Path, ...]


def plan_files(
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    uncertainty: str | Path | None = None,
    dtype: str = "uint8",
) -> FileTasks:
    """Find the inputs and name their outputs.

    Parameters
    ----------
    inputs : sequence of str or pathlib.Path
        Files, folders (all images in them and their subfolders, whose structure is kept) and
        patterns such as "scans/*.tif". Hidden files are passed over.
    output : str or pathlib.Path
        For a single input a file, whose suffix is the format, or a folder. Several inputs, or a
        folder's, go to this folder, each under its own name: TIFF, PNG and OME-Zarr in their
        formats, JPEG and WebP as PNG, .npy as TIFF.
    uncertainty : str or pathlib.Path, optional
        The same for the uncertainties, which become TIFF or OME-Zarr.
    dtype : str
        Of the colours; PNG holds no floats.

    Returns
    -------
    FileTasks
        No output is the output of two inputs or is itself an input.

    Raises
    ------
    InputError
        If there are no inputs, or several and the output is a file.
    FileError
        If the output's suffix is of no known format.
    """
    colors = expand(output)
    uncertainties = None if uncertainty is None else expand(uncertainty)
    outputs = [path for path in (colors, uncertainties) if path is not None]
    sources, problems, is_group = _find_sources(inputs, outputs)
    folder = _folder(colors, is_group)
    uncertainty_folder = None if uncertainties is None else _folder(uncertainties, is_group)
    tasks = []
    used = {_identity(source): f"the input '{source}'" for source in sources}
    for source, name in _output_names(sources, dtype).items():
        task = FileTask(
            source,
            colors if folder is None else folder / name,
            uncertainties
            if uncertainty_folder is None
            else uncertainty_folder
            / sources[source]
            / _uncertainty_name(source, name, uncertainty_folder == folder),
        )
        clash = _clash(task, used)
        if clash is None:
            tasks.append(task)
        else:
            problems.append((str(source), clash))
    # A dict as an ordered set.
    folders = {path: None for path in (folder, uncertainty_folder) if path is not None}
    if folder is not None:
        folders |= {task.output.parent: None for task in tasks}
    if uncertainty_folder is not None:
        folders |= {task.uncertainty.parent: None for task in tasks if task.uncertainty}
    return FileTasks(tuple(tasks), tuple(problems), tuple(folders))


def _find_sources(
    inputs: Sequence[str | Path], outputs: Sequence[Path]
) -> tuple[dict[Path, Path], list[tuple[str, ColorganError]], bool]:
    """Return the input files, the inputs without files, and whether outputs go to a folder.

    Each file has its subfolder within the folder, or within the fixed part of the pattern, that it
    was found by; outputs keep it. Files in the folders of the outputs are no inputs.
    """
    if not inputs:
        raise InputError(
            expected="at least one input", got="none", action="Name a file, folder or pattern."
        )
    sources: dict[Path, Path] = {}
    identities: set[str] = set()
    problems: list[tuple[str, ColorganError]] = []
    has_folder = False
    for text in inputs:
        try:
            path = expand(text)
        except InputError as error:
            problems.append((str(text), error))
            continue
        if os.path.isdir(path) and not is_zarr(path):
            has_folder, root = True, path
            matches = _images(find_files(path, films=True), outputs)
        elif os.path.exists(path) or not glob.has_magic(str(text)):
            matches, root = [path], path.parent
        else:
            root = _fixed_part(path)
            matches = _images(_matches(root, path), outputs)
        if not matches:
            problems.append((str(text), _nothing_found(text)))
        for match in _without_siblings(matches):
            # A file that two inputs name, perhaps through a link, is colorized once.
            if _identity(match) not in identities:
                identities.add(_identity(match))
                sources[match] = match.parent.relative_to(root)
    return sources, problems, has_folder or len(sources) > 1 or len(inputs) > 1


def _matches(root: Path, pattern: Path) -> list[Path]:
    """Return what matches a pattern, in no hidden folder; "**" doesn't follow links.

    Two links to the folder that they lie in would make the search endless.
    """
    try:
        found = list(root.glob(str(pattern.relative_to(root))))
    except (OSError, ValueError, NotImplementedError):
        return []
    return [
        path
        for path in found
        if not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]


def _fixed_part(pattern: Path) -> Path:
    """Return the folder above the first part of a pattern that has a wildcard."""
    parts = list(takewhile(lambda part: not glob.has_magic(part), pattern.parts))
    return Path(*parts)


def _without_siblings(paths: list[Path]) -> list[Path]:
    """Return the files without those that are read with another of them, as parts of one stack."""
    siblings: set[Path] = set()
    stacks = []
    for path in paths:
        if path not in siblings:
            stacks.append(path)
            siblings.update(path.parent / name for name in sibling_names(path))
    return stacks


def _images(paths: Iterable[Path], outputs: Sequence[Path]) -> list[Path]:
    """Return the images, by suffix or as OME-Zarr, that are in no folder of outputs, sorted."""
    output_folders = [output for output in outputs if os.path.isdir(output) and not is_zarr(output)]
    return sorted(
        path
        for path in paths
        if (path.suffix.lower() in INPUT_SUFFIXES or _is_field(path))
        and not path.name.startswith(".")
        and (os.path.isfile(path) or is_zarr(path))
        and not any(folder in path.parents for folder in output_folders)
    )


def _folder(output: Path, is_group: bool) -> Path | None:
    """Return the folder that outputs go to, None if the output is a file."""
    if os.path.isdir(output) and not is_zarr(output):
        return output
    if not is_group:
        if not output.suffix:
            return output
        output_format(output)
        return None
    if output.suffix.lower() in OUTPUT_SUFFIXES or os.path.exists(output):
        raise InputError(
            expected="a folder as the output of several inputs",
            got=f"'{output}'",
            action="Name a folder; it is made if it isn't there.",
        )
    return output


def _is_field(path: Path) -> bool:
    """Return whether a path is a field of a plate: an OME-Zarr without a suffix."""
    return not path.suffix and is_zarr(path)


def _color_name(source: Path, dtype: str) -> str:
    if _is_field(source):
        return f"{source.name}.ome.zarr"
    suffix = output_suffix(source, dtype)
    return source.name if suffix == source.suffix else stem_of(source) + suffix


def _output_names(sources: Mapping[Path, Path], dtype: str) -> dict[Path, Path]:
    """Return where each source's colours go within their folder, no two to one place if possible.

    Those that keep their names come first. "scan.jpg" beside "scan.png" becomes "scan.jpg.png".
    """
    names = {source: place / _color_name(source, dtype) for source, place in sources.items()}
    taken = {str(name).casefold() for source, name in names.items() if name.name == source.name}
    for source, name in names.items():
        if name.name != source.name:
            if str(name).casefold() in taken:
                names[source] = sources[source] / (source.name + output_suffix(source, dtype))
            taken.add(str(names[source]).casefold())
    return names


def _uncertainty_name(source: Path, colors: Path, beside_colors: bool) -> str:
    ending = "_uncertainty" if beside_colors else ""
    is_zarr_too = source.suffix.lower() in ZARR.suffixes or _is_field(source)
    suffix = ".zarr" if is_zarr_too else ".tif"
    return stem_of(colors) + ending + suffix


def _clash(task: FileTask, used: dict[str, str]) -> ColorganError | None:
    """Return the error if another file has a task's output; if not, add the outputs to `used`."""
    outputs = [path for path in (task.output, task.uncertainty) if path is not None]
    names = [_identity(path) for path in outputs]
    for output, name in zip(outputs, names, strict=True):
        if name in used or names.count(name) > 1:
            return FileError(
                expected="an output of its own, which is no input",
                got=f"'{output}', which is {used.get(name, 'named for both outputs')}",
                action="Choose another output, or rename one of the files.",
            )
    used.update((name, f"the output of '{task.source}'") for name in names)
    return None


def _nothing_found(text: str | Path) -> FileError:
    return FileError(
        expected=f"images ({', '.join(INPUT_SUFFIXES)})",
        got=f"none at '{text}'",
        action="Check the folder or the pattern.",
    )


def _identity(path: Path) -> str:
    """Return a key that two paths to the same file share, on any system."""
    return os.path.realpath(path).casefold()
