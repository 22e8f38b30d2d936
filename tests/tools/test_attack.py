"""A short attack; ``make attack`` runs a long one."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if os.name != "posix":
    pytest.skip("the attack forks and limits memory as POSIX does", allow_module_level=True)

from attack import table
from attack_files import BAD, OUTCOMES, Cases, Count, fuzz
from attack_kills import Kills
from attack_mutate import mutate
from attack_worker import CLEAR, RIGHT, TRACEBACK, attempt

FAST = ("model files", "run folders", "hint files", "recipes")


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return Cases(tmp_path_factory.mktemp("attack"), seed=0)


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kind=st.sampled_from(FAST), number=st.integers(0, 2**31))
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_is_right_or_clearly_wrong(cases, kind, number):
    with cases.case(kind, number) as path:
        outcome, said = attempt(kind, path)
    assert outcome in (RIGHT, CLEAR), said


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300), other=st.binary(max_size=300), seed=st.integers(0, 2**31))
def test_a_case_can_be_made_again(data, other, seed):
    first, second = (mutate(data, np.random.default_rng(seed), other) for _ in range(2))
    assert first == second


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_what_is_undamaged_is_right(cases):
    for kind, corpus in cases.corpus.items():
        for path in corpus:
            copy = cases.model.parent / f"copy-{path.name}"
            (shutil.copytree if path.is_dir() else shutil.copy)(path, copy)
            assert attempt(kind, copy) == (RIGHT, ""), path.name


def test_an_error_that_nobody_has_foreseen_counts(cases, monkeypatch):
    import attack_worker

    def fail(_):
        raise IndexError("surprise")

    monkeypatch.setitem(attack_worker.TRIES, "recipes", fail)
    outcome, said = attempt("recipes", cases.model)
    assert outcome == TRACEBACK
    assert "surprise" in said


@pytest.mark.slow
def test_a_short_attack_with_files():
    counts = fuzz(0.05, seed=1)
    assert all(count.tried for count in counts.values())
    failures = [failure for count in counts.values() for failure in count.failures]
    assert not failures, failures[0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("kind", ["colorize", "models", "train", "fine_tune", "race"])
def test_a_kill_of_each_kind(tmp_path, kind):
    kills = Kills(tmp_path, seed=2)
    for number in range(1 if kind in ("train", "fine_tune") else 2):
        getattr(kills, kind)(number)


def test_the_table_has_a_row_for_each_kind_and_all():
    counts = {"a": Count(), "b": Count()}
    counts["a"].add(CLEAR)
    counts["b"].add(TRACEBACK, "case 1", "said")
    lines = table(counts).splitlines()
    assert lines[-1].split("|")[2].strip() == "2"
    assert len(lines) == 5
    assert counts["b"].failures == ["case 1: traceback\nsaid"]
    assert set(BAD) < set(OUTCOMES)
