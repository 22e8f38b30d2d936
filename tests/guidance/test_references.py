"""Which pictures of a folder tell something of a plane, and how much."""

from __future__ import annotations

import pytest
import torch

from napari_colorgan.core.tone_errors import ToneErrors
from napari_colorgan.core.transfer import ObservedColors
from napari_colorgan.guidance.references import ReferenceColors, tone_change


def reference(*features: float, factor: float = 0.5, found: bool = True) -> ReferenceColors:
    rng = torch.Generator().manual_seed(0)
    ab, std = torch.randn(200, 2, generator=rng) * 20, torch.full((200,), 0.1)
    nothing = ObservedColors(torch.zeros(0, 3), torch.zeros(0, 2), torch.zeros(0, 2))
    tones = ToneErrors.of(ab, std, factor * ab) if found else None
    return ReferenceColors("", nothing, torch.tensor(features), found, tones)


AB, STD = torch.tensor([[20.0, 0.0], [0.0, -10.0]]), torch.full((2,), 0.1)


def test_similar_pictures_of_a_folder_tell_the_tones() -> None:
    here = torch.tensor([1.0, 0.0])
    like, unlike = reference(0.7, 0.71), reference(-1.0, 0.0, factor=1.5)
    muted = tone_change([like] * 20, here, AB, STD)
    assert muted is not None
    assert muted[0, 0] < -3
    assert muted[1, 1] > 1.5
    both = tone_change([like] * 20 + [unlike] * 20, here, AB, STD)
    torch.testing.assert_close(both, muted, atol=0.5, rtol=0)


def test_chosen_pictures_tell_no_tones() -> None:
    here = torch.tensor([1.0, 0.0])
    assert tone_change([reference(0.7, 0.71, found=False)], here, AB, STD) is None
    assert tone_change([], here, AB, STD) is None


def test_where_the_scene_is_the_same_places_tell_instead() -> None:
    here = torch.tensor([1.0, 0.0])
    same = tone_change([reference(1.0, 0.0)] * 20, here, AB, STD)
    torch.testing.assert_close(same, torch.zeros_like(AB))
    assert ReferenceColors.trust(0.7) == 0
    assert ReferenceColors.trust(0.9) == pytest.approx(0.6)
    assert ReferenceColors.trust(1.0) == 1
