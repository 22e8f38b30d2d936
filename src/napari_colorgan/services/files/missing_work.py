"""What is missing of a work that several programs share."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from napari_colorgan.io import read_stack
from napari_colorgan.io.outputs.shared_folder import done_planes
from napari_colorgan.services.files.tasks import plan_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.errors import ColorganError
    from napari_colorgan.services.files.colorize import FilesRequest


@dataclass(frozen=True, eq=False)
class MissingWork:
    """What is not done yet.

    Attributes
    ----------
    total : int
        How many files the work has, or planes, where one input goes to one file.
    unit : {"file", "plane"}
        What is counted.
    missing : tuple of str
        The inputs without an output; or the runs of planes that are missing, counted from 1 in
        their order, such as "41-60".
    count : int
        How many files or planes are missing.
    problems : tuple of (str, ColorganError)
        Inputs for which there is nothing to do, with the reason.
    """

    total: int
    unit: str
    missing: tuple[str, ...]
    count: int
    problems: tuple[tuple[str, ColorganError], ...] = ()


def find_missing_work(request: FilesRequest) -> MissingWork:
    """Return what is missing of all parts of a work; nothing is computed.

    Parameters
    ----------
    request : FilesRequest
        The work; its `part` doesn't count.

    Raises
    ------
    InputError, FileError
        As for :func:`napari_colorgan.services.files.colorize.colorize_files`.
    """
    plan = plan_files(
        request.inputs,
        request.output,
        uncertainty=request.uncertainty,
        dtype=request.settings.dtype,
    )
    outputs = {str(task.source): task.output for task in plan.tasks}
    missing = tuple(source for source, output in outputs.items() if not output.exists())
    if plan.folders or not plan.tasks:
        return MissingWork(len(outputs), "file", missing, len(missing), plan.problems)
    (task,) = plan.tasks
    stack = read_stack(task.source, request.axes, request.image)
    indices = list(stack.axes.plane_indices(stack.data.shape))
    done = set(indices) if not missing else done_planes(task.output)
    absent = [number for number, index in enumerate(indices, 1) if index not in done]
    return MissingWork(len(indices), "plane", _ranges(absent), len(absent), plan.problems)


def _ranges(numbers: Sequence[int]) -> tuple[str, ...]:
    """Return ascending numbers as runs: 1, 2, 3, 7 become "1-3" and "7"."""
    if not numbers:
        return ()
    cuts = [i + 1 for i, (first, second) in enumerate(pairwise(numbers)) if second != first + 1]
    runs = [numbers[a:b] for a, b in pairwise([0, *cuts, len(numbers)])]
    return tuple(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
