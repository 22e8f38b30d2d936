"""The card of a trained model: what it was made of, how, and how well it does."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorgan.metric_registry import COMPARED, base_key, gray_key, label_of

if TYPE_CHECKING:
    from napari_colorgan.core.networks.generator import Generator
    from napari_colorgan.library.card import Metric, ModelCard
    from napari_colorgan.services.dataset.prepare import Dataset
    from napari_colorgan.services.run_request import TrainRequest
    from napari_colorgan.training.config import TrainingConfig
    from napari_colorgan.training.validation import Validator


def trained_card(
    request: TrainRequest,
    dataset: Dataset,
    generator: Generator,
    validator: Validator | None,
    values: dict[str, list[float]],
    effort: str,
) -> ModelCard:
    """Return the card for a trained generator's model file, without the hash.

    Parameters
    ----------
    request : TrainRequest
        With its config; its `card` states what its owner wants to.
    dataset : Dataset
        What was trained on.
    generator : Generator
        The result.
    validator : Validator or None
        What has measured it.
    values : dict of list of float
        What it has measured, by metric; empty without one.
    effort : str
        Steps and time, for people.
    """
    from napari_colorgan.library.card import ModelCard

    config = request.config
    base = None if request.base is None else request.base.card
    assert config is not None
    if base is not None and config.keeps_network:
        # Without hints it predicts what the base does.
        return dataclasses.replace(
            base,
            name=request.name,
            architecture=generator.config.to_dict(),
            config=config.to_toml(),
            parent=base.name,
            parent_sha256=base.sha256,
            **request.card,
        )
    names = {Path(str(item)).name for item in request.data if isinstance(item, str | Path)}
    fields = {
        "version": "1",
        "title": f"Trained on {len(dataset.training)} pictures",
        "domain": "own pictures",
        "description": effort,
        "training_data": tuple((name, "as stated by its owner") for name in sorted(names)),
        # What it was made of still binds, and warns of, what is made of it.
        **({} if base is None else {"license": base.license, "limitations": base.limitations}),
        **request.card,
    }
    return ModelCard(
        name=request.name,
        architecture=generator.config.to_dict(),
        scale="fit" if config.data.scale == "fit" else "native",
        working_size=_working_size(config),
        vividness=config.vividness,
        # What the base's colours were multiplied by, these weights have learnt.
        strength=1.0,
        config=config.to_toml(),
        metrics=_metrics(config, validator, values),
        parent=None if base is None else base.name,
        parent_sha256="" if base is None else base.sha256,
        **fields,
    )


def _metrics(
    config: TrainingConfig, validator: Validator | None, values: dict[str, list[float]]
) -> tuple[Metric, ...]:
    from napari_colorgan.library.card import Metric

    means = {} if validator is None else validator.summarize(values)
    held_out = len(next(iter(values.values()), ()))
    measured_on = f"{held_out} held-out pictures, middle square of {config.data.size} px"
    return tuple(
        Metric(
            measured_on,
            label_of(key),
            means[key],
            means[gray_key(key)],
            base=means.get(base_key(key)),
        )
        for key in COMPARED
        if key in means
    )


def _working_size(config: TrainingConfig) -> int:
    """Return the short side at which objects appear as large as in the patches, in steps of 32."""
    middle = config.data.size * sum(config.data.zoom) / 2.0
    return round(middle / 32) * 32
