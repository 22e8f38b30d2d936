"""The project's page on PyPI: README.md with absolute addresses; all else is in pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
# Of markdown: a link or a picture, whose address is neither absolute nor a place on the page.
_RELATIVE = re.compile(r"(!?\[[^\]]*\])\((?!https?://|#|mailto:)([^)\s]+)\)")
_PICTURES = (".jpg", ".jpeg", ".png", ".svg", ".webp", ".gif")


def absolute(text: str, source_code: str) -> str:
    """Return markdown whose relative links lead to the repository, and pictures to their files.

    Parameters
    ----------
    text : str
        The markdown.
    source_code : str
        The repository's address, `Source Code` in `[project.urls]`.
    """

    def replace(match: re.Match[str]) -> str:
        title, path = match.groups()
        kind = "raw" if path.lower().endswith(_PICTURES) else "blob"
        return f"{title}({source_code}/{kind}/HEAD/{path})"

    return _RELATIVE.sub(replace, text)


def project_urls() -> dict[str, str]:
    """Return `[project.urls]` of pyproject.toml, where the addresses are set."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(settings["project"]["urls"])


if __name__ == "__main__":
    setup(
        long_description=absolute(
            (ROOT / "README.md").read_text(encoding="utf-8"), project_urls()["Source Code"]
        ),
        long_description_content_type="text/markdown",
    )
