"""Pretrained weights: from a package, a file, an address or timm, and what is refused."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import http.server
import threading
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save_file

from napari_colorgan.core.networks import unet
from napari_colorgan.core.networks.generator_config import GeneratorConfig
from napari_colorgan.errors import ConfigError, TrainingError
from napari_colorgan.training.config import TrainingConfig
from napari_colorgan.training.config_parts import DataConfig
from napari_colorgan.training.encoders import build_pretrained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_colorgan.core.networks.generator import Generator

CONFIG = TrainingConfig(
    generator=GeneratorConfig(decoder_channels=(8, 8), output_stride=8),
    # As many pixels as suit every network.
    data=DataConfig(size=256),
    freeze_statistics=False,
)


def build(source: str) -> Generator:
    return build_pretrained(dataclasses.replace(CONFIG, encoder_weights=source))


@pytest.fixture(scope="module")
def donor() -> Generator:
    torch.manual_seed(1)
    return build("none")


@pytest.fixture(scope="module")
def weights_file(donor: Generator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "encoder.safetensors"
    save_file({k: v.contiguous() for k, v in donor.encoder.state_dict().items()}, path)
    return path


@pytest.fixture
def server(weights_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Serve the weights' folder on this machine alone."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("NAPARI_COLORGAN_HOME", str(tmp_path / "home"))
    handler = functools.partial(Quiet, directory=weights_file.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_same_encoder(one: Generator, other: Generator) -> None:
    ours, theirs = one.encoder.state_dict(), other.encoder.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_package_holds_imagenet_weights() -> None:
    first, second = build("package"), build("package")
    assert_same_encoder(first, second)
    assert not torch.equal(
        first.encoder.state_dict()["conv_stem.weight"],
        build("none").encoder.state_dict()["conv_stem.weight"],
    )


def test_file_and_address_give_the_same_weights(
    donor: Generator, weights_file: Path, server: str, tmp_path: Path
) -> None:
    assert_same_encoder(build(str(weights_file)), donor)
    address = f"{server}/{weights_file.name}#sha256={sha256(weights_file)}"
    assert_same_encoder(build(address), donor)
    kept = list((tmp_path / "home").rglob("*.safetensors"))
    assert [path.stem for path in kept] == [sha256(weights_file)]


def test_downloaded_file_is_not_asked_for_again(
    donor: Generator, weights_file: Path, server: str
) -> None:
    address = f"{server}/{weights_file.name}#sha256={sha256(weights_file)}"
    build(address)
    gone = address.replace(weights_file.name, "moved.safetensors")
    assert_same_encoder(build(gone), donor)


def test_file_with_another_hash_is_refused(weights_file: Path, server: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="hash"):
        build(f"{server}/{weights_file.name}#sha256={'0' * 64}")
    assert not list((tmp_path / "home").rglob("*.safetensors"))


def test_absent_file_on_a_server_is_said(server: str) -> None:
    with pytest.raises(TrainingError, match="404"):
        build(f"{server}/none.safetensors#sha256={'0' * 64}")


@pytest.mark.parametrize("fragment", ["", "#sha256=12", "#md5=" + "0" * 32])
def test_address_without_a_sha256_is_refused(fragment: str) -> None:
    with pytest.raises(ConfigError, match="sha256"):
        build(f"https://example.org/encoder.safetensors{fragment}")


def test_timm_without_a_connection_names_the_alternatives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    create = unet.timm.create_model

    def offline(*arguments: object, pretrained: bool = False, **options: object) -> object:
        if pretrained:
            raise ConnectionError("Cannot reach the server")
        return create(*arguments, **options)

    monkeypatch.setattr(unet.timm, "create_model", offline)
    with pytest.raises(TrainingError, match=r"timm.*Cannot reach.*package"):
        build("timm")


@pytest.mark.parametrize(
    ("generator", "source", "message"),
    [
        ({"encoder": "resnet18"}, "package", "tf_efficientnet_lite0"),
        ({}, "nowhere.safetensors", "nowhere"),
        (
            {
                "architecture": "pix2pix",
                "head": "regression",
                "output_stride": 1,
                "decoder_channels": (4,),
            },
            "package",
            "without an encoder",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    generator: dict[str, object], source: str, message: str
) -> None:
    network = dataclasses.replace(CONFIG.generator, **generator)
    config = dataclasses.replace(CONFIG, generator=network, encoder_weights=source)
    with pytest.raises(ConfigError, match=message):
        build_pretrained(config)


def test_statistics_of_an_encoder_without_weights_are_not_kept() -> None:
    config = dataclasses.replace(CONFIG, freeze_statistics=True)
    with pytest.raises(ConfigError, match="Expected freeze_statistics = false"):
        build_pretrained(config)
    build_pretrained(dataclasses.replace(config, encoder_weights="package"))


def test_weights_of_another_network_are_refused(weights_file: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    weights = load_file(weights_file)
    name = "conv_stem.weight"
    wrong = tmp_path / "wrong.safetensors"
    save_file({**weights, name: weights[name][..., :1].contiguous()}, wrong)
    with pytest.raises(ConfigError, match="size mismatch"):
        build(str(wrong))
    save_file({name: weights[name]}, wrong)
    with pytest.raises(ConfigError, match="missing"):
        build(str(wrong))
