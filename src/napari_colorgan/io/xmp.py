"""XMP: how an output was made, added to what its input said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from napari_colorgan.io.metadata import LARGEST, SOURCE_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_colorgan.io.metadata import FileMetadata

_IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_TIFF_PROPERTIES = "http://ns.adobe.com/tiff/1.0/"
_OWN = "urn:napari-colorgan:provenance/"


def output_xmp(kept: FileMetadata, metadata: Mapping[str, str], limit: int = LARGEST) -> bytes:
    """Return an XMP packet: the input's, and how the output was made.

    Parameters
    ----------
    kept : FileMetadata
        Of the input.
    metadata : mapping of str to str
        What is said about the output's making.
    limit : int
        Bytes that the format can hold; if the input's is too long for it, it is left out.
    """
    making = _making(metadata)
    packet = _extended(kept.xmp, making)
    if packet is None or len(packet) > limit:
        packet = (
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
            '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'{making}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
        ).encode()
    return packet


def read_making(packet: bytes | None) -> dict[str, str]:
    """Return what :func:`output_xmp` said about an output's making, nothing if it said nothing.

    Parameters
    ----------
    packet : bytes or None
        An XMP packet.
    """
    try:
        root = ElementTree.fromstring((packet or b"").decode("utf-8").strip("\0\ufeff"))
    except (ValueError, ElementTree.ParseError):
        return {}
    own = f"{{{_OWN}}}"
    return {e.tag.removeprefix(own): e.text or "" for e in root.iter() if e.tag.startswith(own)}


def _making(metadata: Mapping[str, str]) -> str:
    """Return the RDF that says how an output was made."""
    entries = "".join(
        f"<colorgan:{name}>{escape(value)}</colorgan:{name}>"
        for name, value in ((re.sub(r"[^A-Za-z0-9_]", "", key), v) for key, v in metadata.items())
        if name and not name[0].isdigit()
    )
    return (
        '<rdf:Description xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" rdf:about="" '
        f'xmlns:Iptc4xmpExt="{_IPTC_EXTENSION}" xmlns:colorgan="{_OWN}">'
        f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>"
        f"{entries}</rdf:Description>"
    )


def _extended(packet: bytes | None, making: str) -> bytes | None:
    """Return a packet with more in it, its other bytes as they were; None if it is damaged."""
    if not packet or len(packet) > LARGEST:
        return None
    try:
        text = packet.rstrip(b"\0").decode("utf-8")
        ElementTree.fromstring(text.lstrip("\ufeff"))
    except (ValueError, ElementTree.ParseError):
        return None
    for space, name in (
        (_TIFF_PROPERTIES, "Orientation"),  # pixels are upright now
        (_IPTC_EXTENSION, "DigitalSourceType"),
        (_IPTC_EXTENSION, "digitalSourceType"),
        (_OWN, r"\w+"),
    ):
        for prefix in set(re.findall(rf"xmlns:([\w.-]+)\s*=\s*[\"']{re.escape(space)}", text)):
            tag = rf"{prefix}:{name}"
            text = re.sub(rf"\s{tag}\s*=\s*(\"[^\"]*\"|'[^']*')", "", text)
            text = re.sub(rf"<({tag})\b[^>]*?(/>|>.*?</\1\s*>)", "", text, flags=re.DOTALL)
    end = [*re.finditer(r"</(?:[\w.-]+:)?RDF\s*>", text)]
    if not end:
        return None
    text = text[: end[-1].start()] + making + text[end[-1].start() :]
    try:
        ElementTree.fromstring(text.lstrip("\ufeff"))
    except ElementTree.ParseError:
        return None
    return text.encode()
