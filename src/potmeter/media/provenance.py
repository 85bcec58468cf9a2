"""A mark in a file's metadata that says how its content came about.

It names IPTC's term for the digital source (https://cv.iptc.org/newscodes/digitalsourcetype/) and holds the assertion
``c2pa.actions.v2`` of the C2PA specification 2.2 as JSON, both in an XMP packet: a chunk of a PNG, a segment of a JPEG, the
comment of a film. It is not signed, which takes a certificate. Whoever wants to can take it out: its absence proves nothing.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

from potmeter.media.medium import Medium
from potmeter.version import __version__

TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""What IPTC's terms begin with."""
SOFTWARE = "potmeter"
"""Who makes our marks."""
FOUND = re.compile(rb"(?:https?:)//cv\.iptc\.org/newscodes/digitalsourcetype/(\w+)")
TOOL = re.compile(rb"<xmp:CreatorTool>([^<]{1,80})</xmp:CreatorTool>")
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
"""What an XMP segment of a JPEG begins with."""


@dataclass(frozen=True)
class Provenance:
    """How a picture or a film came about.

    Args:
        source_type: IPTC's term: ``compositeWithTrainedAlgorithmicMedia``, ``trainedAlgorithmicMedia`` …
        action: C2PA's term of what was done: ``c2pa.edited``, ``c2pa.created`` …
        description: The same in words.
        software: With what.
    """

    source_type: str
    action: str = ""
    description: str = ""
    software: str = f"{SOFTWARE} {__version__}"

    @property
    def is_ours(self) -> bool:
        """Whether the mark says that this package made it."""
        return self.software.split(" ")[0] == SOFTWARE

    def assertion(self) -> dict[str, Any]:
        """The assertion, as C2PA's JSON manifests have it."""
        name, _, version = self.software.partition(" ")
        agent = {"name": name, "version": version}
        action = {
            "action": self.action,
            "digitalSourceType": TERMS + self.source_type,
            "softwareAgent": agent,
            "description": self.description,
        }
        return {
            "claim_generator_info": [agent],
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
        }

    def xmp(self) -> str:
        """The XMP packet."""
        assertion = html.escape(json.dumps(self.assertion()), quote=False)
        return (
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
            'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
            'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
            'xmlns:potmeter="potmeter:">'
            f"<Iptc4xmpExt:DigitalSourceType>{TERMS}{self.source_type}</Iptc4xmpExt:DigitalSourceType>"
            f"<xmp:CreatorTool>{html.escape(self.software)}</xmp:CreatorTool>"
            f"<potmeter:c2pa>{assertion}</potmeter:c2pa>"
            '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
        )


@dataclass(frozen=True, eq=False)
class Manifest(Medium):
    """A provenance mark as a file beside the one that it is about: C2PA's JSON."""

    provenance: Provenance

    suffix = ".json"
    formats = (".json",)
    noun = "a manifest"
    suffixes = (".json",)

    def encode(self, suffix: str) -> bytes:
        self.check_format(suffix)
        return (json.dumps(self.provenance.assertion(), indent=2) + "\n").encode()

    def html(self) -> str:
        assertion = html.escape(json.dumps(self.provenance.assertion(), indent=2))
        folded = f"<details><summary>as C2PA's JSON</summary><pre>{assertion}</pre></details>"
        return f"<p>{html.escape(self.provenance.description or self.provenance.source_type)}</p>{folded}"

    def json(self) -> dict[str, Any]:
        return self.provenance.assertion()


def read_provenance(data: bytes) -> Provenance | None:
    """The mark in a file's metadata, whoever made it; None where there is none."""
    found = FOUND.search(data)
    if found is None:
        return None
    tool = TOOL.search(data)
    return Provenance(found[1].decode(), software=html.unescape(tool[1].decode("utf-8", "replace")) if tool else "")


def mark_jpeg(data: bytes, provenance: Provenance) -> bytes:
    """A JPEG's bytes with the mark as its first segment but JFIF's."""
    packet = XMP_HEAD + provenance.xmp().encode()
    segment = b"\xff\xe1" + (len(packet) + 2).to_bytes(2, "big") + packet
    start = 2 if data[2:4] != b"\xff\xe0" else 4 + int.from_bytes(data[4:6], "big")
    return data[:start] + segment + data[start:]
