"""The site is built without a warning, and a page of it needs nothing but the site."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from tests.docs import pages

BUILDER = pages.ROOT / "scripts" / "docs"
# What makes a browser fetch: an attribute of a tag. A link to follow (`a`) fetches nothing by itself.
_FETCHED = {"src", "srcset", "poster", "data", "action"}


def copied(folder: pathlib.Path) -> pathlib.Path:
    """The sources of the site, in a project of their own."""
    shutil.copy(pages.ROOT / "zensical.toml", folder)
    shutil.copytree(pages.DOCS, folder / "docs")
    return folder


def build(project: pathlib.Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BUILDER), "--project", str(project)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    project = copied(tmp_path_factory.mktemp("site"))
    done = build(project)
    assert done.returncode == 0, done.stdout + done.stderr
    return project / ".site"


def test_every_page_is_in_the_site(site: pathlib.Path) -> None:
    made = {path.relative_to(site).with_suffix(".md").as_posix() for path in site.rglob("*.html")}

    assert {path.relative_to(pages.DOCS).as_posix() for path in pages.DOCS.rglob("*.md")} <= made
    assert (site / "search.json").stat().st_size > 10_000


class Fetches(HTMLParser):
    """What a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = _FETCHED | ({"href"} if tag == "link" else set())
        self.addresses += [value for name, value in attrs if name in wanted and value]


def test_pages_and_styles_load_nothing_from_another_host(site: pathlib.Path) -> None:
    fetched = Fetches()
    for page in site.rglob("*.html"):
        fetched.feed(page.read_text(encoding="utf-8"))
    styles = [found for css in site.rglob("*.css") for found in re.findall(r"url\(([^)]+)\)|@import", css.read_text())]

    assert len(fetched.addresses) > 50
    assert [one for one in fetched.addresses if re.match(r"(\w+:)?//", one)] == []
    assert [one for one in styles if re.match(r"[\"']?(https?:)?//", one)] == []


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("page does not exist", lambda docs: add(docs / "index.md", "[x](nothing.md)")),
        ("anchor does not exist", lambda docs: add(docs / "index.md", "[x](reference/states.md#nothing)")),
        ("names concepts/versions.md, which is not", lambda docs: (docs / "concepts" / "versions.md").unlink()),
        ("docs/stray.md is not in the navigation", lambda docs: add(docs / "stray.md", "# Stray")),
    ],
    ids=["a broken link", "a broken anchor", "a page that is not there", "a page that nothing leads to"],
)
def test_the_builder_fails_for(said: str, change: Callable[[pathlib.Path], object], tmp_path: pathlib.Path) -> None:
    project = copied(tmp_path)
    change(project / "docs")

    done = build(project)

    assert done.returncode == 1
    assert said in done.stdout + done.stderr


def add(page: pathlib.Path, text: str) -> None:
    before = page.read_text() if page.exists() else ""
    page.write_text(f"{before}\n{text}\n")
