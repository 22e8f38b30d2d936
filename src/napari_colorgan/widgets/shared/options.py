"""What the panel remembers from one start of napari to the next."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from napari_colorgan.errors import FileError
from napari_colorgan.home import config_folder
from napari_colorgan.io.atomic import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ScaleChoice: TypeAlias = Literal["model", "fit", "native", "number"]
PlaneChoice: TypeAlias = Literal["all", "current", "range"]

_log = logging.getLogger(__name__)
_CHOICES: dict[str, tuple[str, ...]] = {
    "planes": ("all", "current", "range"),
    "scale": ("model", "fit", "native", "number"),
    "device": ("preferences", "auto", "cpu", "cuda", "mps"),
    "dtype": ("uint8", "float32"),
}
_RANGES = {"scale_number": (0.01, 16.0), "vividness": (0.0, 1.0), "saturation": (0.0, 2.0)}


@dataclass(frozen=True)
class Options:
    """The choices a user makes in the panel, the layer aside.

    Attributes
    ----------
    model : str
        A model's name in the library.
    planes : {"all", "current", "range"}
        Which planes of a stack; a range itself belongs to a layer and isn't remembered.
    scale : {"model", "fit", "native", "number"}
        The working scale: what the model's card says, or one of the others.
    scale_number : float
        The factor that `scale` "number" stands for.
    vividness : float or None
        0…1; None is what the model's card says.
    saturation : float
        0…2, multiplies chroma.
    device : {"preferences", "auto", "cpu", "cuda", "mps"}
        Where to compute; "preferences" is what napari's Preferences say.
    dtype : {"uint8", "float32"}
        The result's type of pixels.
    uncertainty : bool
        Whether a layer of uncertainties is wanted too.
    advanced : bool
        Whether the fold with the rarer options is open.
    """

    model: str = "natural"
    planes: PlaneChoice = "all"
    scale: ScaleChoice = "model"
    scale_number: float = 1.0
    vividness: float | None = None
    saturation: float = 1.0
    device: str = "preferences"
    dtype: Literal["uint8", "float32"] = "uint8"
    uncertainty: bool = False
    advanced: bool = False

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Options:
        """Return options from what a file said, each odd or unknown entry left at its default."""
        defaults = cls()
        known = {field.name for field in fields(cls)} & set(values)
        return cls(**{k: values[k] for k in known if _fits(k, values[k], getattr(defaults, k))})


def options_path() -> Path:
    """Return where the options are kept; NAPARI_COLORGAN_HOME overrides the user's folder."""
    return config_folder() / "colorize.json"


def load_options() -> Options:
    """Return the remembered options; a missing or damaged file gives the defaults."""
    try:
        values = json.loads(options_path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Options()
    except (OSError, ValueError) as error:
        _log.warning("The remembered options could not be read: %s", error)
        return Options()
    return Options.from_mapping(values) if isinstance(values, dict) else Options()


def save_options(options: Options) -> None:
    """Remember options. Where that is impossible it is logged: nobody's work depends on it."""
    path = options_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as temporary:
            temporary.write_text(json.dumps(asdict(options), indent=2), encoding="utf-8")
    except (OSError, FileError) as error:
        _log.warning("The options could not be remembered: %s", error)


def _fits(name: str, value: Any, default: Any) -> bool:
    if name in _CHOICES:
        return value in _CHOICES[name]
    if name in _RANGES:
        low, high = _RANGES[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return (value is None and default is None) or (number and low <= value <= high)
    return type(value) is type(default)
