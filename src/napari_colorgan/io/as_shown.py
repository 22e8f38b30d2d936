"""What a file says about how its values are shown, obeyed in one place for every format.

A reader decodes values and passes them here with what the file says of them. What comes out is
upright, gray or RGB(A) with sRGB's curve, and uses the whole range of its dtype, so that the rest
of the package has no orientation, profile, palette or bit depth to think of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from napari_colorgan.io.lazy import PlaneArray
from napari_colorgan.io.profiles import lab_profile, to_srgb, usable_profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_colorgan.axes import StackLike

Space: TypeAlias = Literal["gray", "rgb", "palette", "ycbcr", "lab", "icclab", "cmyk"]

# Weights of red and blue in luma (ITU-R BT.601), the default of TIFF's YCbCrCoefficients.
_LUMA = (0.299, 0.114)


@dataclass(frozen=True, eq=False)
class Presentation:
    """What a file says about its values.

    Attributes
    ----------
    space : str
        What the samples are; a sample beyond those of the space is alpha.
    bits : int
        How many bits of a value are used; 0 for all of its dtype.
    inverted : bool
        Whether the lowest value is white; obeyed here only where a profile asks for it.
    profile : bytes or None
        An ICC profile.
    orientation : int
        1…8, as in TIFF and EXIF.
    colormap : ndarray or None
        Of a palette: shape (N, 3), uint8.
    premultiplied : bool
        Whether colours have been multiplied by their alpha.
    """

    space: Space = "gray"
    bits: int = 0
    inverted: bool = False
    profile: bytes | None = None
    orientation: int = 1
    colormap: np.ndarray | None = None
    premultiplied: bool = False


def as_shown(
    data: Any, letters: str, presentation: Presentation
) -> tuple[StackLike, str, tuple[str, ...]]:
    """Bring decoded values to what is to be seen.

    Parameters
    ----------
    data : array
        A numpy array, or an array that reads its file when it is indexed.
    letters : str
        Its axes.
    presentation : Presentation
        What the file says.

    Returns
    -------
    data : array
        As lazy as it came, also where anything has to be done plane by plane.
    letters : str
        Its axes; colours have S last.
    notices : tuple of str
        What could not be obeyed, in full sentences.
    """
    convert, notices = _conversion(np.dtype(data.dtype), "S" in letters, presentation)
    if convert is not None:
        data, letters = _convert_planes(data, letters, convert)
    data, letters = _upright(data, letters, presentation.orientation)
    return PlaneArray(data) if hasattr(data, "map_blocks") else data, letters, notices


def lazily(data: Any, letters: str) -> Any:
    """Return a dask array with one plane a chunk.

    Parameters
    ----------
    data : array-like
        Of any number of axes: a memory map, a zarr array, a dask array.
    letters : str
        The axes in their order; "Y", "X" and "S" stay whole.

    Returns
    -------
    dask.array.Array
        The same values, still unread.
    """
    import dask.array

    if hasattr(data, "map_blocks"):
        return data
    chunks = [
        size if letter in "YXS" else 1 for letter, size in zip(letters, data.shape, strict=True)
    ]
    return dask.array.from_array(data, chunks=chunks, name=False)


def _conversion(
    dtype: np.dtype[Any], has_samples: bool, presentation: Presentation
) -> tuple[Callable[[np.ndarray], np.ndarray] | None, tuple[str, ...]]:
    """Return what has to be done to values (…, Y, X) or (…, Y, X, S), None for nothing."""
    steps: list[Callable[[np.ndarray], np.ndarray]] = []
    notices: list[str] = []
    space = presentation.space
    if space == "palette" and presentation.colormap is not None:
        steps.append(_palette(presentation.colormap, has_alpha=has_samples))
        space = "rgb"
    elif scale := _scaling(dtype, presentation.bits):
        steps.append(scale)
    if presentation.premultiplied and space == "rgb" and dtype.kind in "uf":
        steps.append(_divided_by_alpha)
    profile, problem = usable_profile(presentation.profile, space, dtype)
    notices += [problem] if problem else []
    if presentation.inverted and profile is not None:
        # Of unsigned integers the bitwise complement is the negative.
        steps.append(np.invert if dtype.kind == "u" else lambda values: 1 - values)
    if space == "ycbcr":
        steps.append(_from_ycbcr)
    elif space in ("lab", "icclab"):
        steps.append(_from_lab(signed=space == "lab"))
    elif space == "cmyk" and profile is None:
        steps.append(_from_cmyk)
        notices.append("Its CMYK inks have no profile; they are converted by the simple formula.")
    if profile is not None:
        steps.append(to_srgb(profile, space))

    def convert(values: np.ndarray) -> np.ndarray:
        for step in steps:
            values = step(values)
        return values

    return convert if steps else None, tuple(notices)


def _convert_planes(
    data: Any, letters: str, convert: Callable[[np.ndarray], np.ndarray]
) -> tuple[StackLike, str]:
    outer = [letter for letter in letters if letter not in "YXS"]
    ordered = "".join([*outer, "Y", "X"]) + ("S" if "S" in letters else "")
    order = [letters.index(letter) for letter in ordered]
    if isinstance(data, np.ndarray):
        converted: StackLike = convert(data.transpose(order))
        colours = converted.shape[len(outer) + 2 :]
        return converted, "".join([*outer, "Y", "X"]) + ("S" if colours else "")
    stack = lazily(data, letters).transpose(order)
    sample = convert(np.zeros((1, 1, *stack.shape[len(outer) + 2 :]), data.dtype))
    colours = sample.shape[2:]
    planes = stack.chunks[: len(outer) + 2]
    lazy: StackLike = stack.map_blocks(
        convert,
        dtype=sample.dtype,
        chunks=(*planes, *((size,) for size in colours)),
        drop_axis=[len(outer) + 2] if "S" in letters and not colours else None,
        new_axis=[len(outer) + 2] if "S" not in letters and colours else None,
        meta=np.empty((0,) * (len(outer) + 2 + len(colours)), sample.dtype),
    )
    return lazy, "".join([*outer, "Y", "X"]) + ("S" if colours else "")


def _upright(data: Any, letters: str, orientation: int) -> tuple[StackLike, str]:
    """Turn planes as TIFF's tag 274 says, without reading them."""
    if orientation not in range(2, 9):
        return data, letters
    if not isinstance(data, np.ndarray):
        data = lazily(data, letters)
    y, x = letters.index("Y"), letters.index("X")
    if orientation >= 5:
        data = data.swapaxes(y, x)
    flips = [slice(None)] * len(letters)
    if orientation in (3, 4, 7, 8):
        flips[y] = slice(None, None, -1)
    if orientation in (2, 3, 6, 7):
        flips[x] = slice(None, None, -1)
    upright: StackLike = data[tuple(flips)]
    return upright, letters


def _scaling(dtype: np.dtype[Any], bits: int) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return what brings values of a few bits to the whole range of 8 or 16."""
    if dtype.kind != "u" or not bits or bits in (8, 16, 32, 64):
        return None
    target = np.dtype(np.uint8 if bits < 8 else np.uint16)
    whole = 2 ** (8 * target.itemsize) - 1
    factor = whole / (2**bits - 1)
    return lambda values: np.rint(values * factor).astype(target)


def _divided_by_alpha(values: np.ndarray) -> np.ndarray:
    """Return RGBA whose colours were multiplied by alpha as they were before."""
    if values.shape[-1] != 4:
        return values
    whole = float(np.iinfo(values.dtype).max) if values.dtype.kind == "u" else 1.0
    alpha = values[..., 3:].astype(np.float64)
    colours = values[..., :3] * (whole / np.where(alpha > 0, alpha, whole))
    colours = np.clip(colours, 0, whole)
    rounded = np.rint(colours) if values.dtype.kind == "u" else colours
    return np.concatenate([rounded.astype(values.dtype), values[..., 3:]], -1)


def _palette(colormap: np.ndarray, *, has_alpha: bool) -> Callable[[np.ndarray], np.ndarray]:
    def convert(indices: np.ndarray) -> np.ndarray:
        # A palette of two colours has indices of one bit, which must not select by truth.
        if not has_alpha:
            return colormap[indices.astype(np.intp)]
        colours = colormap[indices[..., 0].astype(np.intp)]
        alpha = indices[..., 1:2]
        whole = int(np.iinfo(indices.dtype).max)
        return np.concatenate([colours, (alpha // ((whole + 1) // 256)).astype(np.uint8)], -1)

    return convert


def _from_ycbcr(values: np.ndarray) -> np.ndarray:
    """Convert YCbCr of the full range to RGB (JFIF, the same weights as TIFF's defaults)."""
    whole = float(np.iinfo(values.dtype).max)
    luma = values[..., 0].astype(np.float32)
    blue = luma + 2 * (1 - _LUMA[1]) * (values[..., 1] - (whole + 1) / 2)
    red = luma + 2 * (1 - _LUMA[0]) * (values[..., 2] - (whole + 1) / 2)
    green = (luma - _LUMA[0] * red - _LUMA[1] * blue) / (1 - sum(_LUMA))
    rgb = np.stack([red, green, blue], -1)
    return np.rint(np.clip(rgb, 0, whole)).astype(values.dtype)


def _from_lab(*, signed: bool) -> Callable[[np.ndarray], np.ndarray]:
    """Return the conversion of CIE L*a*b* (D50, as TIFF and ICC have it) to sRGB."""

    def convert(values: np.ndarray) -> np.ndarray:
        # ICC's encoding: 255 or 65535 are L* 100, and a* and b* begin at -128.
        whole = np.iinfo(values.dtype).max
        step = (whole + 1) / 256
        ab = values[..., 1:3]
        if signed:
            ab = ab.view(f"i{ab.dtype.itemsize}").astype(np.float64) / step + 128
            ab = np.rint(np.clip(ab / 255, 0, 1) * whole).astype(values.dtype)
        lab = np.concatenate([values[..., :1], ab], -1)
        shown: np.ndarray = to_srgb(lab_profile(), "lab")(lab)
        return shown

    return convert


def _from_cmyk(values: np.ndarray) -> np.ndarray:
    whole = float(np.iinfo(values.dtype).max)
    light = 1 - values[..., :4] / whole
    return np.rint(light[..., :3] * light[..., 3:] * whole).astype(values.dtype)
