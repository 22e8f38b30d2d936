"""The set-up finds what a bare system lacks, on systems that are made up of stubs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = Path(__file__).parents[2] / "tools" / "bootstrap.sh"
BASICS = ("bash", "dirname", "uname", "tr", "rm", "mkdir", "cat", "chmod")
PYTHON = """
case "$*" in
    *version_info*) exit {old} ;;
    *ensurepip*) exit {no_venv} ;;
    *"-m venv"*) mkdir -p .bootstrap/bin; cat "$0" > .bootstrap/bin/python
                 chmod +x .bootstrap/bin/python ;;
    *"import tox"*) [ -e .bootstrap/tox ] ;;
    *"pip install"*) echo "pip: $*" >> log; echo > .bootstrap/tox ;;
esac
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the set-up is Debian's")


class System:
    """A project folder, and a PATH with nothing but stubs and a few basic programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        (folder / "tools").mkdir()
        shutil.copy(SCRIPT, folder / "tools")
        for name in BASICS:
            (self.programs / name).symlink_to(str(shutil.which(name)))

    def stub(self, name: str, script: str) -> None:
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
        path.chmod(0o755)

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "tools/bootstrap.sh"],
            cwd=self.folder,
            env={"PATH": str(self.programs), "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def system(tmp_path: Path) -> System:
    """Return a system where all is there but tox."""
    system = System(tmp_path)
    script = SCRIPT.read_text()
    libraries = [line.split()[1] for line in script.splitlines() if ".so." in line]
    assert len(libraries) > 10
    listing = "\\n".join(f"    {name} (libc6,x86-64) => /usr/lib/{name}" for name in libraries)
    system.stub("ldconfig", f'printf "{listing}\\n"')
    for name in ("Xvfb", "make"):
        system.stub(name, "exit 0")
    system.stub("id", "echo 1000")
    system.stub("apt-get", 'echo "apt-get $*" >> log')
    system.stub("python3", PYTHON.format(old=0, no_venv=0))
    return system


def without_library(system: System, name: str) -> None:
    path = system.programs / "ldconfig"
    path.write_text(path.read_text().replace(f"    {name} (", "    libother.so ("))


def test_installs_tox_once(system: System) -> None:
    first = system.run()
    assert first.returncode == 0, first.stderr
    assert system.log.count("pip:") == 1
    assert "tox" in system.log
    second = system.run()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert system.log.count("pip:") == 1
    assert "apt-get" not in system.log


def test_prints_the_one_command_when_it_may_not_install(system: System) -> None:
    without_library(system, "libxcb-cursor.so.0")
    (system.programs / "Xvfb").unlink()
    done = system.run()
    assert done.returncode != 0
    command = "sudo apt-get install --yes --no-install-recommends libxcb-cursor0 xvfb"
    assert command in done.stderr
    assert system.log == ""


def test_installs_what_is_missing_as_root(system: System) -> None:
    without_library(system, "libEGL.so.1")
    system.stub("python3", PYTHON.format(old=0, no_venv=1))
    system.stub("id", "echo 0")
    assert system.run().returncode == 0
    update, install, *_ = system.log.splitlines()
    assert update.startswith("apt-get update")
    assert {"libegl1", "python3-venv"} <= set(install.split())
    assert "xvfb" not in install


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.stub("python3", PYTHON.format(old=1, no_venv=0)), "Expected Python 3.11"),
        (lambda s: (s.programs / "python3").unlink(), "Expected Python 3.11"),
        (
            lambda s: (without_library(s, "libGL.so.1"), (s.programs / "apt-get").unlink()),
            "what your system calls them: libgl1",
        ),
    ],
)
def test_says_what_it_cannot_do(
    change: Callable[[System], object], message: str, system: System
) -> None:
    change(system)
    done = system.run()
    assert done.returncode != 0
    assert message in done.stderr
    assert not (system.folder / ".bootstrap").exists()


def test_takes_the_python_it_is_told(system: System) -> None:
    (system.programs / "python3").rename(system.programs / "mine")
    done = subprocess.run(
        ["bash", "tools/bootstrap.sh"],
        cwd=system.folder,
        env={"PATH": str(system.programs), "PYTHON": "mine", "HOME": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
