"""Recipes as files: by name from the package, or by path; free of torch."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from napari_colorgan.errors import ConfigError

RECIPES = ("paper-baseline", "paper-final", "natural", "microscopy", "hints", "fine-tune")


def read_recipe(source: str | Path) -> dict[str, Any]:
    """Return a recipe's values, unchecked.

    Parameters
    ----------
    source : str or Path
        A recipe's name, or a TOML file's path.

    Raises
    ------
    ConfigError
        If there is no such recipe or file, or it isn't TOML.
    """
    if str(source) in RECIPES:
        text = resources.files(__package__).joinpath(f"recipes/{source}.toml").read_text("utf-8")
    else:
        text = _read_text(Path(source))
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            expected="a TOML file", got=f"{source}: {error}", action="Mend that line."
        ) from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            expected=f"the name of a recipe ({', '.join(RECIPES)}) or a TOML file",
            got=f"{path} ({error})",
            action="Check the spelling and the path.",
        ) from error
