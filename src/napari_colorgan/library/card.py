"""The model card: what a model is, what it was trained on and how well it does.

It travels as text in the metadata of the model's own file, so this module also says how each field
is written there and read back.
"""
# Over 300 lines: half of it is docstrings, and the three records are written, checked and read
# together.

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import hashlib
import json
import re
import reprlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from napari_colorgan.errors import ModelError
from napari_colorgan.library.names import check_name
from napari_colorgan.metric_registry import find_metric
from napari_colorgan.texts import one_line, paragraphs

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 1
STATEMENT = (
    "The colours this model gives are predicted, not measured: they are likely, and can be wrong. "
    "They must not be used for diagnosis or as evidence."
)
LONGEST_LINE, LONGEST_TEXT, LONGEST_CONFIG, LONGEST_WORD = 300, 20_000, 200_000, 500
"""Characters of a card's texts; what is longer is shortened where it is read."""
LARGEST_PICTURE = 200_000
"""Bytes of a picture's JPEG; a card is read whole wherever models are listed."""
Scale: TypeAlias = Literal["fit", "native"] | float

_JPEG = b"\xff\xd8\xff"
_CHECKSUM, _MARK = "card_sha256", "checked_by"
_HASHES = ("sha256", "parent_sha256")
_LINES = ("version", "title", "domain", "license")
_PARAGRAPHS = ("description", "limitations", "config")
# Fields that are text in the metadata; the others are JSON.
_TEXTS = frozenset({"name", "created", *_HASHES, *_LINES, *_PARAGRAPHS})
# Fields that files of earlier releases lack.
_ADDED = frozenset({"parent_sha256", "pictures", "strength", "familiarity"})
# Characters of JSON, and rows of it, that no card needs more of.
_LONGEST_JSON = {"architecture": 20_000, "metrics": 1_000_000, "training_data": 5_000_000}
# Each becomes a row of a page that Qt lays out while the panel waits.
_MOST_ROWS = {"metrics": 2_000, "training_data": 20_000, "pictures": 50}
_NUMBERS = ("value", "gray", "mean_color", "lookup_table", "base", "low", "high")


@dataclass(frozen=True)
class Metric:
    """One number measured on held-out images, beside the baselines' numbers on the same images.

    Attributes
    ----------
    dataset : str
        The held-out set, with the size it was measured at.
    name : str
        The metric with its unit or range, such as "PSNR (dB)".
    value : float
        The model's value; kept to six significant digits, as all numbers here.
    gray, mean_color, lookup_table, base : float or None
        The same for the gray image, for the training set's mean colour, for its mean a*b* at
        each L*, and for the model that this one was made from.
    low, high : float or None
        The bounds of the value's 95 % confidence interval.
    id : str
        The identifier in `metric_registry`, such as "psnr" or "delta_e", by which rows are
        compared whatever their name says. Filled in for registered names, today's and those of
        earlier releases, else "".

    Raises
    ------
    ModelError
        If a number is not finite.
    """

    dataset: str
    name: str
    value: float
    gray: float | None = None
    mean_color: float | None = None
    lookup_table: float | None = None
    base: float | None = None
    low: float | None = None
    high: float | None = None
    id: str = ""

    def __post_init__(self) -> None:
        for text in ("dataset", "name", "id"):
            object.__setattr__(self, text, one_line(getattr(self, text), LONGEST_LINE))
        object.__setattr__(self, "id", self.id or _metric_id(self.name))
        for number in _NUMBERS:
            object.__setattr__(self, number, _six_digits(getattr(self, number)))


@dataclass(frozen=True)
class CardPicture:
    """A picture on a model's card: what the model does, or where it fails.

    Attributes
    ----------
    caption : str
        What is seen, and under which terms it may be shown.
    jpeg : str
        The JPEG file in base64.

    Raises
    ------
    ModelError
        If that is no JPEG of at most `LARGEST_PICTURE` bytes.
    """

    caption: str
    jpeg: str

    def __post_init__(self) -> None:
        # Square brackets would end the caption of an image in markdown.
        caption = one_line(self.caption, 2 * LONGEST_LINE).translate(str.maketrans("[]", "()"))
        object.__setattr__(self, "caption", caption)
        try:
            pixels = base64.b64decode(self.jpeg, validate=True)
        except (binascii.Error, ValueError, TypeError):
            pixels = b""
        if not pixels.startswith(_JPEG) or len(pixels) > LARGEST_PICTURE:
            limit = f"a JPEG of at most {LARGEST_PICTURE // 1000} kB"
            raise ModelError(
                expected=f"{limit} as a picture on a model's card",
                got=f"{len(pixels)} bytes" if pixels.startswith(_JPEG) else "something else",
                action="Use a smaller JPEG.",
            )

    @classmethod
    def read(cls, path: Path, caption: str) -> CardPicture:
        """Return the picture in a JPEG file.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        caption : str
            What is seen.
        """
        return cls(caption, base64.b64encode(path.read_bytes()).decode("ascii"))


@dataclass(frozen=True)
class ModelCard:
    """Everything that is stated about a model; it travels inside the model's file.

    Attributes
    ----------
    name : str
        The model's name in a library.
    version : str
        The model's own version.
    title : str
        One line for people.
    domain : str
        What it is for: "photographs", "histology (H&E)" …
    description : str
        Paragraphs of markdown.
    architecture : mapping
        The generator's configuration, as its ``to_dict()`` returns it.
    scale : {"fit", "native"} or float
        The working scale: a plane is shrunk so that its short side is `working_size`, is used at
        its own size, or is scaled by this factor, 0.01 to 16.
    working_size : int
        In pixels, 32 to 4096.
    vividness : float
        The default reading of the predicted distribution, from 0 (its mean) to 1 (nearly its
        mode): minus the decimal logarithm of `temperature`.
    strength : float
        The default of what chroma is multiplied by, 0 to 10.
    training_data : tuple of (str, str)
        Each set's name and the terms it is under.
    config : str
        The training configuration as TOML.
    metrics : tuple of Metric
        On held-out sets.
    created : str
        An ISO date.
    parent : str or None
        The model that this one was made from.
    license : str
        What the weights are under.
    limitations : str
        Paragraphs of markdown.
    sha256 : str
        Of the weights as they are in the file, see `hash_tensors`; empty until they are saved.
    parent_sha256 : str
        The parent's `sha256`, by which it is found under another name; empty if not known.
    pictures : tuple of CardPicture
        Examples of what it does, and of where it fails.
    familiarity : str
        What tells pictures like the training pictures from others; see
        `napari_colorgan.core.familiarity`. Empty where nobody has fitted it.
    checksum : {"right", "wrong", "none"}
        Whether the card is as it was written into the file that it was read from: "wrong" if it
        was changed since, "none" if the file, of an earlier release, has no checksum.

    Raises
    ------
    ModelError
        If a value is out of range.
    """

    name: str
    version: str
    title: str
    domain: str
    description: str
    architecture: Mapping[str, Any] = field(default_factory=dict, hash=False)
    scale: Scale = "fit"
    working_size: int = 256
    vividness: float = 0.0
    strength: float = 1.0
    training_data: tuple[tuple[str, str], ...] = ()
    config: str = ""
    metrics: tuple[Metric, ...] = ()
    created: str = field(default_factory=lambda: datetime.date.today().isoformat())
    parent: str | None = None
    license: str = "BSD-3-Clause"
    limitations: str = ""
    sha256: str = ""
    parent_sha256: str = ""
    pictures: tuple[CardPicture, ...] = ()
    familiarity: str = ""
    checksum: Literal["right", "wrong", "none"] = field(default="none", compare=False)

    def __post_init__(self) -> None:
        # Texts are kept in the form in which they are shown, so that a card that was written and
        # read back equals the one before.
        normal: dict[str, object] = {
            name: one_line(getattr(self, name), LONGEST_LINE) for name in _LINES
        }
        for name in ("description", "limitations"):
            normal[name] = paragraphs(getattr(self, name), LONGEST_TEXT, word=LONGEST_WORD)
        normal["config"] = paragraphs(self.config, LONGEST_CONFIG)
        normal["name"] = check_name(self.name)
        normal["training_data"] = tuple(
            (one_line(source, LONGEST_LINE), one_line(terms, LONGEST_LINE))
            for source, terms in self.training_data
        )
        normal["metrics"], normal["pictures"] = tuple(self.metrics), tuple(self.pictures)
        normal["scale"] = _check_scale(self.scale)
        normal["parent"] = one_line(self.parent or "", LONGEST_LINE) or None
        for name, value in normal.items():
            object.__setattr__(self, name, value)
        self._check_values()

    def _check_values(self) -> None:
        if not isinstance(self.architecture, Mapping):
            raise _bad(expected="an architecture's settings by name", got=self.architecture)
        if type(self.working_size) is not int or not 32 <= self.working_size <= 4096:
            raise _bad(expected="a working size of 32 to 4096 pixels", got=self.working_size)
        if type(self.vividness) not in (int, float) or not 0.0 <= self.vividness <= 1.0:
            raise _bad(expected="a vividness from 0 to 1", got=self.vividness)
        if type(self.strength) not in (int, float) or not 0.0 <= self.strength <= 10.0:
            raise _bad(expected="a strength from 0 to 10", got=self.strength)
        text = self.familiarity
        if not isinstance(text, str) or not re.fullmatch("[A-Za-z0-9+/]{0,120000}={0,2}", text):
            raise _bad(expected="weights of familiarity in base64", got=self.familiarity)
        for digest in (getattr(self, name) for name in _HASHES):
            if digest and not re.fullmatch("[0-9a-f]{64}", digest):
                raise _bad(expected="a SHA-256 of 64 lower-case hexadecimal digits", got=digest)
        try:
            datetime.date.fromisoformat(self.created)
        except ValueError as error:
            raise _bad(expected="a date such as 2026-01-31", got=self.created) from error

    @property
    def temperature(self) -> float:
        """The default temperature of the softmax over the predicted distribution, 0.1 to 1."""
        return float(10.0**-self.vividness)

    def to_metadata(self) -> dict[str, str]:
        """Return the card as a safetensors file's metadata: text to text.

        Returns
        -------
        dict of str to str
            "colorgan_format" and "statement", each field (texts as they are, the others as
            JSON), and a checksum over all of these.
        """
        values = dataclasses.asdict(self)
        del values["checksum"]
        metadata = {"colorgan_format": str(FORMAT_VERSION), "statement": STATEMENT}
        for name, value in values.items():
            metadata[name] = value if name in _TEXTS else json.dumps(value, ensure_ascii=False)
        return with_checksum(metadata)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> ModelCard:
        """Read the card from a safetensors file's metadata.

        Parameters
        ----------
        metadata : mapping of str to str
            As `to_metadata` returns it. What a later release has added is ignored, and what
            earlier ones lack gets its default.

        Returns
        -------
        ModelCard
            The card that was written.

        Raises
        ------
        ModelError
            If it is not of this program, is of a newer format, or a field is missing or can't
            be read.
        """
        _check_format(metadata.get("colorgan_format"))
        values: dict[str, Any] = {}
        try:
            for each in dataclasses.fields(cls):
                if each.name == "checksum":
                    values["checksum"] = _check_checksum(metadata)
                    continue
                if each.name in _ADDED and each.name not in metadata:
                    continue
                text = metadata[each.name]
                if len(text) > _LONGEST_JSON.get(each.name, len(text)):
                    raise _too_large(each.name)
                values[each.name] = text if each.name in _TEXTS else json.loads(text)
            for name, most in _MOST_ROWS.items():
                if len(values.get(name, ())) > most:
                    raise _too_large(name)
            values["training_data"] = tuple((a, b) for a, b in values["training_data"])
            values["metrics"] = tuple(Metric(**_known(Metric, row)) for row in values["metrics"])
            rows = values.get("pictures", ())
            values["pictures"] = tuple(CardPicture(**_known(CardPicture, row)) for row in rows)
            return cls(**values)
        except (
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            raise ModelError(
                expected="a complete model card in the file's metadata",
                got=f"one that can't be read ({type(error).__name__}: {reprlib.repr(str(error))})",
                action="The file is damaged: get it again from where it came from.",
            ) from error


def _metric_id(name: str) -> str:
    metric = find_metric(name)
    return "" if metric is None else metric.id


def with_checksum(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return a file's metadata with a checksum over all of it, in place of the one it has.

    Parameters
    ----------
    metadata : mapping of str to str
        A card's, see `ModelCard.to_metadata`.
    """
    marked = {**metadata, _MARK: _CHECKSUM}
    marked.pop(_CHECKSUM, None)
    return {**marked, _CHECKSUM: _digest(marked)}


def _digest(metadata: Mapping[str, str]) -> str:
    rows = sorted((name, text) for name, text in metadata.items() if name != _CHECKSUM)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _check_checksum(metadata: Mapping[str, str]) -> Literal["right", "wrong", "none"]:
    # The mark is covered by the checksum, and tells a file whose checksum has lost its name from
    # the files of earlier releases, which have neither.
    if _CHECKSUM not in metadata and _MARK not in metadata:
        return "none"
    return "right" if metadata.get(_CHECKSUM) == _digest(metadata) else "wrong"


def _six_digits(value: float | None) -> float | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Compared, not converted: an integer of 400 digits has no float.
    if not is_number or not abs(value) <= sys.float_info.max:
        raise _bad(expected="a finite number as a metric", got=value)
    return float(f"{float(value):.6g}")


def _check_scale(scale: object) -> object:
    if scale in ("fit", "native"):
        return scale
    number = isinstance(scale, int | float) and not isinstance(scale, bool)
    if not number or not 0.01 <= scale <= 16:  # type: ignore[operator]
        raise _bad(
            expected="'fit', 'native' or a factor from 0.01 to 16 as the working scale", got=scale
        )
    return float(scale)  # type: ignore[arg-type]


def _known(record: type[Metric | CardPicture], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without the fields that a later release has added."""
    names = record.__dataclass_fields__
    return {name: value for name, value in row.items() if name in names}


def _bad(*, expected: str, got: object) -> ModelError:
    return ModelError(
        expected=f"{expected} on a model's card", got=reprlib.repr(got), action="Correct the card."
    )


def _too_large(name: str) -> ModelError:
    return ModelError(
        expected=f"{name} of a size that a model's card has",
        got="far more",
        action="Don't use this file: no release of this program has written it.",
    )


def _check_format(stated: str | None) -> None:
    if stated is None:
        raise ModelError(
            expected="a model of napari-colorgan",
            got="a safetensors file without this program's card",
            action="Choose a file that the Models panel or `models export` has written.",
        )
    if not (stated.isascii() and stated.isdigit()) or len(stated) > 9:
        raise ModelError(
            expected="a model file's format as a whole number",
            got=repr(stated[:40]),
            action="The file is damaged: get it again from where it came from.",
        )
    if not 1 <= int(stated) <= FORMAT_VERSION:
        raise ModelError(
            expected=f"a model file of format 1 to {FORMAT_VERSION}",
            got=f"format {int(stated)}, which another release has written",
            action="Update napari-colorgan: `pip install --upgrade napari-colorgan`.",
        )
