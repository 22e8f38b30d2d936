"""Count the votes of a blind comparison: preference and mean opinion score, with intervals."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from napari_colorgan.services.blind.study import NO_DIFFERENCE
from napari_colorgan.services.evaluation.results import Estimate
from napari_colorgan.services.evaluation.statistics import CONFIDENCE, Bootstrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_colorgan.services.blind.study import Ballot, Study, Vote

_RESAMPLES = 2000


@dataclass(frozen=True)
class MethodTally:
    """How one method was judged.

    Attributes
    ----------
    method : str
        Its name.
    compared, chosen : int
        In how many choices it was shown, and in how many it was chosen; choices of "no
        difference" aside.
    preference : Estimate or None
        The share of them, with its 95 % Wilson interval; None without choices.
    rated : int
        How many opinion scores it was given.
    score : Estimate or None
        Their mean, with its 95 % bootstrap interval over images; None without scores.
    """

    method: str
    compared: int
    chosen: int
    preference: Estimate | None
    rated: int
    score: Estimate | None


@dataclass(frozen=True)
class Tally:
    """How all methods were judged, and on which images.

    Attributes
    ----------
    methods : tuple of MethodTally
        The methods, the preferred one first, then by opinion score.
    voters : tuple of str
        Who voted.
    images : tuple of dict
        For each image that was judged: its "name", how often each method was "chosen", and its
        mean "scores".
    no_difference : int
        How many choices were "no difference".
    """

    methods: tuple[MethodTally, ...]
    voters: tuple[str, ...]
    images: tuple[dict[str, Any], ...]
    no_difference: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def count_votes(study: Study, ballots: Iterable[Ballot], *, seed: int = 0) -> Tally:
    """Count the votes of several people.

    Parameters
    ----------
    study : Study
        What they judged.
    ballots : iterable of Ballot
        Their votes. Of one voter's votes on one trial the last counts.
    seed : int, default: 0
        Of the bootstrap.

    Returns
    -------
    Tally
        The result.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA
    1927, as ``scipy.stats.binomtest`` implements it. Recommendation ITU-R BT.500 for mean opinion
    scores.
    """
    votes = _latest(ballots)
    methods = [_tally(study, method, list(votes.values()), seed) for method in study.methods]
    ranked = sorted(
        methods,
        key=lambda m: (
            -(m.preference.value if m.preference else -1),
            -(m.score.value if m.score else -1),
        ),
    )
    return Tally(
        methods=tuple(ranked),
        voters=tuple(sorted({voter for voter, _ in votes})),
        images=tuple(_images(study, list(votes.values()))),
        no_difference=sum(vote.choice == NO_DIFFERENCE for vote in votes.values()),
    )


def as_rows(tally: Tally) -> list[list[str]]:
    """Return a table: a head, and a row for each method.

    Parameters
    ----------
    tally : Tally
        The result.
    """
    head = ["", "preferred (95 % interval)", "of", "opinion score 1–5 (95 % interval)", "of"]
    rows = []
    for method in tally.methods:
        preference = method.preference
        percent = preference and Estimate(
            preference.value * 100,
            None if preference.low is None else preference.low * 100,
            None if preference.high is None else preference.high * 100,
        )
        rows.append(
            [
                method.method,
                _cell(percent, "{:.0f} %"),
                str(method.compared),
                _cell(method.score, "{:.2f}"),
                str(method.rated),
            ]
        )
    return [head, *rows]


def _cell(estimate: Estimate | None, form: str) -> str:
    if estimate is None:
        return "–"
    text = form.format(estimate.value)
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} ({form.format(estimate.low)} to {form.format(estimate.high)})"


def _latest(ballots: Iterable[Ballot]) -> dict[tuple[str, int], Vote]:
    """Return one vote by voter and trial, with choice and ratings of earlier ones kept."""
    votes: dict[tuple[str, int], Vote] = {}
    for ballot in ballots:
        for vote in ballot.votes:
            votes[ballot.voter, vote.trial] = vote
    return votes


def _tally(study: Study, method: str, votes: list[Vote], seed: int) -> MethodTally:
    compared = chosen = 0
    # Sums and counts of the scores of each image.
    sums: dict[int, float] = defaultdict(float)
    counts: Counter[int] = Counter()
    for vote in votes:
        candidates = study.trials[vote.trial].candidates
        if vote.choice not in (None, NO_DIFFERENCE) and method in _methods_shown(vote, study):
            compared += 1
            chosen += candidates[str(vote.choice)] == method
        for token, rating in (vote.ratings or {}).items():
            if candidates[token] == method:
                sums[vote.trial] += rating
                counts[vote.trial] += 1
    score = None
    if counts:
        images = sorted(counts)
        bootstrap = Bootstrap(len(images), _RESAMPLES, seed)
        score = bootstrap.ratio([sums[i] for i in images], [float(counts[i]) for i in images])
    return MethodTally(
        method, compared, chosen, _wilson(chosen, compared), sum(counts.values()), score
    )


def _wilson(chosen: int, compared: int) -> Estimate | None:
    from scipy.stats import binomtest

    if not compared:
        return None
    interval = binomtest(chosen, compared).proportion_ci(CONFIDENCE, "wilson")
    return Estimate(chosen / compared, float(interval.low), float(interval.high))


def _methods_shown(vote: Vote, study: Study) -> set[str]:
    candidates = study.trials[vote.trial].candidates
    return {candidates[token] for token in vote.shown}


def _images(study: Study, votes: list[Vote]) -> list[dict[str, Any]]:
    images = []
    for number, trial in enumerate(study.trials):
        here = [vote for vote in votes if vote.trial == number]
        if not here:
            continue
        chosen = Counter(
            trial.candidates.get(str(vote.choice), "no difference")
            for vote in here
            if vote.choice is not None
        )
        scores: dict[str, list[int]] = defaultdict(list)
        for vote in here:
            for token, rating in (vote.ratings or {}).items():
                scores[trial.candidates[token]].append(rating)
        means = {method: sum(values) / len(values) for method, values in scores.items()}
        images.append({"name": trial.name, "chosen": dict(chosen), "scores": means})
    return images
