"""The model file of this program within a package of the BioImage Model Zoo."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.errors import ModelError
from napari_colorgan.library.names import MODEL_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST_MODEL = 4 * 2**30


@contextmanager
def attached_model_file(path: str | Path) -> Iterator[Path]:
    """Give the model file that is attached to a package, as a temporary file.

    Parameters
    ----------
    path : str or pathlib.Path
        A package that `export_package` wrote.

    Yields
    ------
    pathlib.Path
        A copy of the model file, under its own name; removed afterwards. Its contents are not
        checked here.

    Raises
    ------
    ModelError
        If the package holds no model file of this program, more than one, or a larger one than
        any model is; or is damaged.
    """
    with tempfile.TemporaryDirectory(prefix="colorgan-package-") as folder:
        try:
            with zipfile.ZipFile(path) as package:
                members = [m for m in package.infolist() if m.filename.endswith(MODEL_SUFFIX)]
                if len(members) != 1 or members[0].file_size > _LARGEST_MODEL:
                    raise _no_model(path, f"a package with {len(members)} of them")
                # The name alone: a path in a package could lead anywhere.
                copy = Path(folder) / Path(members[0].filename).name
                with package.open(members[0]) as source, copy.open("wb") as target:
                    shutil.copyfileobj(source, target)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
            raise _no_model(path, f"a file that can't be unpacked ({error})") from error
        yield copy


def _no_model(path: str | Path, got: str) -> ModelError:
    return ModelError(
        expected=f"a package with one model file (*{MODEL_SUFFIX}) at {path}",
        got=got,
        action="Import a package that 'models export --bioimageio' wrote, or a model file.",
    )
