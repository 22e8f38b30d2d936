"""Where the documentation is: the one place that panels and messages take addresses from."""

from __future__ import annotations

DOCUMENTATION = "https://napari-colorgan.github.io/napari-colorgan/latest/"
"""The site that `make docs` builds; `[project.urls]` in pyproject.toml says the same."""

PAGES = {
    "colorize": "start/first-colour.html",
    "fine_tune": "fine-tuning.html",
    "models": "models.html",
    "folder": "tutorials/batch.html",
    "blind": "how-to/blind.html",
    "messages": "how-to/messages.html",
}
"""The page of each panel, and of what messages mean."""


def page_url(name: str) -> str:
    """Return the address of a page.

    Parameters
    ----------
    name : str
        A key of `PAGES`.

    Returns
    -------
    str
        Its URL.
    """
    return DOCUMENTATION + PAGES[name]
