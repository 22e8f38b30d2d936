"""The zarr store of a result on the disk: what was written to it and is gone is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zarr.storage import LocalStore

from napari_colorgan.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path


class _OwnStore(LocalStore):  # type: ignore[misc]  # zarr is not typed for us
    """Knows what it was given; zarr takes any missing chunk for one of zeros."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._written: set[str] = set()

    async def set(self, key: str, *args: Any, **kwargs: Any) -> None:
        await super().set(key, *args, **kwargs)
        self._written.add(key)

    async def delete(self, key: str) -> None:
        await super().delete(key)
        self._written.discard(key)

    async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        value = await super().get(key, *args, **kwargs)
        if value is None and key in self._written:
            raise FileError(
                expected="a result on the disk, as it was written",
                got=f"'{self.root}' without its part '{key}'",
                action="Colorize it again, and keep programs that clean caches away from there "
                "(NAPARI_COLORGAN_HOME names another folder).",
            )
        return value


def make_store(folder: Path) -> LocalStore:
    """Return a store of chunks.

    Parameters
    ----------
    folder : pathlib.Path
        Where they lie.
    """
    return _OwnStore(folder)
