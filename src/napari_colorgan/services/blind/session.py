"""One person's way through a blind comparison: random order, votes saved one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias
from uuid import uuid4

import numpy as np

from napari_colorgan.services.blind.study import (
    HIGHEST,
    LOWEST,
    NO_DIFFERENCE,
    Ballot,
    Study,
    Vote,
    shuffled,
)

if TYPE_CHECKING:
    from pathlib import Path

Mode: TypeAlias = Literal["choose", "rate"]


class BlindSession:
    """Walks through the trials that are open, and keeps each vote before the next is asked for.

    Parameters
    ----------
    study : Study
        What is compared.
    path : pathlib.Path
        Where the votes are kept; those that are there are continued.
    mode : {"choose", "rate"}
        Whether the most believable candidate is chosen, or each is given 1 to 5.
    seed : int, optional
        Of the order; by default it is another one each time.

    Raises
    ------
    FileError
        If there are votes that can't be read.
    """

    def __init__(
        self, study: Study, path: Path, mode: Mode = "choose", seed: int | None = None
    ) -> None:
        self.study = study
        self.mode: Mode = mode
        self._path = path
        rng = np.random.default_rng(seed)
        self.ballot = (
            Ballot.load(path, study) if path.exists() else Ballot(study.id, uuid4().hex[:12])
        )
        self._order: list[int] = shuffled(range(len(study.trials)), rng)
        self._shown = {
            number: tuple(shuffled(list(trial.candidates), rng))
            for number, trial in enumerate(study.trials)
        }
        self._shown |= {vote.trial: vote.shown for vote in self.ballot.votes}
        self._position = -1
        self.current = 0
        self._go_on()

    @property
    def trial(self) -> int | None:
        """The number of the trial that is asked about; None when all are judged."""
        return self._order[self._position] if self._position < len(self._order) else None

    @property
    def candidates(self) -> tuple[str, ...]:
        """The candidates of the trial, in the order in which they are shown."""
        return () if self.trial is None else self._shown[self.trial]

    @property
    def done(self) -> int:
        """How many trials are judged."""
        return sum(map(self._is_done, self._order))

    def choose(self, number: int | None) -> None:
        """Choose a candidate, or None for no difference, and go on.

        Parameters
        ----------
        number : int or None
            The candidate's place from 0; one that there isn't changes nothing.

        Raises
        ------
        FileError
            If the vote can't be saved; it isn't counted then.
        """
        in_range = number is None or 0 <= number < len(self.candidates)
        if self.trial is None or self.mode != "choose" or not in_range:
            return
        choice = NO_DIFFERENCE if number is None else self.candidates[number]
        earlier = self._vote(self.trial)
        self._keep(Vote(self.trial, self.candidates, choice, earlier.ratings))
        self._go_on()

    def rate(self, score: int) -> None:
        """Give the current candidate a score, and go on to the next one.

        Parameters
        ----------
        score : int
            1 to 5; anything else changes nothing.

        Raises
        ------
        FileError
            If the vote can't be saved; it isn't counted then.
        """
        if self.trial is None or self.mode != "rate" or not LOWEST <= score <= HIGHEST:
            return
        earlier = self._vote(self.trial)
        ratings = {**(earlier.ratings or {}), self.candidates[self.current]: score}
        self._keep(Vote(self.trial, self.candidates, earlier.choice, ratings))
        if self.current + 1 < len(self.candidates):
            self.current += 1
        else:
            self._go_on()

    def back(self) -> None:
        """Go to the candidate or the trial before."""
        if self.current:
            self.current -= 1
        else:
            self._position = max(0, self._position - 1)

    def score_of(self, candidate: str) -> int | None:
        """Return what a candidate of the trial was given, None for nothing yet.

        Parameters
        ----------
        candidate : str
            The candidate.
        """
        if self.trial is None:
            return None
        return (self._vote(self.trial).ratings or {}).get(candidate)

    def _vote(self, trial: int) -> Vote:
        votes = [vote for vote in self.ballot.votes if vote.trial == trial]
        return votes[0] if votes else Vote(trial, self._shown[trial])

    def _is_done(self, trial: int) -> bool:
        vote = self._vote(trial)
        if self.mode == "choose":
            return vote.choice is not None
        return set(self._shown[trial]) <= set(vote.ratings or {})

    def _keep(self, vote: Vote) -> None:
        ballot = self.ballot.with_vote(vote)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        ballot.save(self._path)
        self.ballot = ballot

    def _go_on(self) -> None:
        """Go to the next open trial, else to the first one, else to the end."""
        self.current = 0
        places = [p for p, trial in enumerate(self._order) if not self._is_done(trial)]
        later = [place for place in places if place > self._position]
        self._position = (later or places or [len(self._order)])[0]
