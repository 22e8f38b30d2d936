"""The way to a dask scheduler: one that runs somewhere, or workers of this machine."""

from __future__ import annotations

import logging
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_colorgan.errors import FileError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = "local"
_SECONDS = 20
# Ctrl-C in a terminal reaches all its processes; the main one ends its workers itself.
_IGNORE_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"


@contextmanager
def connect(scheduler: str) -> Iterator[Any]:
    """Connect to a scheduler, or start workers on this machine that end with the block.

    Parameters
    ----------
    scheduler : str
        An address such as "tcp://host:8786"; the path of a scheduler file, which ends in ".json";
        or "local", "local:4": so many processes of one thread, by default one for each core.

    Yields
    ------
    distributed.Client
        Used by nothing else; it isn't dask's default client.

    Raises
    ------
    InputError
        If dask.distributed isn't installed, or there is no scheduler at that address.
    """
    _require_distributed()
    local = re.fullmatch(rf"{LOCAL}(?::([1-9]\d{{0,3}}))?", scheduler.strip())
    if local is None:
        with _client(scheduler.strip()) as client:
            yield client
        return
    from distributed import LocalCluster

    workers = int(local[1]) if local[1] else len(_cores())
    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        # What a plane takes is planned by the predictor; dask would end workers in the midst.
        memory_limit=0,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
        preload=_IGNORE_CTRL_C,
    )
    try:
        with _client(cluster) as client:
            yield client
    finally:
        cluster.close()


@contextmanager
def _client(scheduler: Any) -> Iterator[Any]:
    from distributed import Client

    try:
        if isinstance(scheduler, str) and scheduler.endswith(".json"):
            if not os.path.isfile(scheduler):
                raise FileError(
                    expected="the file that a scheduler writes (dask scheduler --scheduler-file)",
                    got=f"nothing at '{scheduler}'",
                    action="Start the scheduler first, or check the path.",
                )
            client = Client(scheduler_file=scheduler, set_as_default=False, timeout=_SECONDS)
        else:
            client = Client(scheduler, set_as_default=False, timeout=_SECONDS)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            expected="the address of a running dask scheduler, such as tcp://host:8786, or 'local'",
            got=f"'{scheduler}', which doesn't answer ({str(error) or type(error).__name__})",
            action="Start one with 'dask scheduler', and take the address that it prints.",
        ) from error
    with client:
        yield client


def _require_distributed() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise InputError(
            expected="dask.distributed, to colorize on several workers",
            got="an environment without it",
            action="Run: pip install 'napari-colorgan[distributed]'",
        ) from error


def _cores() -> range:
    """Return one number for each core that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return range(len(os.sched_getaffinity(0)))
    return range(os.cpu_count() or 1)
