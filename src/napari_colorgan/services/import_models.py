"""Imports model files into the library: a plan, a question to the user, then copies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError
from napari_colorgan.events import Started
from napari_colorgan.library.folders import read_entry
from napari_colorgan.library.names import free_name, name_on_import
from napari_colorgan.library.pages import size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.events import Job
    from napari_colorgan.library.folders import ModelEntry
    from napari_colorgan.library.store import ModelLibrary


@dataclass(frozen=True)
class ImportPlan:
    """The result that importing a file would have.

    Attributes
    ----------
    source : ModelEntry
        The file; only its header has been read.
    wanted : str
        The name that the file has.
    name : str
        Its name in the library.
    duplicate : ModelEntry or None
        A model of the library with the same weights.
    """

    source: ModelEntry
    wanted: str
    name: str
    duplicate: ModelEntry | None = None


@dataclass(frozen=True)
class RejectedFile:
    """A file that isn't imported.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    reason : str
        What is wrong, and what to do.
    """

    path: Path
    reason: str


@dataclass(frozen=True)
class ImportResult:
    """Which files were imported, and which were not.

    Attributes
    ----------
    imported : tuple of (ImportPlan, ModelEntry)
        The imported files, each with its entry.
    refused : tuple of RejectedFile
        The others.
    """

    imported: tuple[tuple[ImportPlan, ModelEntry], ...] = ()
    refused: tuple[RejectedFile, ...] = ()


def plan_imports(
    library: ModelLibrary, paths: Sequence[str | Path]
) -> tuple[tuple[ImportPlan, ...], tuple[RejectedFile, ...]]:
    """Plan the import of some files by their headers alone.

    Parameters
    ----------
    library : ModelLibrary
        The library to import into.
    paths : sequence of str or pathlib.Path
        The files.

    Returns
    -------
    plans : tuple of ImportPlan
        For the files with a valid header; their weights are checked when they are imported.
    refused : tuple of RejectedFile
        The files that can't be used.
    """
    entries = library.entries()
    names = [entry.name for entry in entries]
    # Reversed, so that of several models with the same weights the first one is named.
    by_weights = {entry.card.sha256: entry for entry in reversed(entries)}
    plans, refused = [], []
    for path in map(Path, paths):
        try:
            source = read_entry(path, "file")
        except ColorganError as error:
            refused.append(RejectedFile(path, str(error)))
            continue
        wanted = name_on_import(path, source.card.name)
        name = free_name(wanted, names)
        # Two of the files may want the same name.
        names.append(name)
        plans.append(ImportPlan(source, wanted, name, by_weights.get(source.card.sha256)))
    return tuple(plans), tuple(refused)


def import_question(plans: Sequence[ImportPlan]) -> str:
    """Return the question to ask a user before some files are imported.

    Parameters
    ----------
    plans : sequence of ImportPlan
        The files.
    """
    parts = [f"Import {_listed(plans)}? A copy goes into your models folder."]
    for plan in plans:
        if plan.duplicate is not None:
            parts.append(
                f"'{plan.wanted}' has the same weights as '{plan.duplicate.name}'; they "
                "would be in the library twice."
            )
        if plan.name != plan.wanted:
            parts.append(f"It will be called '{plan.name}', since its own name is taken.")
    return " ".join(parts)


def import_job(library: ModelLibrary, plans: Sequence[ImportPlan]) -> Job[ImportResult]:
    """Import files as planned; one that fails does not stop the others.

    Parameters
    ----------
    library : ModelLibrary
        The library to import into.
    plans : sequence of ImportPlan
        The files, duplicates included.

    Returns
    -------
    Job of ImportResult
        The names may differ from the planned ones, if those have been taken meanwhile.
    """
    yield Started(len(plans), "file")
    imported, refused = [], []
    for plan in plans:
        path = plan.source.path
        try:
            # The user has been asked about duplicates; a name that was taken meanwhile gets a
            # number.
            entry = library.import_file(path, again=plan.duplicate is not None)
        except ColorganError as error:
            refused.append(RejectedFile(path, str(error)))
        else:
            imported.append((plan, entry))
    return ImportResult(tuple(imported), tuple(refused))


def _listed(plans: Sequence[ImportPlan]) -> str:
    if len(plans) > 1:
        names = ", ".join(f"'{plan.wanted}'" for plan in plans)
        return f"{len(plans)} models ({names})"
    (plan,) = plans
    card = plan.source.card
    facts = filter(None, (card.domain, size_text(plan.source.size)))
    return f"'{card.name}' ({', '.join(facts)})"
