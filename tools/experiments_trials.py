"""The trials' rows: what the bundled model for photographs might have been, at equal time."""

from __future__ import annotations

from experiments_rows import Row, changed

_SUPERVISED = {
    "kind": "supervised",
    "epochs": 0.6,
    "batch_size": 16,
    "lr": 5e-4,
    "encoder_lr": 1e-4,
    "encoder_stride": 8,
    "l1": 5.0,
    "classification": 1.0,
    "weight_decay": 0.01,
    "grad_clip": 1.0,
    "ramp_steps": 20,
}
_WARM_UP = {**_SUPERVISED, "kind": "warm_up", "epochs": 0.4, "batch_size": 32, "lr": 2e-3}
_REFERENCE = {
    "encoder_weights": "package",
    "rebalance": 0.5,
    "unguided": 1.0,
    "ema": 0.98,
    "score": "balanced",
    "validations": 3,
    "generator": {
        "encoder": "tf_efficientnet_lite0",
        "decoder_channels": [128, 96],
        "context_channels": 256,
        "output_stride": 8,
        "head": "distribution",
    },
    "data": {"size": 160, "zoom": [1.0, 1.25], "film": 0.3, "near_gray": 4.0},
    "phases": [_WARM_UP, _SUPERVISED],
}
SHARE = 0.4
"""Of the minutes of the paper's rows."""
EVERY = 3
"""Of the training pictures one in so many: features of all of them would take all the time."""


def _trial(name: str, title: str, **changes: object) -> Row:
    values = changed(_REFERENCE, **changes)
    return Row(f"trial-{name}", title, values, share=SHARE, every=EVERY, as_used=True)


_REGRESSION = [{**phase, "classification": 0.0} for phase in (_WARM_UP, _SUPERVISED)]
_PERCEPTUAL = [_WARM_UP, {**_SUPERVISED, "perceptual": 1.0}]


def _adversarial(weight: float) -> dict[str, object]:
    game = {"kind": "adversarial", "epochs": 0.3, "adversarial": weight, "betas": [0.5, 0.999]}
    phases = [_WARM_UP, {**_SUPERVISED, "epochs": 0.3}, {**_SUPERVISED, **game}]
    # Patches of 160 px are too small for the discriminator of larger ones.
    return {"phases": phases, "discriminator__downs": 2}


TRIALS = (
    _trial("reference", "warm-up, then L1 and cross-entropy, 160 px, cells of 8 px"),
    _trial("224", "patches of 224 px", data__size=224),
    _trial("256", "patches of 256 px", data__size=256),
    _trial("regression", "regression head", generator__head="regression", phases=_REGRESSION),
    _trial("rebalance-0", "colours count as often as they occur", rebalance=0.0),
    _trial("rebalance-1", "rare colours count as much as common ones", rebalance=1.0),
    _trial(
        "stride-4",
        "fine stage: cells of 4 px",
        generator__decoder_channels=[128, 96, 64],
        generator__output_stride=4,
    ),
    _trial(
        "stride-2",
        "fine stage: cells of 2 px",
        generator__decoder_channels=[128, 96, 64, 48],
        generator__output_stride=2,
    ),
    _trial("no-ema", "no averaging of weights", ema=0.0),
    _trial("perceptual", "perceptual term, weight 1", phases=_PERCEPTUAL),
    _trial("adversarial", "adversarial from the middle, weight 0.1", **_adversarial(0.1)),
    _trial("adversarial-1", "the same, weight 1", **_adversarial(1.0)),
)
