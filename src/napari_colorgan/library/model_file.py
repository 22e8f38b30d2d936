"""A model as one .safetensors file: the weights, and the card in its metadata."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import safetensors
import safetensors.torch
import torch

from napari_colorgan.core.generator import Generator, GeneratorConfig, build_generator
from napari_colorgan.errors import ConfigError, ModelError
from napari_colorgan.io import write_atomically
from napari_colorgan.library.card import ModelCard
from napari_colorgan.library.header import (
    Header,
    hash_tensors,
    parse_header,
    unreadable,
    write_with_metadata,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

_DAMAGED = "The file is damaged: get it again from where it came from."


@dataclass(frozen=True, eq=False)
class Model:
    """A model ready to use.

    Attributes
    ----------
    card : ModelCard
        What it is.
    generator : Generator
        In float32, on the CPU, in evaluation mode.
    """

    card: ModelCard
    generator: Generator


def save_model_file(
    path: Path, generator: Generator, card: ModelCard, dtype: torch.dtype = torch.float16
) -> ModelCard:
    """Write a model to one file, whole or not at all.

    Parameters
    ----------
    path : Path
        A file ending in ".safetensors"; what is there is replaced.
    generator : Generator
        Its state dict is what is saved.
    card : ModelCard
        Its architecture and sha256 are set here.
    dtype : torch.dtype
        What matrices and kernels are stored as. Vectors (biases, normalisation) and buffers keep
        their own type, as do kernels whose values `dtype` can't hold.

    Returns
    -------
    ModelCard
        The card as it is in the file.

    Raises
    ------
    ModelError
        If the weights hold NaN or infinity, or the path's ending is another.
    FileError
        If the file can't be written.
    """
    if path.suffix != ".safetensors":
        raise ModelError(
            expected='a model file\'s name ending in ".safetensors"',
            got=repr(path.name),
            action="Give it that ending.",
        )
    tensors = _stored_tensors(generator, dtype)
    unhashed = dataclasses.replace(card, architecture=generator.config.to_dict(), sha256="")
    plain = io.BytesIO(safetensors.torch.save(tensors))
    header = parse_header(plain, len(plain.getbuffer()), path.name)
    saved = dataclasses.replace(unhashed, sha256=hash_tensors(plain, header))
    with write_atomically(path) as temporary, temporary.open("wb") as target:
        write_with_metadata(plain, header, saved.to_metadata(), target)
    return saved


def load_model_file(path: Path) -> Model:
    """Read a model from a file that `save_model_file` wrote.

    Nothing of the stated sizes is allocated before the header has been found to agree with the
    file's size and with the stated architecture.

    Parameters
    ----------
    path : Path
        The file.

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
    try:
        with path.open("rb") as file:
            header = parse_header(file, path.stat().st_size, path.name)
            card = ModelCard.from_metadata(header.metadata)
            config = _read_config(card)
            _check_shapes(config, header, path.name)
            file.seek(0)
            data = file.read()
    except OSError as error:
        raise unreadable(path, error) from error
    _check_hash(data, header, card, path.name)
    try:
        tensors = safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise ModelError(
            expected=f"{path.name} to hold weights", got=str(error), action=_DAMAGED
        ) from error
    _check_finite(tensors, _DAMAGED)
    generator = build_generator(config)
    generator.load_state_dict(tensors)
    return Model(card, generator.eval())


def _stored_tensors(generator: Generator, dtype: torch.dtype) -> dict[str, Tensor]:
    parameters = {name for name, _ in generator.named_parameters()}
    tensors = {}
    for name, tensor in generator.state_dict().items():
        kept = tensor.detach().cpu()
        if name in parameters and kept.ndim >= 2:
            smaller = kept.to(dtype)
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


def _read_config(card: ModelCard) -> GeneratorConfig:
    try:
        return GeneratorConfig.from_dict(card.architecture)
    except (ConfigError, TypeError) as error:
        raise _unknown_architecture(str(error)) from error


def _unknown_architecture(reason: str) -> ModelError:
    return ModelError(
        expected="a model of an architecture that this release knows",
        got=f"another ({reason})",
        action="Update napari-colorgan: `pip install --upgrade napari-colorgan`.",
    )


def _check_shapes(config: GeneratorConfig, header: Header, name: str) -> None:
    try:
        with torch.device("meta"):  # shapes alone: nothing is allocated
            wanted = {
                key: tuple(tensor.shape)
                for key, tensor in build_generator(config).state_dict().items()
            }
    except ConfigError as error:
        raise _unknown_architecture(str(error)) from error
    found = {key: info.shape for key, info in header.tensors.items()}
    if found == wanted:
        return
    odd = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    first = odd[0]
    raise ModelError(
        expected=f"{first} of {name} to be {wanted.get(first, 'absent')}, by its architecture",
        got=f"{found.get(first, 'nothing')} ({len(odd)} of {len(wanted)} tensors differ)",
        action=_DAMAGED,
    )


def _check_hash(data: bytes, header: Header, card: ModelCard, name: str) -> None:
    digest = hash_tensors(io.BytesIO(data), header)
    if digest != card.sha256:
        raise ModelError(
            expected=f"the weights of {name} to have the SHA-256 {card.sha256[:12]}…",
            got=f"{digest[:12]}…",
            action=_DAMAGED,
        )
