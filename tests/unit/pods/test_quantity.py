"""Quantities are read as the API reads them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tradewind.pods import quantity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("512Mi", 512 << 20),
        ("2Gi", 2 << 30),
        ("1k", 1000),
        ("500m", Decimal("0.5")),
        ("0.1", Decimal("0.1")),
        (".5", Decimal("0.5")),
        ("5.", 5),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("100n", Decimal("1e-7")),
        ("-1", -1),
        (2, 2),
        (0.5, Decimal("0.5")),
    ],
)
def test_a_quantity_is_a_number(text: Any, expected: Any) -> None:
    assert quantity.parse(text) == expected


@pytest.mark.parametrize("text", ["", "Mi", "1 Gi", "1mi", "1KB", "one", "1e", "--1", True, None])
def test_what_is_no_quantity_is_refused(text: Any) -> None:
    with pytest.raises(quantity.BadQuantity):
        quantity.parse(text)


def test_bytes_are_rounded_up() -> None:
    assert quantity.parse_bytes("1.5") == 2
