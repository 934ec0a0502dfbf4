"""The Python that the pages show is Python, and its DAG files run."""

from __future__ import annotations

import pathlib
import re

import pytest

from tests.docs import pages
from tests.support import server

PYTHON = [block for path in pages.paths() for block in pages.blocks(path) if block.language in ("python", "py")]
DAG_FILES = [block for block in PYTHON if any(re.search(r"\bDAG\(|@dag\b", line) for line in block.lines)]


def where(block: pages.Block) -> str:
    return f"{block.page}:{block.line}"


@pytest.mark.parametrize("block", PYTHON, ids=where)
def test_python_of_a_page_can_be_read(block: pages.Block) -> None:
    compile("\n".join(block.lines), where(block), "exec")


@pytest.mark.parametrize("block", DAG_FILES, ids=where)
def test_a_dag_file_of_a_page_runs(block: pages.Block, tmp_path: pathlib.Path) -> None:
    """One that is named is only loaded; what runs it is a command of its page."""
    file = tmp_path / "dag.py"
    file.write_text("\n".join(block.lines) + "\n")

    if block.not_run or block.file:
        server.tradewind("lint", str(file))
    else:
        server.tradewind("run", str(file))


def test_pages_show_dag_files() -> None:
    assert len(DAG_FILES) > 1
