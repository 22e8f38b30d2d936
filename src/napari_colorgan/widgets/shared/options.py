"""What the panel remembers from one start of napari to the next."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from napari_colorgan.errors import ConfigError, FileError
from napari_colorgan.former_names import replace_former
from napari_colorgan.home import config_folder
from napari_colorgan.inference.settings import PredictionSettings
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.settings import check_value, declared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PlaneChoice: TypeAlias = Literal["all", "current", "range"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options(PredictionSettings):
    """The choices a user makes in the panel, the layer aside: how a model is used, and on what.

    Attributes
    ----------
    device : str
        As the settings have it, or "preferences" for what napari's Preferences say.
    model : str
        A model's name in the library.
    planes : {"all", "current", "range"}
        Which planes of a stack; a range itself belongs to a layer and isn't remembered.
    advanced : bool
        Whether the fold with the rarer options is open.
    """

    device: str = "preferences"
    model: str = "natural"
    planes: PlaneChoice = "all"
    advanced: bool = False

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Options:
        """Return options from what a file said, each odd or unknown entry left at its default.

        Parameters
        ----------
        values : Mapping[str, Any]
            What was read from JSON, by anyone's hand.
        """
        if values.get("scale") == "number":  # as version 0.1 wrote it
            values = {**values, "scale": values.get("scale_number")}
        with suppress(ConfigError):  # an odd value, or both names: today's is taken below
            values = replace_former(cls, values, _log.debug)
        known = set(declared(cls)) & set(values)
        return cls(**{name: values[name] for name in known if _is_offered(name, values[name])})


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
    """Remember options. Where that is impossible it is logged: nobody's work depends on it.

    Parameters
    ----------
    options : Options
        What the next session starts with.
    """
    path = options_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as temporary:
            temporary.write_text(json.dumps(asdict(options), indent=2), encoding="utf-8")
    except (OSError, FileError) as error:
        _log.warning("The options could not be remembered: %s", error)


def _is_offered(name: str, value: Any) -> bool:
    """Return whether the form can show a value."""
    try:
        check_value(Options, name, value)
    except ConfigError:
        return False
    field = declared(PredictionSettings).get(name)
    offered = field.titles if field is not None else {}
    return not offered or not isinstance(value, str) or value in ("preferences", *offered)
