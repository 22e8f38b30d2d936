"""Text from files and people, made safe to show in a terminal, a log, HTML or a window.

A title in a model file can hold escape sequences that recolour a terminal or change its title,
characters that reverse the reading direction, or half a surrogate pair, which no output can
encode. Every text that comes from outside goes through here before it is kept or shown.
"""

from __future__ import annotations

import re

# Whole sequences first (ECMA-48: CSI, then OSC and the other strings that a terminator ends), so
# that "\x1b[31mred" becomes "red" and not "[31mred".
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|\Z)"
    r"|\x1b[ -/]*[0-~]"
)
# Control characters that are no white space, embeddings and overrides of the reading direction
# (UAX #9), byte order marks, what no XML may hold, and the invisible tag characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
    "\U000e0000-\U000e007f]"
)
# What `str.splitlines` splits at; a bare carriage return would let a line overwrite itself.
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# A text that is shortened is cut to so many times its limit before it is searched.
_ENOUGH = 10
_SURROGATE = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Return the text without what could act on the program that shows it.

    Parameters
    ----------
    text : str
        Any text; its white space stays.

    Returns
    -------
    str
        Without terminal escape sequences, control characters and marks of the reading
        direction. Every line end is ``\n``, and lone surrogates are U+FFFD, so that the text can
        be encoded.
    """
    if text.isascii() and text.isprintable():
        return text  # most are: a card has hundreds
    clean = _UNSAFE.sub("", _SEQUENCES.sub("", text))
    return _SURROGATE.sub("\ufffd", _LINE_ENDS.sub("\n", clean))


def one_line(text: str, limit: int | None = None) -> str:
    """Return the text as one printable line, every run of white space a single space.

    Parameters
    ----------
    text : str
        Any text.
    limit : int, optional
        Characters to keep; what is longer ends in "…".
    """
    text = text[: _ENOUGH * limit] if limit else text
    return _shorten(" ".join(printable(text).split()), limit)


def paragraphs(text: str, limit: int | None = None, *, word: int | None = None) -> str:
    r"""Return the text as printable lines that end in ``\n``, without white space around it.

    Parameters
    ----------
    text : str
        Any text.
    limit : int, optional
        Characters to keep; what is longer ends in "…".
    word : int, optional
        The same for each run of characters that are no white space: one of 100 kB stops a
        window for seconds while its lines are broken.
    """
    text = printable(text[: _ENOUGH * limit] if limit else text).strip()
    if word is not None:
        text = re.sub(rf"\S{{{word + 1},}}", lambda run: _shorten(run[0], word), text)
    return _shorten(text, limit)


def _shorten(text: str, limit: int | None) -> str:
    if limit is None or len(text) <= limit:
        return text
    return text[: limit - 1].rstrip() + "…"
