"""What each file of a bundle gave last, packed.

Between two looks nobody reads it, and as objects it takes six times the memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tradewind.ports.runtime import ParseResult

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(ParseResult).decode


class LastGood:
    """By path."""

    def __init__(self) -> None:
        self._packed: dict[str, bytes] = {}

    def keep(self, path: str, result: ParseResult) -> None:
        """Instead of what it gave before."""
        self._packed[path] = _pack(result)

    def forget(self, path: str) -> None:
        """The file is gone."""
        self._packed.pop(path, None)

    def __contains__(self, path: str) -> bool:
        """Whether it gave anything."""
        return path in self._packed

    def items(self) -> Iterator[tuple[str, ParseResult]]:
        """In order of path, each unpacked as it comes."""
        for path in sorted(self._packed):
            yield path, _unpack(self._packed[path])
