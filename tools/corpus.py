"""Read a folder of images beside a reference, and print how many are read alike.

    python tools/corpus.py FOLDER [--list] [--page docs/files.md]
    python tools/corpus.py FOLDER --collect

The reference is Pillow with EXIF's orientation obeyed and the ICC profile converted to sRGB by
LittleCMS, relative colorimetric. An image is right if L* of its first plane differs by at most 1
on average. --collect first fills the folder with the images of the installed packages and of some
projects' source archives, which pip downloads.
"""

from __future__ import annotations

import argparse
import io
import logging
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from corpus_collect import SUFFIXES, collect
from documents import replace_part, table
from napari_colorgan.errors import ColorganError
from napari_colorgan.inference.display import DisplayRange
from napari_colorgan.io import read_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BEGIN, _END = "<!-- corpus: begin -->", "<!-- corpus: end -->"
_TOLERANCE = 1.0
# Larger ones cost minutes and show nothing that smaller ones don't.
_MOST_PIXELS = 40_000_000

VERDICTS = {
    "right": "right (mean ΔL\\* ≤ 1)",
    "rule": "other, by a rule that is said",
    "alone": "read, where the reference can't",
    "refused": "refused by an error that says why",
    "wrong": "other without a word",
    "traceback": "traceback",
}
"""What may become of an image, and what the table calls it."""


@dataclass(frozen=True)
class Outcome:
    """What became of an image: one of `VERDICTS`, and more about it in a sentence."""

    path: Path
    verdict: str
    detail: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and do it all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--collect", action="store_true", help="fill the folder first")
    parser.add_argument("--list", action="store_true", help="print each image that isn't right")
    parser.add_argument("--page", type=Path, help="write the table to this page, too")
    choices = parser.parse_args(arguments)
    # What libraries say about files that they were made to stumble over.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    if choices.collect:
        collect(choices.folder)
    outcomes = []
    for outcome in compare_folder(choices.folder):
        outcomes.append(outcome)
        if choices.list and outcome.verdict != "right":
            print(f"{outcome.verdict:9} {outcome.path}: {outcome.detail}", flush=True)
    text = summary(outcomes)
    print(text)
    if choices.page is not None:
        replace_part(choices.page, _BEGIN, _END, text, start="")


def compare_folder(folder: Path) -> Iterator[Outcome]:
    """Yield what becomes of each image in a folder and its subfolders."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            yield compare(path)


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return the table: how many images of which verdict."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    rows = [[name, str(counts[key])] for key, name in VERDICTS.items()]
    return table([["images", str(len(outcomes))], *rows]).strip()


def compare(path: Path) -> Outcome:
    """Read an image in both ways."""
    try:
        stack = read_stack(path)
        display, how = DisplayRange.of_stack(stack)
        index = next(iter(stack.axes.plane_indices(stack.data.shape)))
        if np.prod(stack.axes.plane_shape(stack.data.shape)) > _MOST_PIXELS:
            return Outcome(path, "rule", "too large to be compared")
        ours = display.lightness(stack.axes.read_plane(stack.data, index))
    except ColorganError as error:
        return Outcome(path, "refused", str(error))
    except Exception:  # noqa: BLE001  # which is what is counted here
        return Outcome(path, "traceback", traceback.format_exc(limit=-2))
    try:
        expected = reference(path)
    except Exception as error:  # noqa: BLE001  # Pillow raises anything
        return Outcome(path, "alone", f"{type(error).__name__}: {error}")
    if expected.shape != ours.shape:
        detail = f"{ours.shape} for {expected.shape}"
    else:
        difference = float(np.abs(ours - expected).mean())
        if difference <= _TOLERANCE:
            return Outcome(path, "right", "")
        detail = f"ΔL* {difference:.1f}, {how}"
    # What is shown of other types than this is printed for each file.
    is_said = bool(stack.notices) or stack.data.dtype != np.uint8
    return Outcome(path, "rule" if is_said else "wrong", f"{detail}; {' '.join(stack.notices)}")


def reference(path: Path) -> np.ndarray:
    """Return L* of an image as Pillow and LittleCMS show it."""
    from PIL import Image, ImageCms, ImageOps

    with Image.open(path) as image:
        profile = image.info.get("icc_profile")
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I;16") or image.mode == "I":
            whole = 65535
        elif image.mode == "F":
            message = "floats have no range of their own"
            raise ValueError(message)
        else:
            whole = 255
            if profile and image.mode == "RGBA":
                image = image.convert("RGB")
            if profile and image.mode in ("L", "RGB", "CMYK"):
                image = _converted(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
            elif image.mode not in ("L", "RGB", "RGBA"):
                has_alpha = image.has_transparency_data and image.mode != "LA"
                image = image.convert(
                    "RGBA" if has_alpha else "L" if image.mode in ("1", "LA") else "RGB"
                )
        values = np.asarray(image).astype(np.float64)
    colours = values if values.ndim == 2 else values[..., :3]
    return DisplayRange(0, whole).lightness(colours.astype(np.float32))


def _converted(image: object, profile: object) -> object:
    from PIL import ImageCms

    try:
        return ImageCms.profileToProfile(
            image,
            profile,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    except ImageCms.PyCMSError:  # of a profile for other values: Pillow shows them as they are
        return image


if __name__ == "__main__":
    main()
