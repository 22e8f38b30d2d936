"""Run the Dockerfile's steps without a container engine, and try what comes out.

``python tools/container.py [--packages-of PYTHON]``: the build context is copied as .dockerignore
says, the first stage builds the wheel in a virtual environment of its own, and the second installs
PyTorch and the wheel in another. Then a folder is colorized there as the entry point does: by a
user who isn't root and without a network, where the system lets one be taken away. With
``--packages-of`` the second environment sees another one's packages, which spares gigabytes;
PyTorch comes from the usual index, whatever the file says.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PYTORCH = re.compile(r"--index-url \S+")


@dataclass(frozen=True)
class Step:
    """An instruction of a Dockerfile.

    Attributes
    ----------
    stage : int
        From 0.
    name : str
        In capital letters, such as "RUN".
    text : str
        What follows it, in one line.
    """

    stage: int
    name: str
    text: str


def read_steps(text: str) -> list[Step]:
    """Return the instructions of a Dockerfile.

    Parameters
    ----------
    text : str
        The file's.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    steps, stage = [], -1
    for line in joined.splitlines():
        name, _, rest = line.partition(" ")
        stage += name == "FROM"
        steps.append(Step(stage, name.upper(), rest.strip()))
    return steps


def environment_of(steps: list[Step], stage: int) -> dict[str, str]:
    """Return the variables that a stage sets by ENV and ARG; those before any stage hold for all.

    Parameters
    ----------
    steps : list of Step
        The file's.
    stage : int
        Which stage.
    """
    found: dict[str, str] = {}
    for step in steps:
        if step.name in ("ENV", "ARG") and step.stage in (-1, stage):
            for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|(\S*))', step.text):
                found[name] = re.sub(r"\$\{(\w+)\}", lambda m: found[m[1]], quoted or plain)
    return found


def copy_context(target: Path) -> None:
    """Copy what .dockerignore lets into the build.

    Parameters
    ----------
    target : Path
        A folder that isn't there yet.
    """
    lines = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert lines[0] == "*", "the file names what is let in"
    target.mkdir()
    for name in (line[1:] for line in lines[1:]):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / name)


def run_stage(steps: list[Step], stage: int, python: Path, work: Path, wheels: Path) -> None:
    """Run the steps of a stage that install or build something.

    Parameters
    ----------
    steps : list of Step
        The file's.
    stage : int
        Which stage.
    python : Path
        Of the stage's virtual environment.
    work : Path
        The folder to run in.
    wheels : Path
        Stands for /wheels.
    """
    environment = os.environ | environment_of(steps, stage)
    environment["PATH"] = f"{python.parent}{os.pathsep}{environment['PATH']}"
    environment.pop("PYTHONPATH", None)
    for step in steps:
        if step.stage != stage or step.name != "RUN" or step.text.startswith("useradd"):
            continue
        command = re.sub(r"^(--mount=\S+ )+", "", step.text)
        command = _PYTORCH.sub("", command).replace("/wheels", str(wheels))
        print(f"RUN {command}", flush=True)
        subprocess.run(["bash", "-euc", command], cwd=work, env=environment, check=True)


def try_it(steps: list[Step], python: Path, folder: Path) -> None:
    """Colorize a folder as the container does, as nobody in particular and without a network.

    Parameters
    ----------
    steps : list of Step
        The file's.
    python : Path
        Of the environment.
    folder : Path
        For the input and the output.
    """
    (entry,) = [json.loads(step.text) for step in steps if step.name == "ENTRYPOINT"]
    program = [str(python.parent / entry[0]), *entry[1:]]
    samples = [str(python.parent / entry[0]), "samples", str(folder / "in")]
    subprocess.run(samples, check=True, stdout=subprocess.DEVNULL)
    for path in (folder / "in").iterdir():
        if path.suffix == ".tif":
            path.unlink()  # stacks, which take longer
    (folder / "out").mkdir()
    (folder / "out").chmod(0o777)
    settings = environment_of(steps, 1) | {"NAPARI_COLORGAN_HOME": str(folder / "nowhere")}
    arguments = ["--infolder", folder / "in", "--outfolder", folder / "out"]
    command = [*program, *map(str, arguments), "--gtfolder", "x", "--local", "-nmc"]
    if os.geteuid() == 0:
        nobody = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"]
        can_read = subprocess.run([*nobody, python, "-c", "import torch, typer"], check=False)
        if can_read.returncode:
            print("as root: other users can't read the packages of --packages-of")
            nobody = []
        command = ["unshare", "--net", *nobody, *command]
    subprocess.run(command, check=True, env={"PATH": os.environ["PATH"], **settings})
    made = sorted(path.name for path in (folder / "out").iterdir())
    wanted = len(list((folder / "in").glob("*.jpg")))
    print(f"colorized: {', '.join(made)}")
    assert len(made) >= wanted > 0, f"{len(made)} of {wanted} files were made"


def main() -> int:
    """Run both stages and try the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages-of", type=Path, help="a Python whose packages are seen, too")
    parser.add_argument("--stage", type=int, choices=(0, 1), default=1, help="the last to run")
    options = parser.parse_args()
    steps = read_steps((ROOT / "Dockerfile").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        copy_context(folder / "source")
        wheels = folder / "wheels"
        wheels.mkdir()
        for stage in range(options.stage + 1):
            python = _new_environment(folder / f"stage-{stage}")
            if stage == 1 and options.packages_of is not None:
                _see_packages(python, options.packages_of)
            run_stage(steps, stage, python, folder / "source", wheels)
        print(f"built: {', '.join(path.name for path in wheels.iterdir())}")
        if options.stage == 1:
            try_it(steps, python, folder)
    return 0


def _new_environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin" / "python"


def _see_packages(python: Path, other: Path) -> None:
    command = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = subprocess.run([other, "-c", command], check=True, capture_output=True, text=True)
    own = subprocess.run([python, "-c", command], check=True, capture_output=True, text=True)
    (Path(own.stdout.strip()) / "others.pth").write_text(place.stdout)


if __name__ == "__main__":
    assert sysconfig.get_platform().startswith("linux"), "containers are Linux"
    sys.exit(main())
