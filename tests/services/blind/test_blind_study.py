"""Votes: what is kept, what is refused, and how they are counted."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_colorgan.errors import FileError, InputError
from napari_colorgan.services.blind.study import (
    NO_DIFFERENCE,
    Ballot,
    Study,
    Vote,
    shuffled,
)
from napari_colorgan.services.blind.tally import as_rows, count_votes

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["street", "liver", "face"]


@pytest.fixture
def study() -> Study:
    return Study.create(NAMES, ["ours", "theirs", "truth"])


def token(study: Study, trial: int, method: str) -> str:
    return next(t for t, m in study.trials[trial].candidates.items() if m == method)


def vote(study: Study, trial: int, choice: str | None = None, **ratings: int) -> Vote:
    return Vote(
        trial,
        tuple(study.trials[trial].candidates),
        choice if choice in (None, NO_DIFFERENCE) else token(study, trial, choice),
        {token(study, trial, method): rating for method, rating in ratings.items()},
    )


def test_names_of_candidates_tell_nothing(study: Study) -> None:
    tokens = [token for trial in study.trials for token in trial.candidates]
    assert len(set(tokens)) == len(tokens) == 9
    assert all(len(token) == 12 for token in tokens)
    other = Study.create(NAMES, ["ours", "theirs", "truth"])
    assert not {*tokens} & {token for trial in other.trials for token in trial.candidates}


@pytest.mark.parametrize("methods", [[], ["one"], ["a", "a"]])
def test_a_comparison_needs_two_methods(methods: list[str]) -> None:
    with pytest.raises(InputError, match="two colorizations"):
        Study.create(["a"], methods)


def test_a_comparison_needs_images() -> None:
    with pytest.raises(InputError, match="one image"):
        Study.create([], ["a", "b"])


def test_study_and_votes_come_back(study: Study, tmp_path: Path) -> None:
    study.save(tmp_path / "key.json")
    assert Study.load(tmp_path / "key.json") == study
    ballot = Ballot(study.id, "Ümit").with_vote(vote(study, 2, "ours", truth=5))
    ballot = ballot.with_vote(vote(study, 0, NO_DIFFERENCE))
    ballot.save(tmp_path / "votes.json")
    assert Ballot.load(tmp_path / "votes.json", study) == ballot


def test_a_second_vote_replaces_the_first(study: Study) -> None:
    ballot = Ballot(study.id, "a").with_vote(vote(study, 1, "ours"))
    ballot = ballot.with_vote(vote(study, 1, "truth"))
    assert [v.choice for v in ballot.votes] == [token(study, 1, "truth")]


def spoil(study: Study, changes: dict[str, Any]) -> dict[str, Any]:
    first = {"trial": 0, "shown": list(study.trials[0].candidates), "choice": None, "ratings": {}}
    return {
        "format": "napari-colorgan blind votes",
        "version": 1,
        "study": study.id,
        "voter": "a",
        "votes": [{**first, **changes.pop("vote", {})}],
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"study": "another"},
        {"format": "something"},
        {"version": 2},
        {"votes": None},
        {"votes": [3]},
        {"vote": {"trial": 9}},
        {"vote": {"trial": -1}},
        {"vote": {"trial": "x"}},
        {"vote": {"choice": "nobody"}},
        {"vote": {"shown": ["nobody"]}},
        {"vote": {"ratings": {"nobody": 3}}},
        {"vote": {"ratings": []}},
        {"vote": {"ratings": "x"}},
    ],
)
def test_votes_that_do_not_fit_are_refused(
    study: Study, tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = tmp_path / "votes.json"
    path.write_text(json.dumps(spoil(study, dict(changes))))
    if changes == {"vote": {"ratings": []}}:
        assert Ballot.load(path, study).votes[0].ratings == {}
        return
    with pytest.raises(FileError, match="files that the page saved"):
        Ballot.load(path, study)


@pytest.mark.parametrize("rating", [0, 6, 2.5, True, "3", None, [1]])
def test_scores_are_1_to_5(study: Study, tmp_path: Path, rating: Any) -> None:
    path = tmp_path / "votes.json"
    ratings = {token(study, 0, "ours"): rating}
    path.write_text(json.dumps(spoil(study, {"vote": {"ratings": ratings}})))
    with pytest.raises(FileError, match="score from 1 to 5"):
        Ballot.load(path, study)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"[" * 100_000, b"null", b'"a"'])
def test_any_other_file_is_refused(study: Study, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "votes.json"
    path.write_bytes(content)
    with pytest.raises(FileError, match="votes of this blind comparison"):
        Ballot.load(path, study)
    with pytest.raises(FileError, match="key of a blind comparison"):
        Study.load(path)


def wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson's interval by his formula."""
    z, p = 1.959964, k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def test_preferences_are_counted(study: Study) -> None:
    first = Ballot(study.id, "first")
    for trial, choice in enumerate(["ours", "ours", NO_DIFFERENCE]):
        first = first.with_vote(vote(study, trial, choice))
    second = Ballot(study.id, "second").with_vote(vote(study, 0, "truth"))
    tally = count_votes(study, [first, second])
    assert [m.method for m in tally.methods] == ["ours", "truth", "theirs"]
    ours, truth, theirs = tally.methods
    assert [(m.chosen, m.compared) for m in (ours, truth, theirs)] == [(2, 3), (1, 3), (0, 3)]
    assert ours.preference is not None
    assert ours.preference.value == pytest.approx(2 / 3)
    assert (ours.preference.low, ours.preference.high) == pytest.approx(wilson(2, 3), abs=1e-5)
    assert theirs.preference is not None
    assert (theirs.preference.low, theirs.preference.high) == pytest.approx(wilson(0, 3), abs=1e-5)
    assert (tally.voters, tally.no_difference) == (("first", "second"), 1)
    assert ours.score is None
    assert [image["chosen"] for image in tally.images] == [
        {"ours": 1, "truth": 1},
        {"ours": 1},
        {"no difference": 1},
    ]


def test_one_voter_counts_once(study: Study) -> None:
    earlier = Ballot(study.id, "a").with_vote(vote(study, 0, "ours"))
    later = Ballot(study.id, "a").with_vote(vote(study, 0, "truth"))
    tally = count_votes(study, [earlier, later])
    assert {m.method: m.chosen for m in tally.methods} == {"truth": 1, "ours": 0, "theirs": 0}


def test_opinion_scores_have_intervals_over_images() -> None:
    rng = np.random.default_rng(0)
    study = Study.create([str(number) for number in range(40)], ["good", "bad"])
    ballots = []
    for voter in "abc":
        ballot = Ballot(study.id, voter)
        for trial in range(40):
            scores = {"good": int(rng.integers(3, 6)), "bad": int(rng.integers(1, 4))}
            ballot = ballot.with_vote(vote(study, trial, **scores))
        ballots.append(ballot)
    tally = count_votes(study, ballots)
    assert [m.method for m in tally.methods] == ["good", "bad"]
    given = [
        rating
        for ballot in ballots
        for v in ballot.votes
        for t, rating in (v.ratings or {}).items()
        if study.trials[v.trial].candidates[t] == "good"
    ]
    good, bad = tally.methods
    assert good.score is not None
    assert bad.score is not None
    assert (good.rated, good.score.value) == (120, pytest.approx(np.mean(given)))
    assert good.score.low is not None
    assert bad.score.high is not None
    assert good.score.low < good.score.value
    assert bad.score.high < good.score.low
    # By the normal approximation over the means of the images.
    half = 1.96 * np.std(np.reshape(given, (3, 40)).mean(axis=0)) / math.sqrt(40)
    assert good.score.value - good.score.low == pytest.approx(half, rel=0.25)


def test_the_table_says_what_is_missing(study: Study) -> None:
    rows = as_rows(count_votes(study, []))
    assert rows[1:] == [[method, "–", "0", "–", "0"] for method in ("ours", "theirs", "truth")]
    one = Ballot(study.id, "a").with_vote(vote(study, 0, "ours", ours=4))
    assert as_rows(count_votes(study, [one]))[1] == [
        "ours",
        "100 % (21 % to 100 %)",
        "1",
        "4.00",
        "1",
    ]


def test_every_order_comes() -> None:
    rng = np.random.default_rng(0)
    orders = {tuple(shuffled("abc", rng)) for _ in range(200)}
    assert len(orders) == 6
