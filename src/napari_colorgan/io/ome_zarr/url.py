"""OME-Zarr by its address: opened only where somebody names one, and read chunk by chunk."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.errors import ColorganError, FileError
from napari_colorgan.io.ome_zarr.codecs import METADATA_FILES, check_metadata
from napari_colorgan.io.ome_zarr.store import open_node

if TYPE_CHECKING:
    from napari_colorgan.io.stack import Stack

# pathlib takes one of the two slashes away.
_ADDRESS = re.compile(r"(https?|s3|gs|abfs):/+(.+)")


def address_of(path: Path) -> str | None:
    """Return the address that a path stands for, None for a path of this machine.

    Parameters
    ----------
    path : pathlib.Path
        What a user has named; addresses may have come through pathlib.
    """
    match = _ADDRESS.fullmatch(path.as_posix())
    return f"{match[1]}://{match[2]}" if match else None


def read_zarr_url(address: str, image: str | None = None) -> Stack:
    """Open an OME-Zarr image at an address, without reading its pixels.

    Parameters
    ----------
    address : str
        Of the store: http, https, s3 and others that fsspec knows.
    image : str, optional
        Which of its images, by number or name.

    Raises
    ------
    FileError
        If it can't be reached, or is none.
    """
    import fsspec
    import zarr

    path = Path(address)
    try:
        files, root = fsspec.core.url_to_fs(address)

        def check(place: str) -> None:
            for name in METADATA_FILES:
                file = "/".join(part.strip("/") for part in (place, name) if part)
                full = f"{root.rstrip('/')}/{file}"
                if files.exists(full):
                    size = files.size(full) or 0
                    check_metadata(path / file, size, partial(files.cat_file, full))

        check("")
        store = zarr.storage.FsspecStore.from_url(address, read_only=True)
        return open_node(path, zarr.open(store, mode="r"), check, image)
    except ColorganError:
        raise
    except Exception as error:  # fsspec's file systems raise anything
        raise FileError(
            expected="an OME-Zarr image that can be reached",
            got=f"'{address}' ({str(error) or type(error).__name__})",
            action="Check the address and the connection. Images of other formats have to be "
            "downloaded first.",
        ) from error
