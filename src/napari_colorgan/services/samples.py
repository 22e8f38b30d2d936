"""The sample images that come with the package, as files."""

from __future__ import annotations

from pathlib import Path

from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.io.problems import writing

SAMPLES = Path(__file__).parent.parent / "samples"


def copy_samples(folder: Path) -> list[Path]:
    """Copy the sample images, and where they come from, to a folder.

    Parameters
    ----------
    folder : Path
        Made where it is missing. Files of the same names in it are kept as they are.

    Returns
    -------
    list of Path
        The files in the folder, the text about their origin last.

    Raises
    ------
    FileError
        If the folder can't be made or written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    sources = sorted(SAMPLES.iterdir(), key=lambda path: (path.suffix == ".md", path.name))
    copies = []
    for source in sources:
        copy = folder / source.name
        if not copy.exists():
            with write_atomically(copy, overwrite=False) as temporary:
                temporary.write_bytes(source.read_bytes())
        copies.append(copy)
    return copies
