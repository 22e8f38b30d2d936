"""A model as one .safetensors file: the weights, and the card in its metadata."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import safetensors
import safetensors.torch
import torch

from napari_colorgan.core.networks.build import build_generator
from napari_colorgan.core.networks.footprint import KNOWN, Footprint
from napari_colorgan.core.networks.generator_config import MEASURED, GeneratorConfig
from napari_colorgan.errors import ConfigError, ModelError
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.file_format import (
    DAMAGED,
    Header,
    check_hash,
    hash_tensors,
    parse_tensors,
    read_bytes,
    read_header,
    write_tensors,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from napari_colorgan.core.networks.generator import Generator


@dataclass(frozen=True, eq=False)
class Model:
    """A model ready to use.

    Attributes
    ----------
    card : ModelCard
        The card of its file.
    generator : Generator
        In float32, on the CPU, in evaluation mode.
    """

    card: ModelCard
    generator: Generator


def save_model_file(
    path: Path,
    generator: Generator,
    card: ModelCard,
    dtype: torch.dtype = torch.float16,
    *,
    overwrite: bool = True,
) -> ModelCard:
    """Write a model to one file, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
        A file ending in ".safetensors"; a file that is there is replaced if `overwrite`.
    generator : Generator
        The weights: its state dict is saved.
    card : ModelCard
        Its architecture and sha256 are set here.
    dtype : torch.dtype, default: torch.float16
        The type in which matrices and kernels are stored. Vectors (biases, normalisation) and
        buffers keep their own type, as do kernels whose values are too large for `dtype`.
    overwrite : bool, default: True
        Whether a file at `path` may be replaced.

    Returns
    -------
    ModelCard
        The card as it is in the file.

    Raises
    ------
    ModelError
        If the weights hold NaN or infinity, or the path has another suffix.
    FileError
        If the file can't be written or may not replace what is there.
    """
    if path.suffix != ".safetensors":
        raise ModelError(
            expected='a model file\'s name ending in ".safetensors"',
            got=repr(path.name),
            action="Give it that ending.",
        )
    weights = safetensors.torch.save(_weights_to_store(generator, dtype))
    tensors = parse_tensors(weights, path.name)
    architecture = generator.config.to_dict()
    if generator.footprint not in KNOWN.values():
        # Only where it had to be measured: earlier releases refuse settings that they don't know.
        architecture |= dataclasses.asdict(generator.footprint)
    saved = dataclasses.replace(card, architecture=architecture, sha256=hash_tensors(tensors))
    with write_atomically(path, overwrite=overwrite) as temporary, temporary.open("wb") as target:
        write_tensors(target, tensors, saved.to_metadata())
    return saved


def round_weights(generator: Generator, dtype: torch.dtype = torch.float16) -> Generator:
    """Round weights, in place, to the values that `save_model_file` stores.

    Then the generator predicts what a model read back from its file does, and what is measured
    of it holds for the file.

    Parameters
    ----------
    generator : Generator
        Changed in place.
    dtype : torch.dtype
        That of the file.

    Returns
    -------
    Generator
        The same one.

    Raises
    ------
    ModelError
        If the weights hold NaN or infinity.
    """
    generator.load_state_dict(_weights_to_store(generator, dtype))
    return generator


def load_model_file(path: Path, card: ModelCard | None = None) -> Model:
    """Read a model from a file that `save_model_file` wrote.

    Nothing of the stated sizes is allocated before the header is known to fit the file's size and
    the stated architecture.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    card : ModelCard, optional
        Its card, where that has been read already; the weights have to be those that it states.

    Returns
    -------
    Model
        On the CPU, in float32.

    Raises
    ------
    ModelError
        If the file can't be read, is damaged, of another kind, of an architecture that this
        release doesn't know, or written by a newer format.
    """
    header = read_header(path)
    card = ModelCard.from_metadata(header.metadata) if card is None else card
    config, footprint = _read_architecture(card)
    _check_shapes(config, header, path.name)
    data = read_bytes(path)
    # The file may have been replaced since its header was read: the weights that are used are
    # the ones that are hashed.
    check_hash(parse_tensors(data, path.name), card, path.name)
    tensors = safetensors.torch.load(data)
    _check_finite(tensors, DAMAGED)
    _check_sense(tensors, path.name)
    generator = build_generator(config)
    generator.name = f"the model '{card.name}'"
    generator.load_state_dict(tensors)
    if footprint is not None:
        generator.footprint = footprint
    return Model(card, generator.eval())


def _weights_to_store(generator: Generator, dtype: torch.dtype) -> dict[str, Tensor]:
    tensors = {}
    for name, tensor in generator.state_dict(keep_vars=True).items():
        kept = tensor.detach().cpu()
        if isinstance(tensor, torch.nn.Parameter) and kept.ndim >= 2:
            smaller = kept.to(dtype)
            # float16 ends at 65,504.
            kept = smaller if smaller.isfinite().all() else kept
        tensors[name] = kept.contiguous()
    _check_finite(tensors, "Training has diverged: lower the learning rate.")
    return tensors


def _check_finite(tensors: Mapping[str, Tensor], action: str) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ModelError(
                expected="finite weights", got=f"NaN or infinity in {name}", action=action
            )


def _check_sense(tensors: Mapping[str, Tensor], name: str) -> None:
    """Refuse weights that can't have been learned, and whose result would be gray or not finite."""
    for key, tensor in tensors.items():
        if key.endswith("running_var") and (tensor < 0).any():
            raise ModelError(
                expected=f"variances of at least 0 in {name}",
                got=f"a negative one in {key}",
                action=DAMAGED,
            )
    kernels = [tensor for tensor in tensors.values() if tensor.ndim >= 2]
    if kernels and not any(tensor.any() for tensor in kernels):
        raise ModelError(expected=f"weights in {name}", got="zeros alone", action=DAMAGED)


def _read_architecture(card: ModelCard) -> tuple[GeneratorConfig, Footprint | None]:
    """Return the generator's configuration, and its footprint if the card states one."""
    stated = {name: card.architecture[name] for name in MEASURED if name in card.architecture}
    try:
        footprint = Footprint(**stated) if stated else None
        return GeneratorConfig.from_dict(card.architecture), footprint
    except (ConfigError, TypeError, ValueError) as error:
        raise _unknown_architecture(str(error)) from error


def _unknown_architecture(reason: str) -> ModelError:
    return ModelError(
        expected="a model of an architecture that this release knows",
        got=f"another ({reason})",
        action="Update napari-colorgan: `pip install --upgrade napari-colorgan`.",
    )


def _check_shapes(config: GeneratorConfig, header: Header, name: str) -> None:
    try:
        # The "meta" device has shapes and no memory.
        with torch.device("meta"):
            expected = {
                key: tuple(tensor.shape)
                for key, tensor in build_generator(config).state_dict().items()
            }
    except ConfigError as error:
        raise _unknown_architecture(str(error)) from error
    stated = {key: info.shape for key, info in header.tensors.items()}
    if stated == expected:
        return
    keys = expected.keys() | stated.keys()
    different = sorted(key for key in keys if expected.get(key) != stated.get(key))
    first = different[0]
    raise ModelError(
        expected=f"{first} of {name} to be {expected.get(first, 'absent')}, by its architecture",
        got=f"{stated.get(first, 'nothing')} ({len(different)} of {len(expected)} tensors differ)",
        action=DAMAGED,
    )
