"""The perceptual distance: zero for equals, growing with the difference, teaching colours only."""

from __future__ import annotations

import pytest
import torch

from napari_colorgan.core.losses import FeatureDistance
from napari_colorgan.errors import ConfigError


@pytest.fixture(scope="module")
def teacher() -> FeatureDistance:
    torch.manual_seed(0)
    return FeatureDistance("tf_efficientnet_lite0")


def picture() -> torch.Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_equal_pictures_are_at_no_distance(teacher: FeatureDistance) -> None:
    assert teacher(picture(), picture()).item() == 0.0


def test_distance_grows_with_the_difference(teacher: FeatureDistance) -> None:
    near, far = (picture() * (1 - share) + 0.5 * share for share in (0.05, 0.5))
    assert 0 < teacher(near, picture()) < teacher(far, picture())


def test_gradient_reaches_the_picture_and_not_the_teacher(teacher: FeatureDistance) -> None:
    rgb = (picture() * 0.5).requires_grad_()
    teacher(rgb, picture()).backward()
    assert rgb.grad is not None
    assert rgb.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_teacher_never_trains(teacher: FeatureDistance) -> None:
    assert not teacher.train().training
    assert not teacher.encoder.training


def test_unknown_teacher_is_refused() -> None:
    with pytest.raises(ConfigError, match="no_such_network"):
        FeatureDistance("no_such_network")
