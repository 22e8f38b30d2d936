"""Put a trained model into the package: ``python tools/bundle.py RUN/model.safetensors``.

The list of its state-dict keys is written too. They are frozen from then on: a test compares them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_colorgan.library.file_format import copy_model_file
from napari_colorgan.library.folders import BUNDLED_FOLDER
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.library.names import MODEL_SUFFIX

KEYS = Path(__file__).resolve().parent.parent / "tests" / "library" / "state_dict_keys"


def bundle(source: Path, name: str) -> Path:
    """Copy a model file into the package under a name, and return its place there."""
    keys = sorted(load_model_file(source).generator.state_dict())
    target = BUNDLED_FOLDER / (name + MODEL_SUFFIX)
    copy_model_file(source, target, name, overwrite=True)
    KEYS.mkdir(exist_ok=True)
    (KEYS / f"{name}.txt").write_text("\n".join(keys) + "\n", encoding="utf-8")
    return target


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--name", default="natural")
    arguments = parser.parse_args()
    target = bundle(arguments.model, arguments.name)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
