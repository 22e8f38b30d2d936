"""The errors of this package: one family, each with what was expected, what came, what to do."""

from __future__ import annotations

from napari_colorgan.texts import printable


class ColorganError(Exception):
    """An error that the user can act on; the base of every error raised on purpose.

    All three parts are required, so that every message has them.

    Parameters
    ----------
    expected : str
        What would be right, as a noun phrase ("a 2D to 5D array").
    got : str
        What it was instead ("an array of shape (7,)").
    action : str
        What the user can do now, as a full sentence.

    Notes
    -----
    It is deliberately not a ``RuntimeError``: generator workers of superqt swallow those.

    Examples
    --------
    >>> from napari_colorgan import Hint
    >>> from napari_colorgan.errors import ColorganError
    >>> try:
    ...     Hint((1, 2), (0, 0), radius=-1)
    ... except ColorganError as error:
    ...     print(error.expected, "|", error.got, "|", error.action)
    a radius of 0 pixels or more | -1 | Correct this hint, or remove it.
    """

    def __init__(self, *, expected: str, got: str, action: str) -> None:
        # They name files, titles and values from anywhere, and end in terminals, logs and HTML.
        expected, got, action = printable(expected), printable(got), printable(action)
        super().__init__(f"Expected {expected}, got {got}. {action}")
        self.expected = expected
        self.got = got
        self.action = action

    def __reduce__(self) -> tuple[object, tuple[type[ColorganError], dict[str, str]]]:
        # Keyword-only arguments don't survive the default pickling between processes.
        parts = {"expected": self.expected, "got": self.got, "action": self.action}
        return _rebuild, (type(self), parts)


def _rebuild(cls: type[ColorganError], parts: dict[str, str]) -> ColorganError:
    return cls(**parts)


class InputError(ColorganError):
    """An array or a setting that can't be used: shape, dtype, range."""


class AxesError(InputError):
    """Axes that don't fit an array."""


class PairError(InputError):
    """A gray image that can't be paired with its colour image."""


class FileError(ColorganError):
    """A file or folder that can't be read or written."""


class OutputExistsError(FileError):
    """An output that exists and may not be overwritten."""


class ModelError(ColorganError):
    """A model file or library entry that can't be used."""


class DeviceError(ColorganError):
    """A compute device that is absent or has failed."""


class MemoryLimitError(DeviceError):
    """Too little memory, on the device or in the stated budget."""


class ConfigError(InputError):
    """A setting that is unknown, of another type, out of range or contradicts another."""


class TrainingError(ColorganError):
    """A training run that can't start or continue."""
