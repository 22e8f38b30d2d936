"""Virtual staining: colours learned from a gray image that isn't their lightness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.color import rgb2lab

from napari_colorgan import colorize, fine_tune
from napari_colorgan.errors import ConfigError, PairError
from napari_colorgan.events import EpochDone, Event, run
from napari_colorgan.library.model_file import load_model_file
from napari_colorgan.services.fine_tune import FineTuneRequest, fine_tune_job

if TYPE_CHECKING:
    from pathlib import Path

    from napari_colorgan.library.store import ModelLibrary


@pytest.fixture
def fluorescence(stained: np.ndarray) -> np.ndarray:
    """Return (5, 96, 128) of 12 bits: the inverted lightness of the stain, and noise."""
    shown = 1.0 - rgb2lab(stained)[..., 0] / 100.0
    noise = np.random.default_rng(1).normal(0.0, 0.02, shown.shape)
    gray: np.ndarray = np.rint(np.clip(shown + noise, 0.0, 1.0) * 4000 + 95).astype(np.uint16)
    return gray


def test_pair_is_learned_and_the_card_warns(
    stained: np.ndarray,
    fluorescence: np.ndarray,
    recipe: Path,
    tmp_path: Path,
    tiny_model_file: Path,
) -> None:
    np.save(tmp_path / "he.npy", stained)
    np.save(tmp_path / "dapi.npy", fluorescence)
    request = FineTuneRequest(
        [tmp_path / "he.npy"],
        tmp_path / "run",
        base=tiny_model_file,
        minutes=None,
        epochs=30.0,
        recipe=recipe,
        gray=[tmp_path / "dapi.npy"],
    )
    request.save()
    events: list[Event] = []
    result = run(fine_tune_job(FineTuneRequest.load(request.output)), events.append)
    losses = [dict(event.losses)["G L1"] for event in events if isinstance(event, EpochDone)]
    assert losses[-1] < losses[0]
    assert result.comparison.is_better
    card = result.model.card
    assert card.training_data == (("he, seen as dapi (5 planes, 1 of them held out)", "own data"),)
    assert card.limitations.startswith("Virtual staining: 5 of its 5 planes")
    assert "Virtual staining" in load_model_file(result.path).card.limitations

    def error(gray: np.ndarray) -> float:
        """Return how far the colours for a gray stack are from the stain's."""
        colored = colorize(gray, model=result.model, scale="fit", strength=1.0)
        true = rgb2lab(stained)[..., 1:]
        return float(np.abs(rgb2lab(colored)[..., 1:] - true).mean())

    # What the model was shown is what it knows: the same field, as its own lightness, is not.
    own = np.rint(rgb2lab(stained)[..., 0] * 2.55).astype(np.uint8)
    assert error(fluorescence) < 0.9 * error(own)
    lightness = rgb2lab(colorize(fluorescence, model=result.model, scale="fit"))[..., 0]
    low, high = fluorescence.min(), fluorescence.max()
    seen = rgb2lab(np.repeat(((fluorescence - low) / (high - low))[..., None], 3, axis=-1))[..., 0]
    np.testing.assert_allclose(lightness, seen, atol=0.4)


@pytest.mark.usefixtures("small_steps")
def test_public_verb_takes_arrays_and_files(
    stained: np.ndarray, fluorescence: np.ndarray, tiny_library: ModelLibrary, tmp_path: Path
) -> None:
    np.save(tmp_path / "dapi.npy", fluorescence[:3])
    model = fine_tune(
        [stained[:3], stained[3:]], "tiny", gray=[tmp_path / "dapi.npy", None], epochs=8
    )
    assert "3 of its 5 planes" in model.card.limitations
    assert "Virtual" not in fine_tune(stained, "tiny", epochs=8).card.limitations
    single = fine_tune(stained, "tiny", gray=fluorescence, epochs=8, name="virtual")
    assert "5 of its 5 planes" in single.card.limitations
    # What is made from such a model goes on saying so.
    again = fine_tune(stained, "virtual", epochs=8)
    assert "Virtual staining" in again.card.limitations


def test_wrong_partners_are_refused_before_anything_is_trained(
    stained: np.ndarray, fluorescence: np.ndarray, tiny_library: ModelLibrary, tmp_path: Path
) -> None:
    with pytest.raises(PairError, match="5 × 96 × 128"):
        fine_tune(stained, "tiny", gray=fluorescence[:, :64], output=tmp_path / "run")
    assert "5 × 96 × 128" in (tmp_path / "run" / "failure.txt").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="as many gray images as colour images, 1"):
        fine_tune(stained, "tiny", gray=[fluorescence, fluorescence])
