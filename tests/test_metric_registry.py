"""Every metric has one identifier, and all its spellings lead to it."""

from __future__ import annotations

import pytest

from napari_colorgan.metric_registry import (
    COMPARED,
    METRICS,
    base_key,
    find_metric,
    gray_key,
    label_of,
)


def test_identifiers_labels_and_former_labels_are_distinct() -> None:
    names = [
        name
        for metric in METRICS.values()
        for name in {metric.id, metric.label, *metric.former_labels}
    ]
    assert len(names) == len(set(names))
    assert all(key == metric.id for key, metric in METRICS.items())
    assert set(COMPARED) <= METRICS.keys()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("delta_e", "ΔE00"),
        ("ΔE00", "ΔE00"),
        ("CIEDE2000", "ΔE00"),
        ("L1 x 100", "L1 × 100"),
        ("PSNR (dB)", "PSNR (dB)"),
        ("my own score", "my own score"),
    ],
)
def test_old_and_new_spellings_have_one_label(name: str, expected: str) -> None:
    assert label_of(name) == expected


def test_names_that_begin_alike_stay_apart() -> None:
    at_hints = find_metric("ΔE00 at the hints")
    assert at_hints is not None
    assert at_hints.id == "hint_delta_e"
    assert find_metric("ΔE00 of my own") is None


def test_values_are_printed_with_the_metric_s_digits() -> None:
    assert METRICS["ssim"].format(0.91234) == "0.912"
    assert METRICS["psnr"].format(23.456) == "23.46"
    assert METRICS["psnr"].label == "PSNR (dB)"
    assert (METRICS["l1"].arrow, METRICS["psnr"].arrow, METRICS["cast_a"].arrow) == ("↓", "↑", "")


def test_keys_of_rivals() -> None:
    assert (gray_key("l1"), base_key("l1")) == ("gray_l1", "base_l1")
