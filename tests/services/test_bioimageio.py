"""Packages of the BioImage Model Zoo: what runs them gets our colours, and we get our file back."""

from __future__ import annotations

import dataclasses
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import yaml
from timm.layers import Conv2dSame

from napari_colorgan.core.color import gray_to_lightness, rgb_to_lab
from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.core.standalone import StandaloneNetwork, with_fixed_padding
from napari_colorgan.errors import ModelError, OutputExistsError
from napari_colorgan.library.folders import read_entry
from napari_colorgan.library.model_file import load_model_file, save_model_file
from napari_colorgan.library.names import MODEL_SUFFIX
from napari_colorgan.library.store import ModelLibrary
from napari_colorgan.services.bioimageio.description import describe, licence_id
from napari_colorgan.services.bioimageio.export import export_package
from napari_colorgan.services.bioimageio.unpack import attached_model_file
from napari_colorgan.services.models import load_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def package(tiny_model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    return export_package(read_entry(tiny_model_file, "file"), folder, hints=True)


def other_size() -> tuple[np.ndarray, np.ndarray]:
    gray = np.linspace(0, 1, 96 * 160, dtype=np.float32).reshape(1, 1, 96, 160)
    hints = np.zeros((1, 3, 96, 160), np.float32)
    hints[0, :, 10:30, 20:50] = np.float32([30, -40, 1])[:, None, None]
    return gray, hints


def test_lightness_stays_and_hints_keep_their_place(tiny_generator: torch.nn.Module) -> None:
    gray, hints = map(torch.from_numpy, other_size())

    with torch.no_grad():
        rgb = StandaloneNetwork(tiny_generator)(gray, hints)

    lab = rgb_to_lab(rgb)
    assert (lab[:, :1] - gray_to_lightness(gray)).abs().max() < 0.05
    inside = (slice(None), slice(None), slice(22, 28), slice(25, 45))
    assert torch.allclose(lab[inside][:, 1:].mean((0, 2, 3)), torch.tensor([30.0, -40.0]), atol=8)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_cards_strength_is_exported_and_hints_keep_their_colours(
    tiny_model_file: Path, tmp_path: Path
) -> None:
    model = load_model_file(tiny_model_file)
    file = tmp_path / "gray.safetensors"
    save_model_file(file, model.generator, dataclasses.replace(model.card, strength=0.0))
    with zipfile.ZipFile(export_package(read_entry(file, "file"), tmp_path, hints=True)) as archive:
        archive.extract("weights.pt", tmp_path)
    network = torch.jit.load(tmp_path / "weights.pt")
    gray, hints = map(torch.from_numpy, other_size())
    chroma = rgb_to_lab(network(gray, hints))[:, 1:].norm(dim=1)[0]
    assert chroma[40:, 60:].max() < 0.1
    assert chroma[22:28, 25:45].mean() > 30


@pytest.mark.parametrize("name", ["natural", "microscopy"])
def test_fixed_padding_changes_no_colour(name: str) -> None:
    generator = load_model(name).generator
    assert any(isinstance(module, Conv2dSame) for module in generator.modules())
    gray, _ = other_size()
    lightness = torch.from_numpy(2 * gray - 1)

    fixed = with_fixed_padding(generator)

    assert not any(isinstance(module, Conv2dSame) for module in fixed.modules())
    assert any(isinstance(module, Conv2dSame) for module in generator.modules())
    with torch.no_grad():
        expected, got = generator.predict(lightness), fixed.predict(lightness)
    torch.testing.assert_close(got.ab, expected.ab, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("detail", [False, True])
def test_a_bundled_encoder_is_exported_with_its_sizes_left_open(*, detail: bool) -> None:
    # With TensorFlow's padding as it is, this would take hours.
    config = GeneratorConfig(
        encoder="tf_efficientnet_lite0",
        decoder_channels=(8, 8),
        output_stride=8,
        detail=detail,
        detail_surroundings=detail,
    )
    network = StandaloneNetwork(build_generator(config).eval()).requires_grad_(False)
    sizes = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)
    example = torch.rand(2, 1, 64, 64)

    exported = torch.export.export(network, (example,), dynamic_shapes=(sizes,)).module()

    # Two, as in the example: of a batch of one the export's guards believe that it can't be, which
    # ONNX, that has no guards, doesn't.
    gray = torch.from_numpy(other_size()[0]).repeat(2, 1, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(exported(gray), network(gray), rtol=0, atol=1e-3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_other_runtimes_give_the_same_colours_at_other_sizes(
    package: Path, tiny_generator: torch.nn.Module, tmp_path: Path
) -> None:
    import onnxruntime

    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path)
    gray, hints = other_size()
    with torch.no_grad():
        expected = StandaloneNetwork(tiny_generator)(*map(torch.from_numpy, (gray, hints)))
    script = torch.jit.load(tmp_path / "weights.pt")(*map(torch.from_numpy, (gray, hints)))
    session = onnxruntime.InferenceSession(tmp_path / "weights.onnx")
    (graph,) = session.run(None, {"gray": gray, "hints": hints})

    # Where a colour is brought into sRGB, the last step of the bisection may fall either way.
    np.testing.assert_allclose(script.numpy(), expected.numpy(), rtol=0, atol=1e-3)
    np.testing.assert_allclose(graph, expected.numpy(), rtol=0, atol=1e-3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the checker leaves the file open
def test_the_description_is_valid_and_carries_the_card(package: Path) -> None:
    from bioimageio.spec import load_description
    from bioimageio.spec.model.v0_5 import ModelDescr

    described = load_description(package, perform_io_checks=True)

    assert isinstance(described, ModelDescr), described
    with zipfile.ZipFile(package) as archive:
        fields = yaml.safe_load(archive.read("rdf.yaml"))
        text = archive.read("documentation.md").decode()
    assert fields["license"] == "BSD-3-Clause"
    assert fields["config"]["napari-colorgan"]["working_size"] == 64
    assert "predicted, not measured" in fields["config"]["napari-colorgan"]["statement"]
    assert "## Validation" in text
    assert "predicted, not measured" in text


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["liver H&E", "Leber Färbung", "日本, 2.0"])
def test_every_model_name_has_a_description(
    package: Path, tiny_model_file: Path, tmp_path: Path, name: str
) -> None:
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path)
    files = {path.name: path for path in tmp_path.glob("weights.*")}
    files |= {path.stem: path for path in tmp_path.glob("*.npy")}
    files |= {"cover": tmp_path / "cover.png", "documentation": tmp_path / "documentation.md"}
    files["attachment"] = next(tmp_path.glob(f"*{MODEL_SUFFIX}"))
    card = dataclasses.replace(load_model_file(tiny_model_file).card, name=name, version="v one")
    described = describe(card, files)
    assert str(described.name).startswith("napari-colorgan ")
    assert described.version is None


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("BSD-3-Clause", "BSD-3-Clause"),
        ("CC BY-NC-SA 4.0, after MoNuSeg, part of the training data", "CC-BY-NC-SA-4.0"),
        ("CC0 1.0", "CC0-1.0"),
        ("BSD-3-Clause for the code; the weights for research only", None),
        ("CC BY 4.0 and others", None),
        ("", None),
    ],
)
def test_a_licence_is_named_where_one_says_it(terms: str, expected: str | None) -> None:
    from bioimageio.spec.model.v0_5 import LicenseId

    found = licence_id(terms)

    assert found == expected
    if found is not None:
        assert LicenseId(found) == found  # one that the model zoo knows


@pytest.mark.slow
def test_importing_a_package_gives_the_same_file(package: Path, tiny_model_file: Path) -> None:
    with attached_model_file(package) as attached:
        assert attached.read_bytes() == tiny_model_file.read_bytes()
        entry = ModelLibrary().import_file(attached)
    assert not attached.exists()
    assert entry.card == read_entry(tiny_model_file, "file").card


@pytest.mark.slow
def test_a_package_that_is_there_is_not_replaced(package: Path, tiny_model_file: Path) -> None:
    before = package.read_bytes()
    with pytest.raises(OutputExistsError):
        export_package(read_entry(tiny_model_file, "file"), package)
    assert package.read_bytes() == before


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"rdf.yaml": b"type: model"},
        {"a.colorgan.safetensors": b"", "b/b.colorgan.safetensors": b""},
    ],
    ids=["empty", "of another program", "two models"],
)
def test_a_package_without_a_model_of_ours_is_refused(
    members: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)

    with (
        pytest.raises(ModelError, match="a package with one model file"),
        attached_model_file(path),
    ):
        pass


def test_a_damaged_package_and_a_path_that_leads_out_are_harmless(tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and nothing")
    with pytest.raises(ModelError, match="unpacked"), attached_model_file(broken):
        pass
    outside = tmp_path / "outside.zip"
    with zipfile.ZipFile(outside, "w") as archive:
        archive.writestr("../../../evil.colorgan.safetensors", b"data")
    with attached_model_file(outside) as attached:
        assert attached.name == "evil.colorgan.safetensors"
        assert attached.read_bytes() == b"data"
    assert not (tmp_path.parent / "evil.colorgan.safetensors").exists()
