"""Links of the pages lead somewhere: to files that are there, and to headings that are in them."""

from __future__ import annotations

import pathlib

import pytest

from tests.docs import pages


@pytest.mark.parametrize("path", pages.paths(), ids=pages.name)
def test_links_and_anchors_lead_somewhere(path: pathlib.Path) -> None:
    broken = [target for target in pages.links(path) if not target.startswith("https://") and not leads(path, target)]

    assert broken == []


def leads(path: pathlib.Path, target: str) -> bool:
    file, _, anchor = target.partition("#")
    to = (path.parent / file).resolve() if file else path
    if path.is_relative_to(pages.DOCS) and not to.is_relative_to(pages.DOCS):
        return False  # the site holds docs/ only
    return to.exists() and (not anchor or anchor in pages.anchors(to))


def test_a_link_to_nothing_is_found(tmp_path: pathlib.Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b.c` heading\n\n[a](nothing.md) [b](#a-bc-heading) [c](page.md#nothing)\n")

    assert [target for target in pages.links(page) if not leads(page, target)] == ["nothing.md", "page.md#nothing"]
