"""Tasks are handed out a few at a time, and begun again where workers die."""

from __future__ import annotations

from concurrent.futures import CancelledError
from functools import partial

import pytest

from napari_colorgan.errors import FileError, InputError
from napari_colorgan.services.cluster.feed import MOST_ATTEMPTS, Feed


class FakeFuture:
    def __init__(self, key, call):
        self.key, self._call = key, call

    def add_done_callback(self, callback):
        callback(self)

    def result(self):
        return self._call()

    def release(self):
        self._call = None


class FakeClient:
    """Runs each task at once, where its outcome is asked for."""

    status = "running"

    def __init__(self):
        self.submitted, self.cancelled, self.deliveries = [], [], []

    def map(self, function, *columns, key, pure):
        self.submitted += key
        self.deliveries.append(len(key))
        rows = zip(*columns, strict=True)
        return [FakeFuture(k, partial(function, *row)) for k, row in zip(key, rows, strict=True)]

    def cancel(self, futures, force):
        self.cancelled += [future.key for future in futures]


def test_no_more_tasks_than_the_scheduler_shall_hold():
    client = FakeClient()
    feed = Feed(client, "x", limit=3)
    waiting, results, most = list(range(10)), [], 0
    while waiting or len(feed):
        while waiting and feed.has_room:
            number = waiting.pop(0)
            feed.submit(number, pow, number, 2)
        most = max(most, len(feed))
        outcome = feed.take()
        results.append((outcome.item, outcome.value))
    assert most == 3
    assert results == [(number, number**2) for number in range(10)]
    assert len(set(client.submitted)) == 10


def test_tasks_go_to_the_scheduler_many_at_a_time():
    client = FakeClient()
    feed = Feed(client, "x", limit=50)
    waiting, done, most = list(range(200)), 0, 0
    while waiting or len(feed):
        while waiting and feed.has_room:
            feed.submit(None, pow, waiting.pop(), 2)
        most = max(most, len(feed))
        done += feed.take() is not None
    assert (done, most) == (200, 50)
    assert client.deliveries[0] == 50
    assert set(client.deliveries[1:]) == {5}


def test_errors_come_back_with_their_task():
    def fail(error):
        raise error

    feed = Feed(FakeClient(), "x")
    ours = InputError(expected="a", got="b", action="C.")
    for error in (ours, ZeroDivisionError("no")):
        feed.submit("it", fail, error)
        outcome = feed.take()
        assert (outcome.item, outcome.error) == ("it", error)
    assert len(feed) == 0


def test_a_task_whose_workers_die_is_begun_again_and_then_given_up():
    from distributed import KilledWorker

    deaths = []

    def die(until):
        if len(deaths) < until:
            deaths.append(1)
            raise KilledWorker("x", "worker", 3)
        return "alive"

    feed = Feed(FakeClient(), "x")
    feed.submit("it", die, MOST_ATTEMPTS - 1)
    outcomes = [feed.take() for _ in range(MOST_ATTEMPTS)]
    assert outcomes[:-1] == [None] * (MOST_ATTEMPTS - 1)
    assert outcomes[-1].value == "alive"
    deaths.clear()
    feed.submit("it", die, 100)
    outcomes = [feed.take() for _ in range(MOST_ATTEMPTS)]
    assert isinstance(outcomes[-1].error, FileError)
    assert "memory" in str(outcomes[-1].error)
    assert len(feed) == 0


def test_what_was_lost_is_said():
    def lose(_):
        raise CancelledError

    feed = Feed(FakeClient(), "x")
    # `map` takes columns of arguments, of which there has to be one.
    feed.submit("it", lose, None)
    with pytest.raises(FileError, match="connection was lost"):
        feed.take()
    client = FakeClient()
    client.status = "closed"
    with pytest.raises(FileError, match="connection was lost"):
        Feed(client, "x").take()


def test_cancelling_takes_back_what_is_left():
    client = FakeClient()
    feed = Feed(client, "x")
    for number in range(2):
        feed.submit("it", pow, number, 1)
    assert feed.take().item == "it"
    feed.submit("it", pow, 2, 1)  # which the scheduler doesn't know yet
    feed.cancel()
    assert client.cancelled == client.submitted[1:]
    assert len(feed) == 0
    assert feed.take() is None
