"""What is compared in a blind comparison, and how people judged it."""

# Over 300 lines: the records of a study, and their files, which are checked together.

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from napari_colorgan.errors import FileError, InputError
from napari_colorgan.io.outputs.atomic import write_atomically
from napari_colorgan.texts import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np

Read = TypeVar("Read")

NO_DIFFERENCE = "="
"""The choice of somebody who sees no difference."""

LOWEST, HIGHEST = 1, 5
"""Opinion scores: 1 is bad, 5 is excellent, as ITU-R BT.500 has them."""

_STUDY, _VOTES = "napari-colorgan blind study", "napari-colorgan blind votes"
_VERSION = 1
_LONGEST_NAME = 200
# A vote takes some 200 bytes; a longer file is none of ours.
_MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class Trial:
    """One image, colorized in several ways.

    Attributes
    ----------
    name : str
        The image's name.
    candidates : mapping of str to str
        The method behind each candidate; the candidates' names say nothing of it.
    """

    name: str
    candidates: Mapping[str, str]


@dataclass(frozen=True)
class Study:
    """A blind comparison before anybody has judged.

    Attributes
    ----------
    id : str
        What votes refer to.
    trials : tuple of Trial
        The images, in no particular order.
    """

    id: str
    trials: tuple[Trial, ...]

    @classmethod
    def create(cls, names: Sequence[str], methods: Sequence[str], identifier: str = "") -> Study:
        """Plan a comparison of the same methods on each image.

        Parameters
        ----------
        names : sequence of str
            The images.
        methods : sequence of str
            What is compared, at least two.
        identifier : str, optional
            The study's id; by default a new one.

        Returns
        -------
        Study
            Its candidates have random names.

        Raises
        ------
        InputError
            If there are fewer than two methods, two of one name, or no images.
        """
        if len(methods) < 2 or len(set(methods)) < len(methods):
            raise InputError(
                expected="at least two colorizations with different names",
                got=", ".join(methods) or "none",
                action="Name another model, or keep the truth among them.",
            )
        if not names:
            raise InputError(
                expected="at least one image to compare on",
                got="none",
                action="Give colour images.",
            )
        trials = tuple(
            Trial(one_line(name, _LONGEST_NAME), {uuid4().hex[:12]: method for method in methods})
            for name in names
        )
        return cls(identifier or uuid4().hex, trials)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods, in the order of the first trial."""
        return tuple(dict.fromkeys(m for trial in self.trials for m in trial.candidates.values()))

    def save(self, path: Path) -> None:
        """Write the key of the study: which method is behind each candidate.

        Parameters
        ----------
        path : Path
            The file; overwritten.
        """
        _save(path, {"format": _STUDY, "version": _VERSION, **asdict(self)})

    @classmethod
    def load(cls, path: Path) -> Study:
        """Read what `save` wrote.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        Study
            As it was written.

        Raises
        ------
        FileError
            If the file is missing, or something else.
        """
        return _load(path, _STUDY, "the key of a blind comparison", _study)


@dataclass(frozen=True)
class Vote:
    """How somebody judged one trial.

    Attributes
    ----------
    trial : int
        The trial's number in the study.
    shown : tuple of str
        The candidates in the order in which they were shown.
    choice : str or None
        The candidate that is more believable, or `NO_DIFFERENCE`; None if it wasn't asked for.
    ratings : mapping of str to int
        Opinion scores 1…5 by candidate.
    """

    trial: int
    shown: tuple[str, ...]
    choice: str | None = None
    ratings: Mapping[str, int] | None = None

    def check(self, study: Study) -> None:
        """Check that the vote belongs to a study.

        Parameters
        ----------
        study : Study
            Whose page was voted on.

        Raises
        ------
        ValueError
            If it doesn't.
        """
        if not 0 <= self.trial < len(study.trials):
            problem = f"there is no image {self.trial}"
            raise ValueError(problem)
        candidates = set(study.trials[self.trial].candidates)
        named = {*self.shown, *(self.ratings or {})}
        if self.choice not in (None, NO_DIFFERENCE):
            named.add(str(self.choice))
        if not named <= candidates:
            problem = f"image {self.trial} has other candidates"
            raise ValueError(problem)
        for rating in (self.ratings or {}).values():
            if isinstance(rating, bool) or rating not in range(LOWEST, HIGHEST + 1):
                problem = f"{rating!r} is no score from 1 to 5"
                raise ValueError(problem)


@dataclass(frozen=True)
class Ballot:
    """The votes of one person on a study.

    Attributes
    ----------
    study : str
        The study's id.
    voter : str
        Who it is, a name or anything else that two people don't share.
    votes : tuple of Vote
        At most one for each trial, in the order in which they were given.
    """

    study: str
    voter: str
    votes: tuple[Vote, ...] = ()

    def with_vote(self, vote: Vote) -> Ballot:
        """Return the ballot with a vote in place of an earlier one on the same trial.

        Parameters
        ----------
        vote : Vote
            On any trial.
        """
        others = tuple(other for other in self.votes if other.trial != vote.trial)
        return replace(self, votes=(*others, vote))

    def save(self, path: Path) -> None:
        """Write the votes atomically.

        Parameters
        ----------
        path : Path
            The file; overwritten.
        """
        _save(path, {"format": _VOTES, "version": _VERSION, **asdict(self)})

    @classmethod
    def load(cls, path: Path, study: Study) -> Ballot:
        """Read the votes that `save`, or the page, wrote.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        study : Study
            What they have to belong to.

        Returns
        -------
        Ballot
            With the last vote on each trial.

        Raises
        ------
        FileError
            If the file is missing, something else, or of another study.
        """

        def parse(values: Mapping[str, Any]) -> Ballot:
            if values["study"] != study.id:
                problem = "they were given in another comparison"
                raise ValueError(problem)
            ballot = cls(study.id, one_line(str(values["voter"]), _LONGEST_NAME) or path.name)
            for entry in values["votes"]:
                vote = _vote(entry)
                vote.check(study)
                ballot = ballot.with_vote(vote)
            return ballot

        return _load(path, _VOTES, "votes of this blind comparison", parse)


def shuffled(items: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """Return items in random order.

    Parameters
    ----------
    items : sequence
        The items.
    rng : numpy.random.Generator
        What shuffles them.
    """
    return [items[number] for number in rng.permutation(len(items))]


def _study(values: Mapping[str, Any]) -> Study:
    trials = tuple(
        Trial(
            one_line(str(trial["name"]), _LONGEST_NAME),
            {str(k): one_line(str(v), _LONGEST_NAME) for k, v in trial["candidates"].items()},
        )
        for trial in values["trials"]
    )
    return Study(str(values["id"]), trials)


def _vote(values: Mapping[str, Any]) -> Vote:
    choice, ratings = values.get("choice"), values.get("ratings") or {}
    return Vote(
        int(values["trial"]),
        tuple(map(str, values["shown"])),
        None if choice is None else str(choice),
        {str(key): value for key, value in ratings.items()},
    )


def _save(path: Path, values: Mapping[str, Any]) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(values, indent=1), encoding="utf-8")


def _load(path: Path, kind: str, expected: str, parse: Callable[[Any], Read]) -> Read:
    try:
        if path.stat().st_size > _MOST_BYTES:
            problem = "it is too large"
            raise ValueError(problem)
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] != kind or values["version"] > _VERSION:
            problem = f"it is a {values['format']!r} of version {values['version']}"
            raise ValueError(problem)
        return parse(values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        text = str(error) if isinstance(error, ValueError | OSError) else type(error).__name__
        raise FileError(
            expected=expected,
            got=f"'{path}': {one_line(text, _LONGEST_NAME)}",
            action="Give the key that lies beside the page, and files that the page saved.",
        ) from error
