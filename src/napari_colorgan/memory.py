"""How much memory this process may still take: the machine's, its container's and its own limits.

A container or a batch system limits a group of processes (cgroups), and a shell a single one
(``ulimit``). Both end a process that takes more, or refuse it memory, while the machine as a whole
has plenty.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
# Files with a group's limit and its use, and the line of memory.stat that says how much of the use
# is only file cache that gives way: of the two versions of the interface.
_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def free_system_memory() -> int:
    """Return the bytes that this process can still take without being refused or ended.

    It is the least of what is free on the machine, what is left in each of the process's cgroups,
    and what is left below its limits of address space and data.
    """
    import psutil

    left = [int(psutil.virtual_memory().available), *_left_in_groups(), *left_below_limits()]
    return max(min(left), 0)


def _left_in_groups() -> Iterator[int]:
    """Yield what is left in each control group that the process is in."""
    for folder, files in memory_groups():
        limit_file, usage_file, cache = files
        limit, usage = _number(folder / limit_file), _number(folder / usage_file)
        if limit is not None and usage is not None:
            yield limit - usage + _statistic(folder / "memory.stat", cache)


def memory_groups() -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """Yield the folders of the process's group and of those above it, with their files' names."""
    try:
        lines = OWN_GROUPS.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, name = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        root, files = (GROUPS / "memory", _V1) if controllers else (GROUPS, _V2)
        # Inside a container the name may be the one outside; then only the root is there.
        folder = root / name.strip("/")
        for place in {root, folder, *(p for p in folder.parents if root in p.parents)}:
            if (place / files[0]).is_file():
                yield place, files


def _number(file: Path) -> int | None:
    """Return the number in a file, None for "max" or where there is no such file."""
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _statistic(file: Path, name: str) -> int:
    try:
        pairs = (line.split() for line in file.read_text("ascii").splitlines())
        return next(int(value) for key, value in pairs if key == name)
    except (OSError, ValueError, StopIteration):
        return 0


def left_below_limits() -> Iterator[int]:
    """Yield what is left below the limits that a shell's ``ulimit`` sets."""
    import psutil

    try:
        resource: Any = import_module("resource")
    except ImportError:  # Windows
        return
    memory = psutil.Process().memory_info()
    used = {"RLIMIT_AS": memory.vms, "RLIMIT_DATA": getattr(memory, "data", memory.rss)}
    for name, size in used.items():
        limit = resource.getrlimit(getattr(resource, name))[0]
        if limit != resource.RLIM_INFINITY:
            yield int(limit) - int(size)
