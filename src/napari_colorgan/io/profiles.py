"""ICC profiles: whether they say something, what they say, and that of outputs."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_RELATIVE_COLORIMETRIC = 1
# By so many of 256 steps the values of sRGB's profiles differ from one another.
_SAME = 2
# The colour space that a profile is for stands at this place of its header.
_PROFILE_SPACE = slice(16, 20)
_PROFILE_SPACES = {b"GRAY": "gray", b"RGB ": "rgb", b"CMYK": "cmyk"}


def usable_profile(
    profile: bytes | None, space: str, dtype: np.dtype[Any]
) -> tuple[bytes | None, str | None]:
    """Return a profile that changes values and fits them, or why it is passed over.

    Parameters
    ----------
    profile : bytes or None
        An ICC profile.
    space : str
        What the values are.
    dtype : numpy.dtype
        Of the values.

    Returns
    -------
    profile : bytes or None
        None where there is nothing to convert.
    problem : str or None
        A sentence.
    """
    if not profile:
        return None, None
    meant = _PROFILE_SPACES.get(profile[_PROFILE_SPACE])
    fits = meant == space or (meant == "rgb" and space == "ycbcr")
    if not fits or dtype.kind not in "uf":
        return None, "Its colour profile is for other values than it holds and is passed over."
    try:
        changes = _changes_values(profile, space)
    except (RuntimeError, ValueError, TypeError):
        return None, "Its colour profile can't be read and is passed over."
    return (profile if changes else None), None


@lru_cache(maxsize=16)
def _changes_values(profile: bytes, space: str) -> bool:
    """Return whether a profile's values are others than sRGB's; a name alone says little."""
    ramp = np.linspace(0, 255, 256).astype(np.uint8)[None]
    if space == "cmyk":
        to_srgb(profile, space)(np.zeros((1, 1, 4), np.uint8))
        return True
    if space == "gray":
        values = ramp
    else:
        rows = [ramp, np.zeros_like(ramp)]
        mixed = [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]
        values = np.concatenate([np.stack([rows[k] for k in order], -1) for order in mixed])
    shown = to_srgb(profile, "gray" if space == "gray" else "rgb")(values)
    return bool(np.abs(shown.astype(int) - values).max() > _SAME)


def to_srgb(profile: bytes, space: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return LittleCMS's conversion to sRGB, relative colorimetric; alpha stays.

    Parameters
    ----------
    profile : bytes
        An ICC profile.
    space : str
        What the values are that come.
    """

    def convert(values: np.ndarray) -> np.ndarray:
        import imagecodecs

        colours = {"gray": 1, "cmyk": 4}.get(space, 3)
        plane = values.reshape(
            -1,
            values.shape[-2 if space != "gray" else -1],
            *(() if space == "gray" else (values.shape[-1],)),
        )
        pixels = np.ascontiguousarray(plane if space == "gray" else plane[..., :colours])
        shown = imagecodecs.cms_transform(
            pixels,
            profile,
            imagecodecs.cms_profile("srgb"),
            colorspace="rgb" if space == "ycbcr" else space,
            outcolorspace="rgb",
            intent=_RELATIVE_COLORIMETRIC,
        )
        if space == "gray":
            return np.ascontiguousarray(shown[..., 1]).reshape(values.shape)
        alpha = plane[..., colours:]
        return np.concatenate([shown, alpha], -1).reshape(*values.shape[:-1], 3 + alpha.shape[-1])

    return convert


@lru_cache(maxsize=1)
def lab_profile() -> bytes:
    """Return an ICC profile of CIE L*a*b* with the white D50."""
    import imagecodecs

    return bytes(imagecodecs.cms_profile("lab4"))


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """Return an ICC profile of sRGB, the same bytes at any time."""
    import imagecodecs

    profile = bytes(imagecodecs.cms_profile("srgb"))
    # LittleCMS notes the time of day where its header has the date of making.
    return profile[:24] + bytes([7, 232, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]) + profile[36:]
