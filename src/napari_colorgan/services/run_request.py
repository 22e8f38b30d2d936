"""Requests: the input of a training and of a fine-tuning."""
# Over 300 lines: both kinds of requests, and all that is refused before a run begins.

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import ConfigError, TrainingError
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.library.names import check_name
from napari_colorgan.services.tuning.settings import TuningSettings
from napari_colorgan.training.config_parts import MOST_EPOCHS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_colorgan.library.model_file import Model
    from napari_colorgan.training.config import TrainingConfig

REQUEST_FILE = "request.json"
CARD_FIELDS = frozenset(
    "title version domain description limitations license training_data pictures created".split()
)
"""The fields of a trained model's card that its owner may state; the training states the others."""
MOST_MINUTES = 1_000_000
"""About two years."""


@dataclass(frozen=True, eq=False)
class RunRequest:
    """The input that all kinds of runs share.

    Attributes
    ----------
    data : sequence of path or array
        Colour images: files, folders, and RGB arrays of shape (..., H, W, 3).
    output : Path
        The run directory.
    base : str, Path, Model or None
        The model to start from: a name in the library, a file, or a loaded model, which is not
        changed. None starts from the config's encoder weights.
    minutes : float or None
        The time to plan for; None plans by epochs.
    name : str
        The new model's name.
    device : str
        "auto", "cpu", "cuda", "mps" …
    accept_changes : bool
        Whether a run may be resumed though its files are not those that it was begun with.

    Raises
    ------
    ConfigError
        If the time is not above 0 and finite.
    ModelError
        If a model can't have that name.
    """

    data: Sequence[Any]
    output: Path
    base: str | Path | Model | None = None
    minutes: float | None = None
    name: str = "model"
    device: str = "auto"
    accept_changes: bool = False

    def __post_init__(self) -> None:
        # Now, and not when the model is written, hours later.
        check_name(self.name)
        if self.minutes is not None:
            check_budget(self.minutes, "minutes", MOST_MINUTES)


@dataclass(frozen=True, eq=False)
class TrainRequest(RunRequest):
    """A training by a recipe.

    Attributes
    ----------
    config : TrainingConfig or None
        None when resuming: the config is in the run directory.
    validation : sequence of path or array
        Held-out colour images. Without any, a share of the sources of `data` is held out.
    resume : bool
        Continue the run that is in `output`.
    card : mapping
        Fields of the model's card that replace the default ones, such as title, domain,
        description, limitations, license and training_data; see `CARD_FIELDS`.

    Raises
    ------
    ConfigError
        If a field is unknown, or of another kind than a card's.
    """

    base: Model | None = None
    config: TrainingConfig | None = None
    validation: Sequence[Any] = ()
    resume: bool = False
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        # Now, and not when the model is written, hours later.
        if self.card:
            _check_card(self.card)


@dataclass(frozen=True, eq=False)
class FineTuneRequest(TuningSettings, RunRequest):
    """A fine-tuning: a base model, a few colour images, a budget, and the declared settings.

    Attributes
    ----------
    epochs : float or None
        Passes over the data; instead of `minutes`.
    recipe : str or Path
        The recipe's name, or a TOML file.
    gray : sequence of path, array or None, optional
        For each item of `data` the network's input in place of the colours' lightness: a gray
        image of the same shape, plane by plane, or for a folder a folder of gray images with
        the same names. None, for an item or for all, is the colours' lightness.
    titles : sequence of str or None, optional
        The name of each item of `data` on the model's card; None, for an item or for all, is
        the file's name.

    Raises
    ------
    ConfigError
        If a number is out of range.
    """

    base: str | Path | Model = "natural"
    minutes: float | None = 5.0
    name: str = "fine-tuned"
    epochs: float | None = None
    recipe: str | Path = "fine-tune"
    gray: Sequence[Any] | None = None
    titles: Sequence[str | None] | None = None

    def __post_init__(self) -> None:
        RunRequest.__post_init__(self)
        TuningSettings.__post_init__(self)
        # Either none or both.
        if (self.minutes is None) == (self.epochs is None):
            raise ConfigError(
                expected="a budget in minutes or in epochs",
                got="none" if self.minutes is None else "both",
                action="Give one of them.",
            )
        if self.epochs is not None:
            check_budget(self.epochs, "epochs", MOST_EPOCHS)
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
        """Whether data and base are all on disk, so that another process can start the run."""
        items = (*self.data, *(item for item in self.gray or () if item is not None))
        # Arrays in memory can't be handed to another process.
        paths = all(isinstance(item, str | Path) for item in items)
        return paths and isinstance(self.base, str | Path)

    def save(self) -> None:
        """Write it into its run directory.

        Raises
        ------
        TrainingError
            If it has arrays or a model that aren't on disk.
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
        # Absolute, since the process that resumes the run may have another working directory.
        values["data"] = [_absolute(item) for item in self.data]
        values["gray"] = None if self.gray is None else [_absolute(item) for item in self.gray]
        values["base"] = str(self.base)
        values["recipe"] = str(self.recipe)
        self.output.mkdir(parents=True, exist_ok=True)
        with write_atomically(self.output / REQUEST_FILE) as temporary:
            temporary.write_text(json.dumps(values, ensure_ascii=False, indent=1), "utf-8")

    @classmethod
    def load(cls, output: Path) -> FineTuneRequest:
        """Read the request of a run directory.

        Parameters
        ----------
        output : Path
            The run's folder.

        Returns
        -------
        FineTuneRequest
            As it was written.

        Raises
        ------
        TrainingError
            If there is none, or it is damaged.
        """
        try:
            values = json.loads((output / REQUEST_FILE).read_text(encoding="utf-8"))
            values["data"] = tuple(Path(item) for item in values["data"])
            if values.get("gray") is not None:
                values["gray"] = tuple(g if g is None else Path(g) for g in values["gray"])
            base = values["base"]
            values["base"] = Path(base) if Path(base).is_absolute() else base
            return cls(output=output, **values)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise TrainingError(
                expected=f"a fine-tuning that can be resumed in {output}",
                got=f"{type(error).__name__}: {error}",
                action="Start a new one; one that was given arrays in Python can't be resumed.",
            ) from error


def check_budget(amount: float, unit: str, most: float) -> None:
    """Raise unless a budget is a number above 0, and not above what any run takes.

    Parameters
    ----------
    amount : float
        The budget.
    unit : str
        "minutes" or "epochs".
    most : float
        The largest number that is accepted.

    Raises
    ------
    ConfigError
        If it isn't.
    """
    if not 0 < amount <= most:  # false of NaN, too
        raise ConfigError(
            expected=f"{unit} above 0 and at most {most:,}",
            got=str(amount),
            action="Give a time such as 5 minutes." if unit == "minutes" else "Give some epochs.",
        )


def check_output_free(output: Path) -> None:
    """Raise if there is a run in a folder already.

    Parameters
    ----------
    output : Path
        The folder, which needn't exist.

    Raises
    ------
    TrainingError
        If there is one.
    """
    # A run on arrays has no request file, and one that failed while reading has no config.
    if any(os.path.exists(output / name) for name in (REQUEST_FILE, "config.toml")):
        from napari_colorgan.training.run_folder.directory import occupied

        raise occupied(output)


def check_paths(items: Iterable[Any]) -> None:
    """Raise unless all files and folders among a run's data are there.

    Parameters
    ----------
    items : iterable of path, array or None
        Before anything is written: a run on a misspelt path would occupy its folder.

    Raises
    ------
    TrainingError
        With the first one that is not.
    """
    for item in items:
        if isinstance(item, str | Path) and not os.path.exists(item):
            raise TrainingError(
                expected="images to train on",
                got=f"'{item}', which is not there",
                action="Check the path; nothing was written.",
            )


def _check_card(fields: Mapping[str, Any]) -> None:
    from napari_colorgan.library.card import ModelCard

    unknown = sorted(set(fields) - CARD_FIELDS)
    if unknown:
        raise ConfigError(
            expected=f"fields of a model's card: {', '.join(sorted(CARD_FIELDS))}",
            got=", ".join(unknown),
            action="Correct or remove them; the training states the others itself.",
        )
    texts = dict.fromkeys(("version", "title", "domain", "description"), "")
    try:
        ModelCard(name="model", **{**texts, **fields})
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            expected="texts on a model's card, and training_data as pairs of source and terms",
            got=f"{', '.join(sorted(fields))}: {error}",
            action="Correct the fields of the card.",
        ) from error


def _absolute(item: str | Path | None) -> str | None:
    return None if item is None else str(Path(item).absolute())
