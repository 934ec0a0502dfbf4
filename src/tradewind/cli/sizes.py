"""Sizes as people read them."""

from __future__ import annotations


def shown(number: int) -> str:
    """`812 B`, `4.2 KiB`, `1.4 GiB`."""
    size, unit = float(number), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
