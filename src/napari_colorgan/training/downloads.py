"""Downloads of pretrained weights: checked by their sha256, kept, and refused clearly."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from napari_colorgan.errors import ConfigError, TrainingError
from napari_colorgan.home import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

_HASH = re.compile(r"sha256=([0-9a-fA-F]{64})")


def is_url(source: str) -> bool:
    """Return whether weights are named by where they can be downloaded."""
    return source.startswith(("https://", "http://"))


def fetch(source: str) -> Path:
    """Return the file behind ``https://…#sha256=…``, downloaded unless it is here already.

    Parameters
    ----------
    source : str
        An address, and the file's sha256 after "#sha256=".

    Raises
    ------
    ConfigError
        If there is no sha256 in it: what isn't checked isn't loaded.
    TrainingError
        If the file can't be had, or isn't the one that the sha256 was taken of.
    """
    import pooch

    address = urlsplit(source)
    found = _HASH.fullmatch(address.fragment)
    if found is None:
        raise ConfigError(
            expected="an address that ends in #sha256= and 64 hexadecimal digits",
            got=source,
            action="Add the file's sha256, as its publisher states it or sha256sum tells.",
        )
    pooch.get_logger().setLevel(logging.WARNING)
    with download_errors(source):
        path = pooch.retrieve(
            address._replace(fragment="").geturl(),
            known_hash=f"sha256:{found[1].lower()}",
            fname=f"{found[1].lower()}.safetensors",
            path=_folder(),
        )
    return Path(path)


@contextmanager
def download_errors(source: str) -> Iterator[None]:
    """Turn what goes wrong with a download into a TrainingError.

    Parameters
    ----------
    source : str
        What is being fetched, for the message.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        # requests' and huggingface_hub's errors are OSErrors; pooch's wrong hash a ValueError.
        raise TrainingError(
            expected=f"to download pretrained weights ({source})",
            got=str(error).strip().splitlines()[0] if str(error).strip() else repr(error),
            action='Check the connection and try again; or set encoder_weights to "package" '
            '(EfficientNet-Lite0, nothing to download), "none" or a .safetensors file.',
        ) from error


def _folder() -> Path:
    return cache_folder() / "weights"
