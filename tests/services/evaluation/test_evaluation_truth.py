"""The gray that a model is given has the truth's L*, and hints have the truth's colours."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import color

from napari_colorgan.errors import InputError
from napari_colorgan.services.evaluation.truth import (
    HINT_SIDE,
    Truth,
    lightness_of,
    mean_lab,
    read_truth,
    sample_hints,
    to_rgb,
)
from napari_colorgan.training.pictures.data import find_pictures


def truth_of(rgb: np.ndarray, size: int | None = None) -> Truth | None:
    (picture,) = find_pictures([rgb])
    return read_truth(picture, size)


def random_image(seed: int = 0, height: int = 40, width: int = 56) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_gray_has_the_lightness_of_the_truth() -> None:
    rgb = random_image()
    rgb[0, :3] = [[0, 0, 0], [255, 255, 255], [1, 2, 3]]
    truth = truth_of(rgb)
    assert truth is not None
    assert truth.gray.dtype == np.float32
    oracle = color.rgb2lab(rgb)[..., 0]
    np.testing.assert_allclose(lightness_of(truth.gray), oracle, atol=1e-3)
    as_picture = color.rgb2lab(np.repeat(truth.gray[..., None].astype(float), 3, axis=-1))
    np.testing.assert_allclose(as_picture[..., 0], oracle, atol=1e-3)


def test_true_colours_on_the_gray_give_the_truth_back() -> None:
    rgb = random_image(1)
    truth = truth_of(rgb)
    assert truth is not None
    ab = np.moveaxis(color.rgb2lab(rgb)[..., 1:], -1, 0)
    again = to_rgb(truth.gray, ab)
    assert np.abs(again.astype(int) - rgb).max() <= 1
    assert np.array_equal(to_rgb(truth.gray, ab * 0)[..., 0], truth.gray_8_bit)


def test_the_short_side_is_brought_to_the_size_and_the_aspect_kept() -> None:
    truth = truth_of(random_image(2, 40, 60), 80)
    assert truth is not None
    assert truth.rgb.shape == (80, 120, 3)
    assert truth.gray.shape == (80, 120)


def test_images_without_colour_or_smaller_than_the_window_are_no_truth() -> None:
    gray = np.repeat(random_image(3)[..., :1], 3, axis=-1)
    assert truth_of(gray) is None
    assert truth_of(random_image(3, 10, 40)) is None


def test_hints_are_true_colours_whose_first_places_dont_depend_on_their_number() -> None:
    truth = truth_of(random_image(4))
    assert truth is not None
    hints, places = sample_hints(truth, 5, seed=7)
    assert sample_hints(truth, 2, seed=7)[1] == places[:2]
    assert sample_hints(truth, 5, seed=8)[1] != places
    top, left = places[-1]
    square = (slice(top, top + HINT_SIDE), slice(left, left + HINT_SIDE))
    wanted = color.rgb2lab(truth.rgb[square]).mean(axis=(0, 1))
    np.testing.assert_allclose(mean_lab(truth.rgb, top, left), wanted, atol=1e-3)
    np.testing.assert_allclose(
        hints.ab[:, *square], wanted[1:, None, None] + np.zeros((2, 6, 6)), atol=1e-3
    )
    assert hints.weight[square].min() == 1
    assert hints.weight.sum() <= 5 * HINT_SIDE**2


def test_hints_need_room() -> None:
    small = Truth("tiny", np.zeros((4, 40, 3), np.uint8), np.zeros((4, 40), np.float32))
    with pytest.raises(InputError, match="6 x 6"):
        sample_hints(small, 1, seed=0)
