"""Write docs/gallery.md: good and bad pictures of each domain, drawn by lot.

``python tools/gallery.py [DATA]`` (by default ``$COLORGAN_DATA``, or ``data``) takes the held-out
pictures of each domain that may be shown, makes them gray, runs the commands that the page states,
and measures each against its true colours. A seed draws some of the third with the smallest errors
and some of the third with the largest: nobody chooses by eye. Then the samples that ship.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from gallery_sets import DOMAINS, SAMPLE_PICTURES, Domain
from napari_colorgan.io import write_atomically
from napari_colorgan.services.samples import SAMPLES
from page_code import ROOT, blocks_of
from quality_pictures import write_sheet
from quality_sets import QUALITY_SETS
from samples import gray_of_equal_lightness

if TYPE_CHECKING:
    from collections.abc import Sequence

SEED = 0
DRAWN = 6
MOST_PICTURES = 60
THUMBNAIL = 160
SIDE = 256

_HEAD = """# Gallery

Good and bad, by kind of image. Pictures whose colours are known were made gray and colorized by
the command below each heading; of the third with the smallest errors and of the third with the
largest, up to {drawn} each were drawn by lot (seed {seed}), so that nobody chose by eye. The error
is the mean ΔE00 between the result and the truth; "gray" is that of the gray picture itself, so
that a larger number than gray's means that the picture would be better off without these colours.
All of them by one command: `python tools/gallery.py DATA`. More pictures, and more numbers:
[Quality](quality.md).

!!! warning "Colours are predictions"
    Also the good ones are guesses that happened to be near.
    [What that means for you](explanation/predicted-colours.md)

<!-- test: sh
napari-colorgan samples samples
-->
"""

_SAMPLES_HEAD = """
## The samples that ship

Their true colours are not known, or they have none. Gray | result:
"""


@dataclass(frozen=True, eq=False)
class Measured:
    """A picture with its colours and errors.

    Attributes
    ----------
    name : str
        Its file's name without suffix.
    gray, predicted, truth : ndarray of uint8
        (H, W) and (H, W, 3).
    gray_error, error : float
        Mean ΔE00 of the gray and the colorized picture.
    """

    name: str
    gray: np.ndarray
    predicted: np.ndarray
    truth: np.ndarray
    gray_error: float
    error: float


# The tables of hints that the commands above name, and the pages that they are from.
HINT_TABLES = {"hints.csv": "guides.md", "kinds.csv": "tutorials/micrograph.md"}


def main(arguments: Sequence[str]) -> int:
    """Make the page and its pictures; return 0."""
    data = Path(arguments[0] if arguments else os.environ.get("COLORGAN_DATA", ROOT / "data"))
    images = ROOT / "docs" / "images"
    with tempfile.TemporaryDirectory() as folder:
        parts = [_HEAD.format(drawn=DRAWN, seed=SEED)]
        parts += [domain_part(domain, data, Path(folder), images) for domain in DOMAINS]
        parts.append(samples_part(Path(folder), images))
    with write_atomically(ROOT / "docs" / "gallery.md") as temporary:
        temporary.write_text("".join(parts), encoding="utf-8")
    return 0


def domain_part(domain: Domain, data: Path, work: Path, images: Path) -> str:
    """Colorize a domain's pictures, write its two sheets, and return its part of the page.

    Parameters
    ----------
    domain : Domain
        The kind of image.
    data : Path
        Where its set's folders lie.
    work : Path
        Where gray and colour pictures are written.
    images : Path
        Where the sheets go.
    """
    quality_set = QUALITY_SETS[domain.name]
    assert quality_set.is_shown
    files = [f for each in quality_set.folders for f in sorted((data / each).iterdir())]
    random = np.random.default_rng(SEED)
    chosen = sorted(random.permutation(len(files))[:MOST_PICTURES])
    truths = {files[i].stem: _truth(files[i]) for i in chosen}
    gray_folder = work / "gray" / domain.name
    gray_folder.mkdir(parents=True)
    for name, truth in truths.items():
        Image.fromarray(gray_of_equal_lightness(truth)).save(gray_folder / f"{name}.png")
    run_command(domain.command, work)
    measured = [_measure(name, truth, work, domain.name) for name, truth in truths.items()]
    text = (
        f"\n## {domain.title}\n\n{quality_set.source} {len(measured)} pictures.\n\n"
        f"<!-- test: sh\nmkdir -p gray/{domain.name}\n"
        f"cp samples/photograph.jpg gray/{domain.name}\n-->\n\n```sh\n{domain.command}\n```\n"
    )
    for kind, third in zip(("good", "bad"), thirds(measured), strict=True):
        drawn = draw(third)
        rows = [(each.gray, each.predicted, each.truth) for each in drawn]
        name = f"gallery-{domain.name}-{kind}.jpg"
        write_sheet(rows, images / name, thumbnail=THUMBNAIL)
        errors = ", ".join(f"{each.error:.1f} ({each.gray_error:.1f})" for each in drawn)
        where = "smallest" if kind == "good" else "largest"
        text += (
            f"\nOf the third with the {where} errors, gray | result | truth; ΔE00 of the results "
            f"(and of gray): {errors}.\n\n"
            f"![{domain.title}, {where} errors: gray, result, truth](images/{name})\n"
        )
    return text


def samples_part(work: Path, images: Path) -> str:
    """Colorize the samples, write their sheet, and return their part of the page.

    Parameters
    ----------
    work : Path
        Where results are written.
    images : Path
        Where pictures go.
    """
    run_command("napari-colorgan samples samples", work)
    text = _SAMPLES_HEAD
    for name, page in HINT_TABLES.items():
        (table,) = (b for b in blocks_of(ROOT / "docs" / page) if b.title == "hints.csv")
        (work / name).write_text(table.text, encoding="utf-8")
        text += (
            f"\n`{name}` is the table in [{page}]({page}).\n\n"
            f"<!-- test: python\nopen({name!r}, 'w').write('''{table.text}''')\n-->\n"
        )
    for sample in SAMPLE_PICTURES:
        run_command(sample.command, work)
        gray, color = (
            _picture(f, sample.plane) for f in (SAMPLES / sample.source, work / sample.result)
        )
        name = f"gallery-sample-{Path(sample.result).stem}.jpg"
        write_sheet([(gray, color)], images / name, thumbnail=480)
        text += (
            f"\n### {sample.title}\n\n```sh\n{sample.command}\n```\n\n"
            f"![{sample.title}: gray, result](images/{name})\n"
        )
    return text


def thirds(pictures: Sequence[Measured]) -> tuple[list[Measured], list[Measured]]:
    """Return the third with the smallest errors, and the third with the largest.

    Parameters
    ----------
    pictures : sequence of Measured
        At least three.
    """
    ordered = sorted(pictures, key=lambda each: each.error)
    count = len(ordered) // 3
    return ordered[:count], ordered[-count:]


def draw(pictures: Sequence[Measured]) -> list[Measured]:
    """Draw some pictures by the seed.

    Parameters
    ----------
    pictures : sequence of Measured
        Any number; if there are few, all are drawn.
    """
    order = np.random.default_rng(SEED).permutation(len(pictures))
    return [pictures[i] for i in order[:DRAWN]]


def run_command(command: str, work: Path) -> None:
    """Run a command of the page in a folder.

    Parameters
    ----------
    command : str
        One that begins with ``napari-colorgan``.
    work : Path
        The folder.
    """
    words = command.split()
    program = [sys.executable, "-m", "napari_colorgan", *words[1:]]
    subprocess.run(program, cwd=work, check=True)


def _truth(path: Path) -> np.ndarray:
    """Return a picture as RGB, its short side at most 256 px, as on the page of quality."""
    picture = Image.open(path).convert("RGB")
    factor = SIDE / min(picture.size)
    if factor < 1:
        width, height = (round(side * factor) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _measure(name: str, truth: np.ndarray, work: Path, domain: str) -> Measured:
    gray = np.asarray(Image.open(work / "gray" / domain / f"{name}.png"))
    predicted = np.asarray(Image.open(work / "colour" / domain / f"{name}.png"))
    lab = rgb2lab(truth)
    gray_error = deltaE_ciede2000(rgb2lab(np.repeat(gray[..., None], 3, -1)), lab).mean()
    error = deltaE_ciede2000(rgb2lab(predicted), lab).mean()
    return Measured(name, gray, predicted, truth, float(gray_error), float(error))


def _picture(path: Path, plane: int | None) -> np.ndarray:
    if plane is not None:
        return np.asarray(tifffile.imread(path)[plane])
    return np.asarray(Image.open(path))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
