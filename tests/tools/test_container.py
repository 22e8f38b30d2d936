"""The container's file: linted, not root, offline, and its first stage builds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import container

ROOT = Path(__file__).resolve().parent.parent.parent


def steps() -> list[container.Step]:
    return container.read_steps((ROOT / "Dockerfile").read_text("utf-8"))


def test_the_dockerfile_is_linted() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_linter_finds_faults(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /tmp && pip install torch\n")
    hadolint = Path(sys.executable).with_name("hadolint")
    assert subprocess.run([hadolint, tmp_path / "Dockerfile"], check=False).returncode == 1


def test_it_is_not_root_and_fetches_nothing() -> None:
    last = [step for step in steps() if step.stage == 1]
    assert [step.text for step in last if step.name == "USER"] == ["1000"]
    variables = container.environment_of(steps(), 1)
    assert variables["HF_HUB_OFFLINE"] == "1"
    assert variables["TORCH"] == "cpu"
    assert variables["PYTHON"] == "3.12"
    assert any(
        "download.pytorch.org/whl/${TORCH}" in step.text for step in last if step.name == "RUN"
    )
    (entry,) = (step.text for step in last if step.name == "ENTRYPOINT")
    assert json.loads(entry) == ["napari-colorgan", "colorize"]


def test_the_context_is_what_a_build_needs(tmp_path: Path) -> None:
    container.copy_context(tmp_path / "source")
    names = {path.name for path in (tmp_path / "source").iterdir()}
    assert names == {"src", "pyproject.toml", "setup.py", "README.md", "LICENSE"}


@pytest.mark.slow
def test_the_first_stage_builds_a_wheel() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "container.py", "--stage", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "built: napari_colorgan-" in done.stdout
