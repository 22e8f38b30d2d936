"""The held-out images that docs/quality.md is about, with what one may do with them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class QualitySet:
    """Folders of held-out images.

    Attributes
    ----------
    name : str
        Short.
    folders : tuple of str
        Below the data folder.
    source : str
        What it is and under which terms, as a sentence.
    is_shown : bool
        Whether those terms let small pictures of it appear in the documentation.
    on_card : bool
        Whether they let pictures of it travel inside the model's file.
    model : str
        The bundled model that is made for such images.
    trained_on : tuple of str
        Folders of training images whose mean colours are its baselines.
    """

    name: str
    folders: tuple[str, ...]
    source: str
    is_shown: bool = True
    on_card: bool = False
    model: str = "natural"
    trained_on: tuple[str, ...] = ("natural/train",)


def _microscopy(kind: str, *sources: str) -> tuple[str, ...]:
    return tuple(f"microscopy/{kind}/{source}" for source in sources)


STAINS = {
    "tissue": ("monuseg", "gbm40", "histolab_tcga", "dsb2018"),
    "blood": ("bccd", "chula_rbc", "wbc_zheng2"),
    "IHC": ("ki67_rouland", "deepliif_ihc", "qupath_ki67"),
}
"""The sources of microscopy's pictures by their stain."""
TISSUE, BLOOD, IHC = (_microscopy("train", *sources) for sources in STAINS.values())


# Their terms are on the model's card; none of them lets pictures be handed on.
_SECOND_COLLECTION = {
    "coco_fernando": "Everyday scenes of COCO",
    "imagenet_aaston": "ImageNet, 20 classes",
    "imagenette": "ImageNet, 10 classes",
    "bangla": "Daily life and rivers",
    "sysu_scene": "People, traffic and animals",
    "unsplash_prasad": "Photographs from Unsplash",
    "sports": "People in 22 sports",
    "photo_gan": "Landscapes",
    "airbnb": "Rooms",
}


QUALITY_SETS = {
    each.name: each
    for each in (
        QualitySet(
            "bsds500",
            ("test/bsds500",),
            "100 photographs of the Berkeley Segmentation Data Set 500 (Arbeláez et al. 2011), "
            "for non-commercial research and education.",
        ),
        QualitySet(
            "prokudin",
            ("test/prokudin",),
            "16 plates of S. M. Prokudin-Gorskii, 1905–15, three colour exposures each, aligned; "
            "Library of Congress, public domain.",
            on_card=True,
        ),
        QualitySet(
            "documerica",
            ("test/documerica",),
            "20 muted colour photographs of the 1970s from the EPA's Documerica, National "
            "Archives, public domain.",
            on_card=True,
        ),
        QualitySet(
            "imagenet_ajs",
            ("natural/val/imagenet_ajs",),
            "ImageNet photographs, held out, for non-commercial research.",
        ),
        QualitySet(
            "flickr8k_1000",
            ("natural/val/flickr8k_1000",),
            "Flickr8k photographs, held out; each is its photographer's, so none is shown.",
            is_shown=False,
        ),
        QualitySet(
            "intel",
            ("natural/val/intel",),
            "Intel's image classification scenes, held out; without a stated licence, so none is "
            "shown.",
            is_shown=False,
        ),
        QualitySet(
            "fsa_colour",
            ("natural/val/fsa_colour",),
            "Colour film of 1939–44 by the Farm Security Administration's photographers, held "
            "out; Library of Congress, public domain.",
            on_card=True,
        ),
        *(
            QualitySet(name, (f"natural/val/{name}",), f"{source}, held out.", is_shown=False)
            for name, source in _SECOND_COLLECTION.items()
        ),
        QualitySet(
            "tissue",
            _microscopy("val", "monuseg", "gbm40", "dsb2018"),
            "H&E-stained tissue of slides that were held out: MoNuSeg, GBM40 and the Data Science "
            "Bowl 2018.",
            is_shown=False,
            model="microscopy",
            trained_on=TISSUE,
        ),
        QualitySet(
            "blood",
            _microscopy("val", "bccd", "chula_rbc", "wbc_zheng2"),
            "Blood smears that were held out: BCCD, Chula RBC-12 and those of Zheng et al. 2018.",
            is_shown=False,
            model="microscopy",
            trained_on=BLOOD,
        ),
        QualitySet(
            "ihc",
            _microscopy("val", "ki67_rouland", "deepliif_ihc"),
            "Haematoxylin and DAB (Ki-67), held out: a slide of Rouland's and DeepLIIF's.",
            is_shown=False,
            model="microscopy",
            trained_on=IHC,
        ),
        QualitySet(
            "monuseg",
            _microscopy("val", "monuseg"),
            "Of these, MoNuSeg's (Kumar et al. 2017), CC BY-NC-SA 4.0.",
            model="microscopy",
            trained_on=TISSUE,
        ),
        QualitySet(
            "dsb2018",
            _microscopy("val", "dsb2018"),
            "Of these, the Data Science Bowl 2018's (Caicedo et al. 2019), CC0.",
            on_card=True,
            model="microscopy",
            trained_on=TISSUE,
        ),
        QualitySet(
            "chula_rbc",
            _microscopy("val", "chula_rbc"),
            "Of these, Chula RBC-12's (Naruenatthanaset et al. 2021), MIT.",
            on_card=True,
            model="microscopy",
            trained_on=BLOOD,
        ),
        QualitySet(
            "bccd",
            _microscopy("val", "bccd"),
            "Of these, BCCD's (Shenggan et al.), MIT.",
            model="microscopy",
            trained_on=BLOOD,
        ),
    )
}
PROBES = {"natural": "bsds500", "microscopy": "tissue"}
"""The set of each model on which vividness and hints are tried."""


def sets_of(model: str, scale: object) -> list[QualitySet]:
    """Return the sets that a model is measured on; one that isn't bundled, by its scale."""
    if model not in PROBES:
        model = "natural" if scale == "fit" else "microscopy"
    return [each for each in QUALITY_SETS.values() if each.model == model]
