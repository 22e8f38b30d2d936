"""What the Fine-tune panel says of a result, and over the columns of a preview."""

from __future__ import annotations

import numpy as np
import pytest

from napari_colorgan.services.tuning.comparison import Change, Comparison
from napari_colorgan.widgets.fine_tune.captions import COLUMNS, with_captions
from napari_colorgan.widgets.fine_tune.outcome import gain_text


@pytest.mark.parametrize(
    ("base", "tuned", "words"),
    [
        (10.0, 7.5, "25 % nearer to the truth than with “natural”."),
        (10.0, 12.0, "20 % farther from the truth than with “natural”."),
        (10.0, 10.01, "as near to the truth as with “natural”."),
    ],
)
def test_the_gain_is_a_share_of_the_base_error(base: float, tuned: float, words: str) -> None:
    changes = (Change("l1", 7.0, 7.0, None, None), Change("delta_e", base, tuned, None, None))
    assert gain_text(Comparison(changes, 4), "natural").endswith(words)


def test_without_a_metric_it_is_only_done() -> None:
    assert gain_text(Comparison((), 4), "natural") == "Done."


@pytest.mark.parametrize("side", [24, 128, 700])
def test_every_column_has_a_caption_and_the_picture_stays(side: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (side, 4 * side, 3), dtype=np.uint8)
    shown = with_captions(picture, COLUMNS)
    np.testing.assert_array_equal(shown[-side:], picture)
    strip = shown[:-side]
    assert 8 < len(strip) < 50
    for column in np.split(strip, 4, axis=1):
        assert column.max() > 100  # there is a word
