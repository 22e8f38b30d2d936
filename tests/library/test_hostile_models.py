"""Model files made to do harm: each is refused by name, or shown without effect.

The files are small pix2pix models with one thing changed, see their README.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from napari_colorgan.core.generator_config import GeneratorConfig
from napari_colorgan.errors import ConfigError, ModelError
from napari_colorgan.library.model_file import load_model_file

CASES = Path(__file__).parents[1] / "fixtures" / "cases" / "models"


def case(name: str) -> Path:
    return CASES / f"{name}.colorgan.safetensors"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("encoder_hub", "encoder to be the name of an architecture"),
        ("channels_float", "decoder_channels to be integers"),
        ("skips_list", "architecture|skips to be true or false"),
        ("metric_huge_integer", "a finite number as a metric"),
    ],
)
def test_is_refused_by_the_fields_name(name: str, words: str) -> None:
    with pytest.raises(ModelError, match=words) as error:
        load_model_file(case(name))
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    "encoder", ["hf-hub:a/b", "hf_hub:a/b", "local-dir:/etc", "../x", "a/b", "", "x" * 101, 5, None]
)
def test_encoders_are_bare_names(encoder: Any) -> None:
    with pytest.raises(ConfigError, match="timm's registry"):
        GeneratorConfig(encoder=encoder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("skips", [0] * 10**6),
        ("skips", 1),
        ("detail", "true"),
        ("decoder_channels", [True, 8]),
        ("decoder_channels", {"a": 1}),
        ("decoder_channels", [8] * 10**6),
        ("output_stride", 4.0),
        ("bin_size", 10.0),
        ("bin_size", True),
        ("dropout", float("nan")),
        ("dropout", "0.5"),
        ("spread_channels", None),
        ("architecture", ["unet"]),
        ("head", 10**400),
    ],
)
def test_settings_of_other_types_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=field) as error:
        GeneratorConfig.from_dict({field: value})
    assert len(str(error.value)) < 500


def test_reading_and_building_ask_no_network() -> None:
    # An audit hook can't be removed, hence a process of its own.
    code = (
        "import sys, pathlib\n"
        "asked = []\n"
        "sys.addaudithook(lambda event, _: asked.append(event) if event.startswith('socket.')"
        " and event != 'socket.__new__' else None)\n"
        "from napari_colorgan.errors import ColorganError\n"
        "from napari_colorgan.library.folders import ModelFolders, list_folders\n"
        "from napari_colorgan.library.model_file import load_model_file\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.safetensors')):\n"
        "    try:\n"
        "        load_model_file(path)\n"
        "    except ColorganError:\n"
        "        pass\n"
        "from napari_colorgan.core.generator_config import GeneratorConfig\n"
        "from napari_colorgan.library.folders import BUNDLED_FOLDER\n"
        "load_model_file(BUNDLED_FOLDER / 'natural.colorgan.safetensors')\n"
        "list_folders([('own', pathlib.Path(sys.argv[1]))])\n"
        "import json; print(json.dumps(asked))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, CASES], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
