"""The held-out photographs that docs/quality.md is about, with what one may do with them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class QualitySet:
    """A folder of held-out photographs.

    Attributes
    ----------
    name : str
        Short.
    folder : str
        Below the data folder.
    source : str
        What it is and under which terms, as a sentence.
    is_shown : bool
        Whether those terms let small pictures of it appear in the documentation.
    """

    name: str
    folder: str
    source: str
    is_shown: bool = True


QUALITY_SETS = {
    each.name: each
    for each in (
        QualitySet(
            "bsds500",
            "test/bsds500",
            "100 photographs of the Berkeley Segmentation Data Set 500 (Arbeláez et al. 2011), "
            "for non-commercial research and education.",
        ),
        QualitySet(
            "prokudin",
            "test/prokudin",
            "16 plates of S. M. Prokudin-Gorskii, 1905–15, three colour exposures each, aligned; "
            "Library of Congress, public domain.",
        ),
        QualitySet(
            "imagenet_ajs",
            "natural/val/imagenet_ajs",
            "ImageNet photographs, held out, for non-commercial research.",
        ),
        QualitySet(
            "flickr8k_1000",
            "natural/val/flickr8k_1000",
            "Flickr8k photographs, held out; each is its photographer's, so none is shown.",
            is_shown=False,
        ),
        QualitySet(
            "intel",
            "natural/val/intel",
            "Intel's image classification scenes, held out; without a stated licence, so none is "
            "shown.",
            is_shown=False,
        ),
        QualitySet(
            "fsa_colour",
            "natural/val/fsa_colour",
            "Colour film of 1939–44 by the Farm Security Administration's photographers, held "
            "out; Library of Congress, public domain.",
        ),
    )
}
DEFAULT_SETS = tuple(QUALITY_SETS)
