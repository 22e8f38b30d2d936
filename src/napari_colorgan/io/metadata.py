"""What an image file says beside its pixels: kept in outputs, with a note on how they were made.

Every format has its own places for these; its writer asks here for what goes into them. Files are
data: what can't be read is left out, and nothing in them is obeyed.
"""

from __future__ import annotations

import base64
import re
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL.Image import Exif

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for a picture that a trained model has added to."""
SOURCE_TYPE_KEY = "digitalSourceType"
"""What OME-Zarr and films call that term; writers add it to what they are told."""

# The tags of a file's first directory that describe it; the others describe how pixels lie in it.
_DESCRIPTION, _ORIENTATION, _SOFTWARE = 270, 274, 305
KEPT_TAGS = (269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, 18246, *range(40091, 40096))
EXIF_DIRECTORY, GPS_DIRECTORY = 34665, 34853
_COLOR_SPACE, _WIDTH, _HEIGHT, _MAKER_NOTE = 40961, 40962, 40963, 37500
_SRGB = 1
_ANNOTATIONS = "StructuredAnnotations"
# No more of a text or profile is kept than people write by hand or programs for them.
LARGEST = 16 * 2**20
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])[\"'<]")


@dataclass(frozen=True, eq=False)
class FileMetadata:
    """What a file says beside its pixels.

    Attributes
    ----------
    dpi : (float, float) or None
        Pixels per inch along X and Y of the picture as it is shown.
    exif : bytes or None
        An EXIF block, which begins with TIFF's header.
    xmp : bytes or None
        An XMP packet.
    iptc : bytes or None
        IPTC records.
    ome : str or None
        OME-XML.
    texts : mapping of str to str
        Comments and other texts by their keywords.
    ngff : mapping or None
        What an OME-Zarr says of its channels and rendering, and its name; as JSON has it.
    """

    dpi: tuple[float, float] | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    ome: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    ngff: Mapping[str, Any] | None = None

    def turned(self) -> FileMetadata:
        """Return the same for a picture that lay on its side."""
        return replace(self, dpi=(self.dpi[1], self.dpi[0]) if self.dpi else None)

    def attributes(self) -> dict[str, Any]:
        """Return the same for formats that hold JSON; bytes become base64."""
        values: dict[str, Any] = {"dpi": list(self.dpi)} if self.dpi else {}
        for name in ("exif", "iptc"):
            data = getattr(self, name)
            if data:
                values[name] = base64.b64encode(data).decode()
        if self.xmp:
            values["xmp"] = self.xmp.decode("utf-8", "replace")
        if self.ome:
            values["ome"] = self.ome
        if self.ngff:
            values["ngff"] = dict(self.ngff)
        described = {str(tag): str(value) for tag, value in load_exif(self.exif).items()}
        if described:
            values["tags"] = described
        return {**values, **({"texts": dict(self.texts)} if self.texts else {})}


def load_exif(block: bytes | None) -> Exif:
    """Return the tags of an EXIF block, none where it can't be read.

    Parameters
    ----------
    block : bytes or None
        With or without the leading "Exif".
    """
    from PIL import Image

    exif = Image.Exif()
    if not block:
        return exif
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is damaged in it
        try:
            exif.load(block if block.startswith(b"Exif\0\0") else b"Exif\0\0" + block)
            for directory in (EXIF_DIRECTORY, GPS_DIRECTORY):
                exif.get_ifd(directory)
            dict(exif)
        except Exception:  # noqa: BLE001  # Pillow raises anything on damaged blocks
            return Image.Exif()
    return exif


def orientation(block: bytes | None, xmp: bytes | None = None) -> int:
    """Return the orientation that a file states, 1 where it states none.

    Parameters
    ----------
    block : bytes or None
        Its EXIF block.
    xmp : bytes or None
        Its XMP packet, which counts where EXIF says nothing.
    """
    value = load_exif(block).get(_ORIENTATION)
    if value is None and xmp:
        match = _XMP_ORIENTATION.search(xmp[:LARGEST])
        value = int(match[1]) if match else None
    return value if isinstance(value, int) and value in range(1, 9) else 1


def output_exif(
    kept: FileMetadata, metadata: Mapping[str, str], size: tuple[int, int], limit: int = LARGEST
) -> bytes:
    """Return the EXIF block of an output: the input's, of an upright picture in sRGB.

    Parameters
    ----------
    kept : FileMetadata
        Of the input.
    metadata : mapping of str to str
        What is said about the output's making; "software" is among it.
    size : (int, int)
        Rows and columns of the output.
    limit : int
        Bytes that the format can hold; the maker's notes are the first to go.

    Returns
    -------
    bytes
        With TIFF's header, without "Exif".
    """
    exif = load_exif(kept.exif)
    for tag in [tag for tag in exif if tag not in (*KEPT_TAGS, EXIF_DIRECTORY, GPS_DIRECTORY)]:
        del exif[tag]
    if "software" in metadata:
        exif[_SOFTWARE] = _latin(metadata["software"])
    details = exif.get_ifd(EXIF_DIRECTORY)
    if details:
        details[_COLOR_SPACE] = _SRGB
        details[_HEIGHT], details[_WIDTH] = size
    for attempt in range(3):
        try:
            block = encode_exif(exif)
        except Exception:  # noqa: BLE001  # values that Pillow read, but can't write
            block = b""
        if block and len(block) <= limit:
            return block
        if attempt == 0:
            details.pop(_MAKER_NOTE, None)
        else:
            exif = type(exif)()
            exif[_SOFTWARE] = _latin(metadata.get("software", ""))
    return b""


def encode_exif(exif: Exif) -> bytes:
    """Return tags as an EXIF block, texts with the bytes that they had.

    Parameters
    ----------
    exif : Exif
        The tags; texts are replaced by bytes in place.
    """
    for tag, value in list(exif.items()):
        # Pillow writes text as ASCII, but bytes as they are.
        if isinstance(value, str) and not value.isascii():
            exif[tag] = stored_text(value)
    block: bytes = exif.tobytes()
    return block.removeprefix(b"Exif\0\0")


def stored_text(value: str) -> bytes:
    """Return the bytes of a text in EXIF, which Pillow takes for Latin-1 whatever they are.

    Parameters
    ----------
    value : str
        As Pillow reads it.
    """
    return value.encode("latin-1", "replace")


def description(kept: FileMetadata) -> str:
    """Return the description in EXIF, "" if there is none.

    Parameters
    ----------
    kept : FileMetadata
        Of a file that was read.
    """
    value = load_exif(kept.exif).get(_DESCRIPTION, "")
    data = stored_text(value) if isinstance(value, str) else b""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _latin(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def ome_annotations(ome: str | None, taken: int) -> tuple[str, str]:
    """Return the annotations of an input's OME-XML for that of an output.

    Parameters
    ----------
    ome : str or None
        The input's.
    taken : int
        How many annotations the output has by itself.

    Returns
    -------
    annotations : str
        Elements for StructuredAnnotations; the last has all of the input's OME-XML as its text, but
        for what says where pixels lie.
    references : str
        Elements for the image.
    """
    if not ome:
        return "", ""
    try:
        root = ElementTree.fromstring(ome)
    except ElementTree.ParseError:
        return "", ""
    space = root.tag.partition("}")[0].lstrip("{")
    kept = [each for parent in root.iter() if _kind(parent) == _ANNOTATIONS for each in parent]
    whole = re.sub(
        r"<((?:\w+:)?(?:TiffData|BinData))\b[^>]*?(?:/>|>.*?</\1\s*>)", "", ome, flags=re.DOTALL
    )
    elements: list[str] = []
    for element in kept:
        text = _without_namespace(element, space)
        # Numbers start anew, since the output's own annotations have some already.
        element_id = f'ID="Annotation:{taken + len(elements)}"'
        elements.append(re.sub(r'ID="[^"]*"', element_id, text, count=1))
    elements.append(
        f'<CommentAnnotation ID="Annotation:{taken + len(elements)}" '
        f'Namespace="napari-colorgan/source"><Value>{escape(whole)}</Value></CommentAnnotation>'
    )
    references = "".join(
        f'<AnnotationRef ID="Annotation:{taken + number}"/>' for number in range(len(elements))
    )
    return "".join(elements), references


def _kind(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _without_namespace(element: ElementTree.Element, space: str) -> str:
    for each in element.iter():
        if each.tag.startswith(f"{{{space}}}"):
            each.tag = each.tag.partition("}")[2]
    text: str = ElementTree.tostring(element, "unicode").strip()
    return text
