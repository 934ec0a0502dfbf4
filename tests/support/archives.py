"""Zip archives with DAG files, for tests: packed from text, encrypted or broken where asked."""

from __future__ import annotations

import pathlib
import textwrap
import zipfile
from collections.abc import Mapping


def pack(archive: pathlib.Path, files: Mapping[str, str], *, compression: int = zipfile.ZIP_DEFLATED) -> pathlib.Path:
    """Put it in place at once, as whoever deploys one should."""
    beside = archive.with_name(archive.name + ".part")
    with zipfile.ZipFile(beside, "w", compression) as opened:
        for name, text in files.items():
            opened.writestr(name, textwrap.dedent(text))
    beside.replace(archive)
    return archive


def encrypt(archive: pathlib.Path) -> pathlib.Path:
    """Say of each member that it is encrypted, in both headers (APPNOTE 4.3.7 and 4.3.12)."""
    content = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(signature)
        while place >= 0:
            content[place + offset] |= 0x1
            place = content.find(signature, place + 4)
    archive.write_bytes(content)
    return archive


def damage(archive: pathlib.Path, text: str) -> pathlib.Path:
    """Change what a stored member holds, so that its checksum is wrong."""
    content = archive.read_bytes()
    assert text.encode() in content, "only a stored member can be damaged at a place"
    archive.write_bytes(content.replace(text.encode(), text.swapcase().encode()))
    return archive
