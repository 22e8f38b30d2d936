"""The gallery: drawn by a seed, of pictures that may be shown, with the commands that made them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import gallery
from gallery_sets import DOMAINS, SAMPLE_PICTURES, Domain
from page_code import ROOT
from quality_sets import QUALITY_SETS, QualitySet

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "gallery.md"


def measured(error: float) -> gallery.Measured:
    nothing = np.zeros((1, 1), np.uint8)
    return gallery.Measured(str(error), nothing, nothing, nothing, 1.0, error)


def test_the_same_pictures_are_drawn_each_time_and_of_each_third() -> None:
    pictures = [measured(float(each)) for each in np.random.default_rng(1).permutation(30)]
    good, bad = gallery.thirds(pictures)
    assert [each.error for each in good] == list(range(10))
    assert [each.error for each in bad] == list(range(20, 30))
    drawn = gallery.draw(bad)
    assert len(drawn) == gallery.DRAWN
    assert [each.error for each in drawn] == [each.error for each in gallery.draw(bad)]
    # By lot, not the worst ones.
    assert sorted(each.error for each in drawn) != list(range(24, 30))


def test_only_pictures_that_may_be_shown() -> None:
    assert all(QUALITY_SETS[domain.name].is_shown for domain in DOMAINS)


def test_the_page_is_what_the_tool_writes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for each in (*DOMAINS, *SAMPLE_PICTURES):
        assert f"```sh\n{each.command}\n```" in text
    for domain in DOMAINS:
        assert QUALITY_SETS[domain.name].source in text
        for kind in ("good", "bad"):
            name = f"gallery-{domain.name}-{kind}.jpg"
            assert f"(images/{name})" in text
            assert (ROOT / "docs" / "images" / name).stat().st_size <= 500_000


@pytest.mark.slow
def test_a_domain_is_colorized_measured_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, random = tmp_path / "data" / "set", np.random.default_rng(0)
    data.mkdir(parents=True)
    for number in range(6):
        pixels = random.integers(0, 256, (40, 56, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(data / f"{number}.png")
    sets: dict[str, Any] = {"mine": QualitySet("mine", ("set",), "Drawn by a test.")}
    monkeypatch.setattr(gallery, "QUALITY_SETS", sets)
    domain = Domain("mine", "Noise")
    text = gallery.domain_part(domain, tmp_path / "data", tmp_path / "work", tmp_path)
    assert "## Noise" in text
    assert "Drawn by a test. 6 pictures." in text
    assert text.count("ΔE00 of the results") == 2
    with Image.open(tmp_path / "gallery-mine-good.jpg") as good:
        # Two rows of gray, result and truth.
        assert good.width > 6 * gallery.THUMBNAIL
    assert shlex.split(domain.command)[0] == "napari-colorgan"
