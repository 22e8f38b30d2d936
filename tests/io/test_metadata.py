"""What a file says beside its pixels is kept in every format that can hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image, ImageCms

from napari_colorgan.axes import Axes
from napari_colorgan.io import read_stack, stack_writer
from napari_colorgan.io.metadata import (
    SOURCE_TYPE,
    FileMetadata,
    load_exif,
    orientation,
    output_exif,
)
from napari_colorgan.io.profiles import srgb_profile
from napari_colorgan.io.xmp import output_xmp

if TYPE_CHECKING:
    from pathlib import Path

MAKING = {"software": "napari-colorgan 1", "model": "ü <b>", "colour": "predicted"}
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:t="http://ns.adobe.com/tiff/1.0/" '
    b't:Orientation="6" xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    b'e:DigitalSourceType="digitalCapture"><dc:title>Market \xe5\xb8\x82</dc:title>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)
IPTC = b"\x1c\x02\x05\x00\x06Market\x1c\x02\x74\x00\x04Mine"
ARTIST, COPYRIGHT, DATE = "Zoë Ångström", "(c) 1936", "1936:07:04 10:00:00"
OME = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
    '<Pixels ID="Pixels:0"><TiffData IFD="0"/></Pixels></Image><StructuredAnnotations>'
    '<MapAnnotation ID="Annotation:7" Namespace="lab"><Value><M K="stain">H&amp;E</M></Value>'
    "</MapAnnotation></StructuredAnnotations></OME>"
)
FORMATS = ["a.png", "a.jpg", "a.tif", "a.jp2", "a.webp", "a.zarr"]


def exif_block() -> bytes:
    exif = Image.Exif()
    exif[274] = 6
    exif[315] = ARTIST.encode()
    exif[33432] = COPYRIGHT
    exif[306] = DATE
    exif.get_ifd(34665).update({36867: DATE, 33434: 0.01})
    exif.get_ifd(34853).update({1: "N", 2: (48.0, 8.0, 2.0)})
    return exif.tobytes().removeprefix(b"Exif\0\0")


KEPT = FileMetadata((300.0, 300.0), exif_block(), XMP, IPTC, OME, {"Comment": "a print 印"})


def write(path: Path, **options: Any) -> np.ndarray:
    pixels = np.random.default_rng(3).integers(0, 256, (8, 12, 3), np.uint8)
    with stack_writer(
        path, pixels.shape, "uint8", Axes("YXS"), metadata=MAKING, kept=KEPT, **options
    ) as target:
        target.write((), pixels)
    return pixels


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_file_says_is_kept_and_how_it_was_made_is_added(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    stack = read_stack(tmp_path / name)
    kept = stack.metadata
    exif = load_exif(kept.exif)
    assert exif[315].encode("latin-1").decode() == ARTIST
    assert (exif[33432], exif[306]) == (COPYRIGHT, DATE)
    details = exif.get_ifd(34665)
    assert (details[36867], float(details[33434])) == (DATE, 0.01)
    assert [float(part) for part in exif.get_ifd(34853)[2]] == [48, 8, 2]
    if name == "a.zarr":
        attributes = zarr.open_group(str(tmp_path / name), mode="r").attrs["napari_colorgan"]
        assert attributes["digitalSourceType"] == SOURCE_TYPE
        assert attributes["source_metadata"]["xmp"] == XMP.decode()
    else:
        assert orientation(kept.exif) == 1
        assert kept.xmp is not None
        assert SOURCE_TYPE in kept.xmp.decode()
        assert "digitalCapture" not in kept.xmp.decode()
        assert "Market 市" in kept.xmp.decode()
        assert b"Orientation" not in kept.xmp
        root = ElementTree.fromstring(kept.xmp)
        model = next(each for each in root.iter() if each.tag.endswith("}model"))
        assert model.text == MAKING["model"]
    if name != "a.webp":  # which has no place for these
        assert kept.dpi == pytest.approx((300, 300), rel=1e-3)
        assert kept.iptc == IPTC


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_pillow_finds_the_same(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    with Image.open(tmp_path / name) as image:
        image.load()
        exif = image.getexif()
        assert exif[33432] == COPYRIGHT
        assert exif.get(274, 1) == 1
        assert exif.get_ifd(34665)[36867] == DATE
        if name != "a.webp":
            assert image.info["dpi"] == pytest.approx((300, 300), rel=1e-3)
        if name == "a.png":
            assert image.info["srgb"] == 1
        else:
            assert image.info["icc_profile"] == srgb_profile()


def test_ome_annotations_are_kept_under_new_numbers(tmp_path: Path) -> None:
    write(tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        root = ElementTree.fromstring(file.ome_metadata)
    names = {each.get("ID"): each for each in root.iter() if each.get("Namespace")}
    references = [each.get("ID") for each in root.iter() if each.tag.endswith("}AnnotationRef")]
    assert sorted(names) == sorted(references) == [f"Annotation:{n}" for n in range(3)]
    stain = next(each for each in root.iter() if each.get("K") == "stain")
    assert stain.text == "H&E"
    original = next(e for e in names.values() if e.get("Namespace") == "napari-colorgan/source")
    text = "".join(original.itertext())
    assert "Annotation:7" in text
    assert "TiffData" not in text


def test_damaged_notes_are_left_out() -> None:
    broken = FileMetadata(exif=b"II*\0\xff\xff", xmp=b"<x><rdf:RDF></x>", iptc=b"")
    assert load_exif(output_exif(broken, MAKING, (3, 4)))[305] == MAKING["software"]
    packet = output_xmp(broken, MAKING)
    ElementTree.fromstring(packet.decode().lstrip("\ufeff"))
    assert SOURCE_TYPE.encode() in packet


def test_notes_that_are_too_long_for_a_jpeg_lose_the_makers_own_first(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[33432] = COPYRIGHT
    exif.get_ifd(34665).update({36867: DATE, 37500: bytes(70000)})
    long = FileMetadata(exif=exif.tobytes(), xmp=XMP.replace(b"Market", b"M" * 70000))
    with stack_writer(tmp_path / "a.jpg", (4, 5, 3), "uint8", Axes("YXS"), kept=long) as target:
        target.write((), np.zeros((4, 5, 3), np.uint8))
    kept = read_stack(tmp_path / "a.jpg").metadata
    assert load_exif(kept.exif).get_ifd(34665)[36867] == DATE
    assert kept.xmp is not None
    assert SOURCE_TYPE.encode() in kept.xmp


def test_profiles_are_judged_by_what_they_do(tmp_path: Path) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (8, 12, 3), np.uint8)
    usual = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=usual)
    np.testing.assert_array_equal(read_stack(tmp_path / "a.png").data, pixels)
    # One that is called sRGB, but is linear: its curves are replaced.
    start = usual.find(b"para")
    while start >= 0:
        usual = (
            usual[: start + 8]
            + bytes(2)
            + bytes(2)
            + (65536).to_bytes(4, "big")
            + usual[start + 16 :]
        )
        start = usual.find(b"para", start + 4)
    Image.fromarray(pixels).save(tmp_path / "b.png", icc_profile=usual)
    shown = np.asarray(read_stack(tmp_path / "b.png").data).astype(int)
    assert (shown - pixels)[pixels < 128].mean() > 30
