"""A stain that is left out of the fit is told from others where it shows, and only there."""

from __future__ import annotations

import numpy as np

from familiarity_stains import Tiles, fit_nearness, left_out_table
from quality_sets import STAINS

NAMES = [name for names in STAINS.values() for name in names]


def tiles(seed: int, *, shift: float, slides: int = 6, each: int = 5) -> Tiles:
    """Draw tiles of all laboratories, those of one stain `shift` apart from those of the others."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(len(NAMES), 30)) / 5
    stains = [number for number, names in enumerate(STAINS.values()) for _ in names]
    centres[:, :6] += shift * np.array(stains)[:, None]
    rows, laboratories, places = [], [], []
    for number, name in enumerate(NAMES):
        for slide in range(slides):
            rows.append(centres[number] + rng.normal(size=(each, 30)))
            laboratories += [name] * each
            places += [f"{name}/{seed}-{slide}"] * each
    return Tiles(np.concatenate(rows), np.array(laboratories), np.array(places))


def shares(text: str) -> dict[str, tuple[str, str]]:
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in text.splitlines()[2:]]
    return {title: (unlike, familiar) for title, unlike, familiar in cells}


def test_tiles_that_differ_are_unlike_and_others_pass() -> None:
    train, held_out = tiles(1, shift=0.0), tiles(2, shift=0.0)
    is_unlike = fit_nearness(train)
    assert is_unlike(held_out.features).mean() < 0.25
    assert is_unlike(held_out.features + 4).mean() > 0.95


def test_a_stain_is_only_told_where_it_shows() -> None:
    shown = shares(left_out_table(tiles(1, shift=25.0), tiles(2, shift=25.0)))
    hidden = shares(left_out_table(tiles(1, shift=0.0), tiles(2, shift=0.0)))
    assert list(shown)[:2] == ["nothing", "tissue, all laboratories"]
    assert set(NAMES) < set(shown)
    assert shown["nothing"][0] == ""
    for stain, names in STAINS.items():
        told, secret = (each[f"{stain}, all laboratories"][0] for each in (shown, hidden))
        assert told == f"100% of {60 * len(names)}"
        assert float(secret.partition("%")[0]) < 30
