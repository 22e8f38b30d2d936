"""The least of all limits is what a process may take."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from napari_colorgan import memory
from napari_colorgan.memory import free_system_memory

MB = 2**20


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return a function that lays out the files of control groups."""
    own = tmp_path / "self"
    root = tmp_path / "cgroup"
    root.mkdir()
    own.write_text("")
    monkeypatch.setattr(memory, "OWN_GROUPS", own)
    monkeypatch.setattr(memory, "GROUPS", root)
    monkeypatch.setattr(memory, "left_below_limits", lambda: ())

    def lay_out(line, files):
        own.write_text(line + "\n")
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)

    return lay_out


def test_without_limits_it_is_the_machines(groups):
    free = psutil.virtual_memory().available
    assert abs(free_system_memory() - free) < free // 4


@pytest.mark.parametrize(
    ("line", "files", "left"),
    [
        (
            "0::/user/job",
            {
                "user/job/memory.max": "max",
                "user/job/memory.current": "1",
                "user/memory.max": str(100 * MB),
                "user/memory.current": str(60 * MB),
                "user/memory.stat": f"anon 5\ninactive_file {10 * MB}\n",
            },
            50,
        ),
        (  # a container that sees its own group as the root
            "0::/outside/container",
            {"memory.max": str(100 * MB), "memory.current": str(30 * MB)},
            70,
        ),
        (
            "4:memory:/job",
            {
                "memory/job/memory.limit_in_bytes": str(80 * MB),
                "memory/job/memory.usage_in_bytes": str(70 * MB),
                "memory/job/memory.stat": f"total_inactive_file {20 * MB}\n",
            },
            30,
        ),
        ("0::/job", {"job/memory.max": str(10 * MB), "job/memory.current": str(20 * MB)}, 0),
        ("0::/job", {"job/memory.max": "nonsense", "job/memory.current": ""}, None),
        ("nonsense", {}, None),
    ],
)
def test_the_limits_of_control_groups_count(groups, line, files, left):
    groups(line, files)
    if left is None:
        assert free_system_memory() > 100 * MB
    else:
        assert free_system_memory() == left * MB


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
def test_the_limit_of_address_space_counts():
    code = (
        "import resource; from napari_colorgan.memory import free_system_memory\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({3000 * MB}, {3000 * MB}))\n"
        "print(free_system_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 3000 * MB
