"""The reference page of metrics is the one that the table makes."""

from __future__ import annotations

import pathlib
import runpy


def test_the_committed_page_is_current(project_root: pathlib.Path) -> None:
    pages = runpy.run_path(str(project_root / "scripts" / "reference" / "metrics.py"))["pages"]()
    for path, text in pages.items():
        assert (project_root / "docs" / path).read_text() == text, (
            "made anew by `pages()` of scripts/reference/metrics.py"
        )
