"""How the processor is shared between a network in training and the threads that feed it."""

from __future__ import annotations

import os

SLEEPING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Environment of a process whose OpenMP threads sleep while they wait for each other."""


def let_threads_sleep() -> None:
    """Let the network's threads sleep while they wait for each other; call it before PyTorch loads.

    By default OpenMP's threads spin for a while, which is faster alone. Where data are made
    meanwhile on the same few cores, the spinning takes the time that the data need. What the
    user's environment says stays.
    """
    for name, value in SLEEPING.items():
        os.environ.setdefault(name, value)
