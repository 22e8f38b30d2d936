"""A real control group limits the memory: what exceeds it is refused, not killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from napari_colorgan import memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 500 * 2**20
# Joins the group with all modules loaded, so that only what follows counts.
PROGRAM = """
import os, sys
from pathlib import Path
from napari_colorgan import memory
from napari_colorgan.errors import FileError
from napari_colorgan.io import read_stack
import imagecodecs, PIL.PngImagePlugin
group, picture, looks = sys.argv[1:]
Path(group, "cgroup.procs").write_text(str(os.getpid()))
if looks == "no":
    memory.OWN_GROUPS = Path("/nowhere")
try:
    data = read_stack(picture).data
    print("read", data.max())
except FileError as error:
    print("refused", error)
"""


@pytest.fixture
def group() -> Iterator[Path]:
    """Make a group below this process's own, which may take 500 MiB."""
    own = next(
        (
            (folder, files[0])
            for folder, files in memory.memory_groups()
            if (folder / "cgroup.procs").is_file()
            and str(os.getpid()) in (folder / "cgroup.procs").read_text().split()
        ),
        None,
    )
    if own is None:
        pytest.skip("this process is in no group with a limit of memory")
    made = own[0] / f"colorgan-test-{os.getpid()}"
    try:
        made.mkdir()
        (made / own[1]).write_text(str(LIMIT))
    except OSError as error:
        with suppress(OSError):
            made.rmdir()
        pytest.skip(f"no group can be made here: {error}")
    yield made
    for _ in range(100):  # the system takes a moment to notice that its processes are gone
        with suppress(OSError):
            made.rmdir()
            break
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
def test_a_picture_beyond_the_groups_limit_is_refused(group: Path, tmp_path: Path) -> None:
    picture = tmp_path / "large.png"
    Image.new("RGB", (16_000, 16_000), (1, 2, 3)).save(picture, compress_level=1)
    ended = {}
    for looks in ("yes", "no"):
        command = [sys.executable, "-c", PROGRAM, str(group), str(picture), looks]
        ended[looks] = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended["yes"].returncode == 0, ended["yes"].stderr
    assert ended["yes"].stdout.startswith("refused")
    assert "0.5" in ended["yes"].stdout or "0.4" in ended["yes"].stdout
    # The same without looking at the group, which shows that its limit is real.
    assert ended["no"].returncode == -signal.SIGKILL
