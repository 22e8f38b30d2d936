"""The version of the installed package."""

from __future__ import annotations


def installed_version() -> str:
    """Return the version, or "unknown" where the package runs without being installed."""
    # Imported here: this takes longer than all else that the package imports.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("napari-colorgan")
    except PackageNotFoundError:
        return "unknown"
