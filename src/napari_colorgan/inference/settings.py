"""How a model is used: every choice that a user has about a prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from napari_colorgan.errors import InputError

Scale: TypeAlias = Literal["fit", "native"] | float
Dtype: TypeAlias = Literal["uint8", "uint16", "float32"]
Precision: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]

SCALE_RANGE = (0.01, 16.0)
SATURATION_RANGE = (0.0, 10.0)
DTYPES = ("uint8", "uint16", "float32")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class PredictionSettings:
    """The choices about a prediction; None means what the model's card says.

    Attributes
    ----------
    scale : {"fit", "native"}, float or None
        The size at which the network sees a plane: "fit" shrinks the whole plane so that its
        short side is the model's working size, "native" takes the pixels as they are, a number
        from 0.01 to 16 multiplies the plane's sides.
    vividness : float or None
        0 (the mean of the likely colours) to 1 (the most likely ones).
    saturation : float
        What chroma is multiplied by, 0 to 10; colours outside sRGB are brought in afterwards.
    device : str
        "auto", "cpu", or a device as PyTorch names it.
    precision : {"auto", "float32", "bfloat16", "float16"}
        What the network computes in. "auto" is float16 on CUDA, bfloat16 on CPUs that have the
        instructions and are measured to gain by them, else float32.
    memory_limit : int or None
        Bytes that predicting a plane may take, its result included; None is a quarter of what
        is free.
    dtype : {"uint8", "uint16", "float32"}
        Of the resulting RGB; "float32" is 0 to 1.
    uncertainty : bool
        Whether a map of uncertainties is wanted too, where the model has it.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    scale: Scale | None = None
    vividness: float | None = None
    saturation: float = 1.0
    device: str = "auto"
    precision: Precision = "auto"
    memory_limit: int | None = None
    dtype: Dtype = "uint8"
    uncertainty: bool = False

    def __post_init__(self) -> None:
        low, high = SCALE_RANGE
        accepted = {
            "scale": f"'fit', 'native' or a number from {low:g} to {high:g}",
            "vividness": "a number from 0 to 1",
            "saturation": "a number from {:g} to {:g}".format(*SATURATION_RANGE),
            "precision": f"one of {', '.join(PRECISIONS)}",
            "memory_limit": "a positive number of bytes",
            "dtype": f"one of {', '.join(DTYPES)}",
        }
        valid = {
            "scale": self.scale in (None, "fit", "native") or _between(self.scale, low, high),
            "vividness": self.vividness is None or _between(self.vividness, 0, 1),
            "saturation": _between(self.saturation, *SATURATION_RANGE),
            "precision": self.precision in PRECISIONS,
            "memory_limit": self.memory_limit is None or _between(self.memory_limit, 1, math.inf),
            "dtype": self.dtype in DTYPES,
        }
        for name, fine in valid.items():
            if not fine:
                raise InputError(
                    expected=f"{name} to be {accepted[name]}",
                    got=repr(getattr(self, name)),
                    action="Change that setting.",
                )


def _between(value: object, low: float, high: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and low <= value <= high  # type: ignore[operator]
