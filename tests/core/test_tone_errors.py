"""What pictures have in common in their tones is found, and no more than is there."""

from __future__ import annotations

import numpy as np
import torch

from napari_colorgan.core.tone_errors import ToneErrors, expected_change


def some_cells(seed: int, count: int = 400) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(count, 2, generator=rng) * 20, torch.rand(count, generator=rng) * 0.2


def test_what_all_pictures_miss_alike_is_expected_of_another() -> None:
    pictures = []
    for seed in range(40):
        ab, std = some_cells(seed)
        pictures.append(ToneErrors.of(ab, std, 0.5 * ab + torch.tensor([0.0, 6.0])))
    ab, std = some_cells(99)
    truth = 0.5 * ab + torch.tensor([0.0, 6.0])
    changed = ab + expected_change(pictures, torch.ones(40), ab, std)
    assert (changed - truth).square().mean() < 0.1 * (ab - truth).square().mean()
    # One picture may differ from the others by chance.
    alone = expected_change(pictures[:1], torch.ones(1), ab, std)
    assert alone.norm() < 0.3 * (truth - ab).norm()


def test_it_is_ridge_regression_over_all_cells() -> None:
    cells = [some_cells(seed, 50) for seed in range(3)]
    truths = [some_cells(seed + 10, 50)[0] for seed in range(3)]
    weights = np.array([1.0, 2.0, 0.5])
    pictures = [ToneErrors.of(*c, t) for c, t in zip(cells, truths, strict=True)]
    ab, std = some_cells(20, 7)

    def features(ab: torch.Tensor, std: torch.Tensor) -> np.ndarray:
        mean = np.tile(ab.mean(dim=0), (len(ab), 1))
        return np.hstack([ab, ab * std[:, None] * 5, np.full((len(ab), 1), 10.0), mean])

    # The ridge as further rows of a least-squares problem.
    share = weights / weights.sum()
    rows = [features(*c) * np.sqrt(s / 50) for c, s in zip(cells, share, strict=True)]
    sides = [
        (t - c[0]).numpy() * np.sqrt(s / 50) for c, t, s in zip(cells, truths, share, strict=True)
    ]
    rows.append(np.sqrt(30.0) * np.eye(7))
    sides.append(np.zeros((7, 2)))
    solved = np.linalg.lstsq(np.vstack(rows), np.vstack(sides), rcond=None)[0]
    count = 1 / (share**2).sum()
    expected = features(ab, std) @ solved * 0.9 * count / (count + 6)
    found = expected_change(pictures, torch.tensor(weights, dtype=torch.float32), ab, std)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_pictures_that_are_right_change_nothing() -> None:
    ab, std = some_cells(1)
    right = ToneErrors.of(ab, std, ab)
    assert not expected_change([right], torch.ones(1), *some_cells(2)).any()
