"""Reports of long tests, kept in the project's `.reports/` for the pages that show them."""

from __future__ import annotations

import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[2] / ".reports"


def keep(name: str, text: str) -> None:
    """Print a report, and keep it under this name."""
    print(text)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / name).write_text(text + "\n", encoding="utf-8")
