"""Model files come back exactly, and everything odd is refused before it can do harm."""

from __future__ import annotations

import io
import json
import pickle
import struct
from typing import TYPE_CHECKING, Any

import pytest
import torch

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.errors import FileError, ModelError
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.model_file import load_model_file, save_model_file

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.core.networks.generator import Generator

CONFIG = GeneratorConfig(
    encoder="resnet18", decoder_channels=(4, 4), output_stride=8, head="regression"
)
CARD = ModelCard("étude", "1", "A study", "photographs", "Nothing learned yet.")


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(0)
    return build_generator(CONFIG)


@pytest.fixture(scope="module")
def saved(generator: Generator, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("model") / "étude.colorgan.safetensors"
    save_model_file(path, generator, CARD)
    return path.read_bytes()


def read_header(data: bytes) -> dict[str, Any]:
    (length,) = struct.unpack("<Q", data[:8])
    header: dict[str, Any] = json.loads(data[8 : 8 + length])
    return header


def with_header(data: bytes, header: dict[str, Any]) -> bytes:
    (length,) = struct.unpack("<Q", data[:8])
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def first_tensor(header: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = header["encoder.conv1.weight"]
    return entry


def test_returns_the_weights_in_float32(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "ein Modell.safetensors"
    card = save_model_file(path, generator, CARD)
    model = load_model_file(path)
    assert model.card == card
    assert GeneratorConfig.from_dict(card.architecture) == CONFIG
    assert not model.generator.training
    for key, tensor in model.generator.state_dict().items():
        wanted = generator.state_dict()[key]
        assert tensor.dtype == wanted.dtype
        # Half a unit in the last of float16's 11 digits.
        torch.testing.assert_close(tensor, wanted, rtol=2**-11, atol=2**-25)
        if wanted.ndim < 2:
            assert torch.equal(tensor, wanted)


def test_saving_what_was_loaded_changes_nothing(saved: bytes, tmp_path: Path) -> None:
    path = tmp_path / "first.safetensors"
    path.write_bytes(saved)
    model = load_model_file(path)
    again = tmp_path / "second.safetensors"
    save_model_file(again, model.generator, model.card)
    assert again.read_bytes() == saved


def test_float32_is_exact(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "exact.safetensors"
    save_model_file(path, generator, CARD, dtype=torch.float32)
    loaded = load_model_file(path).generator.state_dict()
    assert all(torch.equal(loaded[k], v) for k, v in generator.state_dict().items())


def test_keeps_weights_that_float16_cannot_hold(tmp_path: Path) -> None:
    generator = build_generator(CONFIG)
    with torch.no_grad():
        generator.encoder.conv1.weight[0, 0, 0, 0] = 1e6
    path = tmp_path / "large.safetensors"
    save_model_file(path, generator, CARD)
    loaded = load_model_file(path).generator
    assert loaded.encoder.conv1.weight[0, 0, 0, 0] == 1e6


def test_refuses_to_save_nan_and_leaves_the_old_file(
    generator: Generator, saved: bytes, tmp_path: Path
) -> None:
    diverged = build_generator(CONFIG)
    with torch.no_grad():
        diverged.encoder.conv1.weight.fill_(float("nan"))
    path = tmp_path / "model.safetensors"
    path.write_bytes(saved)
    with pytest.raises(ModelError, match="diverged"):
        save_model_file(path, diverged, CARD)
    assert path.read_bytes() == saved
    with pytest.raises(ModelError, match="ending"):
        save_model_file(tmp_path / "model.pt", generator, CARD)
    with pytest.raises(FileError):
        save_model_file(tmp_path / "absent" / "model.safetensors", generator, CARD)
    assert list(tmp_path.iterdir()) == [path]


def zipped_pickle() -> bytes:
    file = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty file"),
        (b"1234", "4 bytes"),
        (zipped_pickle(), "pickles are never loaded"),
        (pickle.dumps({"weight": list(range(100))}), "pickles are never loaded"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "HDF5"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (struct.pack("<Q", 2**63) + b"{}", "stated length 9,223"),
        (struct.pack("<Q", 100) + b"{}", "stated length 100"),
        (struct.pack("<Q", 2) + b"[]", "does not fit the file"),
        (struct.pack("<Q", 4) + b"\xff\xfe{}", "does not fit the file"),
        (struct.pack("<Q", 200_000) + b'{"a":' + b"[" * 199_995, "does not fit the file"),
        (struct.pack("<Q", 2) + b"{}", "without this program's card"),
    ],
)
def test_refuses_what_is_no_model(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=message):
        load_model_file(path)


def test_refuses_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(ModelError, match="Check the path"):
            load_model_file(path)


@pytest.mark.parametrize("kept", [9, 5000, 0.5, -1])
def test_refuses_a_file_cut_short(kept: float, saved: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(saved[: int(len(saved) * kept) if kept == 0.5 else int(kept)])
    with pytest.raises(ModelError):
        load_model_file(path)


def test_refuses_bytes_too_many_and_bits_flipped(saved: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    path.write_bytes(saved + b"\0")
    with pytest.raises(ModelError, match="does not fit the file"):
        load_model_file(path)
    flipped = bytearray(saved)
    flipped[-100] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(ModelError, match="SHA-256"):
        load_model_file(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: first_tensor(h).update(shape=[2**40, 2**40]), "does not fit the file"),
        (lambda h: first_tensor(h).update(shape=[-1, 3]), "does not fit the file"),
        (lambda h: first_tensor(h).update(shape=[1.5]), "does not fit the file"),
        (lambda h: first_tensor(h).update(dtype="F8_E4M3"), "does not fit the file"),
        # As large as F16, but no type that a generator has.
        (lambda h: first_tensor(h).update(dtype="I16"), "weights of type I16"),
        (lambda h: first_tensor(h).update(data_offsets=[0, 18816]), "does not fit the file"),
        (lambda h: h.pop("encoder.conv1.weight"), "does not fit the file"),
        (lambda h: first_tensor(h).update(shape=[9408]), "conv1.weight of odd"),
        (lambda h: h.update(extra=h.pop("encoder.conv1.weight")), "conv1.weight of odd"),
        (lambda h: h["__metadata__"].update(colorgan_format="2"), "Update napari-colorgan"),
        (lambda h: h["__metadata__"].update(title=3), "does not fit the file"),
        (lambda h: h.update(__metadata__=[]), "does not fit the file"),
        (lambda h: h["__metadata__"].update(sha256=""), "SHA-256"),
        (lambda h: change_architecture(h, architecture="diffusion"), "Update napari-colorgan"),
        (lambda h: change_architecture(h, encoder="resnet9999"), "Update napari-colorgan"),
        (lambda h: change_architecture(h, attention=True), "Update napari-colorgan"),
        (lambda h: change_architecture(h, decoder_channels="wide"), "Update napari-colorgan"),
        (lambda h: change_architecture(h, decoder_channels=[4096, 4096]), "tensors differ"),
        (lambda h: change_architecture(h, encoder="vgg19"), "Update|tensors differ"),
        (lambda h: h["__metadata__"].update(architecture="[]"), "by name"),
    ],
)
def test_refuses_a_header_that_lies(
    change: Any, message: str, saved: bytes, tmp_path: Path
) -> None:
    header = read_header(saved)
    change(header)
    path = tmp_path / "odd.safetensors"
    path.write_bytes(with_header(saved, header))
    with pytest.raises(ModelError, match=message):
        load_model_file(path)


def change_architecture(header: dict[str, Any], **values: object) -> None:
    metadata = header["__metadata__"]
    architecture = json.loads(metadata["architecture"])
    metadata["architecture"] = json.dumps({**architecture, **values})


def test_refuses_a_key_that_is_there_twice(tmp_path: Path) -> None:
    text = b'{"__metadata__":{},"__metadata__":{}}'
    path = tmp_path / "odd.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ModelError, match="does not fit the file"):
        load_model_file(path)


def test_refuses_a_file_larger_than_any_model_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.truncate(2**33)  # sparse: takes no room
    with pytest.raises(ModelError, match="more than any model"):
        load_model_file(path)


def test_refuses_more_tensors_than_any_model_has(tmp_path: Path) -> None:
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    text = json.dumps({f"empty{number}": entry for number in range(30_000)}).encode()
    path = tmp_path / "many.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(ModelError, match="30,000 tensors"):
        load_model_file(path)


def test_other_programs_can_read_the_file(saved: bytes, generator: Generator) -> None:
    # The library's own strict reader is the oracle for our writer.
    import safetensors.torch

    tensors = safetensors.torch.load(saved)
    assert tensors.keys() == generator.state_dict().keys()
