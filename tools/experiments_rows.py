"""The rows of the experiments' table: each one setting away from another."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

SIZE = 128


@dataclass(frozen=True)
class Row:
    """One configuration.

    Attributes
    ----------
    name : str
        Its folder's name, and the word for ``--row``.
    title : str
        What it is, for the table.
    changes : dict
        The training config as plain values.
    share : float
        Of a run's minutes.
    every : int
        Of the training pictures one in so many is used.
    as_used : bool
        Whether it is measured as a user would use it, instead of on pictures of the patches' size.
    """

    name: str
    title: str
    changes: dict[str, Any] = field(hash=False)
    share: float = 1.0
    every: int = 1
    as_used: bool = False


_DATA = {"size": SIZE, "zoom": [1.0, 1.25], "film": 0.0, "near_gray": 4.0}
_COMMON = {"data": _DATA, "score": "l1", "rebalance": 0.0, "unguided": 1.0, "validations": 3}
_L1 = {
    "kind": "supervised",
    "batch_size": 16,
    "lr": 5e-4,
    "encoder_lr": 1e-4,
    "l1": 100.0,
    "schedule": "constant",
}
_GAN = {
    "kind": "adversarial",
    "batch_size": 16,
    "lr": 2e-4,
    "encoder_lr": 5e-5,
    "discriminator_lr": 2e-4,
    "betas": [0.5, 0.999],
    "schedule": "constant",
    "l1": 100.0,
    "adversarial": 1.0,
}
_BASELINE = {
    **_COMMON,
    "generator": {
        "architecture": "pix2pix",
        "decoder_channels": [64],
        "output_stride": 1,
        "head": "regression",
        "dropout": 0.5,
    },
    "phases": [_GAN],
}
# ResNet18's weights come from the network; EfficientNet-Lite0's from a package, so they stand in
# for the paper's encoder here.
_FINAL = {
    **_COMMON,
    "encoder_weights": "package",
    "generator": {
        "encoder": "tf_efficientnet_lite0",
        "decoder_channels": [128, 96, 64, 48],
        "output_stride": 2,
        "head": "regression",
    },
    "phases": [{**_L1, "epochs": 0.6}, {**_GAN, "epochs": 0.4}],
}
_DISTRIBUTION = {**_FINAL["generator"], "head": "distribution"}  # type: ignore[dict-item]
_BOTH = {**_L1, "l1": 10.0, "classification": 1.0}


def changed(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a deep copy of a config with other values; "a__b" names b in table a."""
    values = copy.deepcopy(base)
    for name, value in changes.items():
        table, _, key = name.partition("__")
        if key:
            values.setdefault(table, {})[key] = value
        else:
            values[name] = value
    return values


_WARM_UP = {**_BOTH, "kind": "warm_up", "epochs": 0.4, "batch_size": 32, "lr": 2e-3}

ROWS = (
    Row("baseline", "baseline: pix2pix from scratch, L1 + cGAN", _BASELINE),
    Row(
        "baseline-no-dropout",
        "the same without dropout",
        changed(_BASELINE, generator__dropout=0.0),
    ),
    Row(
        "baseline-no-skips",
        "the same without skips",
        changed(_BASELINE, generator__skips=False),
    ),
    Row("final", "final: pretrained encoder, L1, then L1 + cGAN", _FINAL),
    Row(
        "scratch",
        "the same, encoder from scratch",
        # Statistics of a network that has seen nothing aren't worth keeping.
        changed(_FINAL, encoder_weights="none", freeze_statistics=False),
    ),
    Row("l1", "final, L1 alone", changed(_FINAL, phases=[_L1])),
    Row(
        "unconditional",
        "final, discriminator without L*",
        changed(_FINAL, discriminator__conditional=False),
    ),
    Row("no-skips", "final without skips", changed(_FINAL, generator__skips=False)),
    Row("dropout", "final with dropout", changed(_FINAL, generator__dropout=0.5)),
    Row(
        "distribution",
        "distribution head, L1 + cross-entropy",
        changed(_FINAL, generator=_DISTRIBUTION, phases=[_BOTH]),
    ),
    Row(
        "distribution-rebalanced",
        "the same, rare colours counting more",
        changed(_FINAL, generator=_DISTRIBUTION, phases=[_BOTH], rebalance=0.5),
    ),
    Row(
        "distribution-warm-up",
        "the same after a warm-up on cached features",
        changed(
            _FINAL,
            generator=_DISTRIBUTION,
            phases=[_WARM_UP, {**_BOTH, "epochs": 0.6}],
            rebalance=0.5,
        ),
    ),
)
