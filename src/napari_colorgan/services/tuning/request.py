"""What a fine-tuning is asked to do, in memory and in its run directory."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from napari_colorgan.errors import ConfigError, TrainingError
from napari_colorgan.io import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_colorgan.library.model_file import Model

Scale: TypeAlias = Literal["fit", "native"]
FILE = "request.json"


@dataclass(frozen=True, eq=False)
class FineTuneRequest:
    """A fine-tuning.

    Attributes
    ----------
    data : sequence of path or array
        Colour images: files, folders, and RGB arrays of shape (..., H, W, 3).
    output : Path
        The run directory.
    base : str, Path or Model
        What to start from: a name in the library, a file, or a model, which is left as it is.
    minutes : float or None
        The time to plan for; None plans by `epochs`.
    epochs : float or None
        Passes over the data.
    name : str
        The new model's name.
    adversarial : bool
        Whether a discriminator judges the last part of the training.
    hold_out : float
        The share of planes that is set aside to measure on, above 0 and at most 0.5.
    scale : {"fit", "native"} or None
        Whether the model shall see whole pictures, shrunk, or pixels as they are; None is as the
        base does.
    device : str
        "auto", "cpu", "cuda", "mps" …
    recipe : str or Path
        The recipe's name, or a TOML file.
    gray : sequence of path, array or None, optional
        What the model shall see of each item of `data`: a gray image of the same shape, plane by
        plane, or for a folder a folder of gray images by the same names. None, for an item or
        for all, is the colours' own lightness.
    titles : sequence of str or None, optional
        What the model's card calls each item of `data`; None, for an item or for all, is the
        file's name.

    Raises
    ------
    ConfigError
        If a number is out of range.
    """

    data: Sequence[Any]
    output: Path
    base: str | Path | Model = "natural"
    minutes: float | None = 5.0
    epochs: float | None = None
    name: str = "fine-tuned"
    adversarial: bool = False
    hold_out: float = 0.2
    scale: Scale | None = None
    device: str = "auto"
    recipe: str | Path = "fine-tune"
    gray: Sequence[Any] | None = None
    titles: Sequence[str | None] | None = None

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.epochs is None):
            raise ConfigError(
                expected="a budget in minutes or in epochs",
                got="none" if self.minutes is None else "both",
                action="Give one of them.",
            )
        budget = self.minutes if self.epochs is None else self.epochs
        if budget is None or not budget > 0:
            raise ConfigError(
                expected="a budget above 0", got=str(budget), action="Give some minutes."
            )
        if not 0 < self.hold_out <= 0.5:
            raise ConfigError(
                expected="a hold-out above 0 and at most half of the planes",
                got=str(self.hold_out),
                action="Choose a share such as 0.2.",
            )
        if self.scale not in (None, "fit", "native"):
            raise ConfigError(
                expected="the scale 'fit', 'native' or None",
                got=repr(self.scale),
                action="Leave it out to take the base's.",
            )
        if self.gray is not None and len(self.gray) != len(self.data):
            raise ConfigError(
                expected=f"as many gray images as colour images, {len(self.data)}",
                got=str(len(self.gray)),
                action="Give one for each, in their order; None for one that is its own gray.",
            )
        if self.titles is not None and len(self.titles) != len(self.data):
            raise ConfigError(
                expected=f"as many titles as images, {len(self.data)}",
                got=str(len(self.titles)),
                action="Give one for each, in their order; None for one without.",
            )

    @property
    def is_storable(self) -> bool:
        """Whether all it names is on disk, so that another process can take it up."""
        items = (*self.data, *(item for item in self.gray or () if item is not None))
        paths = all(isinstance(item, str | Path) for item in items)
        return paths and isinstance(self.base, str | Path)

    def save(self) -> None:
        """Write it into its run directory.

        Raises
        ------
        TrainingError
            If it holds arrays or a model that aren't on disk.
        """
        if not self.is_storable:
            raise TrainingError(
                expected="data and base on disk",
                got="arrays or a model in memory",
                action="Save them to files first.",
            )
        values = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "output"
        }
        values["data"] = [_absolute(item) for item in self.data]
        values["gray"] = None if self.gray is None else [_absolute(item) for item in self.gray]
        values["base"] = str(self.base)
        values["recipe"] = str(self.recipe)
        self.output.mkdir(parents=True, exist_ok=True)
        with write_atomically(self.output / FILE) as temporary:
            temporary.write_text(json.dumps(values, ensure_ascii=False, indent=1), "utf-8")

    @classmethod
    def load(cls, output: Path) -> FineTuneRequest:
        """Read the request of a run directory.

        Raises
        ------
        TrainingError
            If there is none, or it is damaged.
        """
        try:
            values = json.loads((output / FILE).read_text(encoding="utf-8"))
            values["data"] = tuple(Path(item) for item in values["data"])
            if values.get("gray") is not None:
                values["gray"] = tuple(g if g is None else Path(g) for g in values["gray"])
            base = values["base"]
            values["base"] = Path(base) if Path(base).is_absolute() else base
            return cls(output=output, **values)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                expected=f"a fine-tuning that can be taken up in {output}",
                got=f"{type(error).__name__}: {error}",
                action="Start a new one; one that was given arrays in Python can't be resumed.",
            ) from error


def check_output_free(output: Path) -> None:
    """Refuse a folder for a new run in which there is one already.

    Raises
    ------
    TrainingError
        If there is one.
    """
    # A run of arrays has no request, and one that found nothing to train on no config.
    if any((output / name).exists() for name in (FILE, "config.toml")):
        from napari_colorgan.training.run_directory import occupied

        raise occupied(output)


def _absolute(item: str | Path | None) -> str | None:
    return None if item is None else str(Path(item).absolute())
