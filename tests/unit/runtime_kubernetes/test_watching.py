"""Lines of a stream, however its bytes are cut."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.ports import errors
from tradewind.runtime.kubernetes import watching


async def cut(text: bytes, places: list[int]) -> AsyncIterator[bytes]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    for start, end in itertools.pairwise(edges):
        if end > start:
            yield text[start:end]


async def lines_of(chunks: AsyncIterator[bytes]) -> list[bytes]:
    lines, found = watching.Lines(chunks), []
    while (line := await lines.next()) is not None:
        found.append(line)
    return found


@given(st.text("ab \n", max_size=30).map(str.encode), st.lists(st.integers(0, 40), max_size=8))
def test_lines_do_not_depend_on_where_the_bytes_were_cut(text: bytes, places: list[int]) -> None:
    expected = [line for line in text.split(b"\n")[:-1] if line.strip()]
    assert asyncio.run(lines_of(cut(text, places))) == expected


def test_a_line_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_LONGEST_LINE", 100)
    with pytest.raises(errors.Transient) as caught:
        asyncio.run(lines_of(cut(b"a" * 1000, [50, 150, 250])))
    assert caught.value.code == "nonsense"
