"""The pages of the documentation, read: their fenced blocks, links and anchors.

A block that calls `tradewind` is run by the tests, unless a line `<!-- not run: reason -->` stands before it.
`<!-- exit code: 1 -->` there says how its last command ends where that is not 0. Blocks of `text` are no commands.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OUTSIDE = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)[^`]*$")
_REMARK = re.compile(r"<!-- (?P<what>not run|exit code): (?P<value>.+?) -->")
_COMMAND = re.compile(r"(?:[A-Z_]+=\S+ +)*(?:tradewind(?: |$)|python -m tradewind\b|pytest )")
_FILE = re.compile(r"# ([\w./-]+\.(?:py|toml|env|yaml|json))$")


@dataclasses.dataclass(frozen=True)
class Command:
    """One command, and the lines that the page shows as its output."""

    text: str
    shown: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    language: str
    lines: tuple[str, ...]
    not_run: str = ""
    exit_code: int = 0

    @property
    def commands(self) -> list[Command]:
        """What is typed, one by one; of `bash` the whole block is one."""
        if self.language != "console":
            return [Command("\n".join(self.lines))]
        found: list[tuple[list[str], list[str]]] = []
        for line in self.lines:
            if line.startswith("$ "):
                found.append(([line[2:]], []))
            elif found and line.startswith("> ") and not found[-1][1]:
                found[-1][0].append(line[2:])
            elif found:
                found[-1][1].append(line)
        return [Command("\n".join(typed), tuple(shown)) for typed, shown in found]

    @property
    def file(self) -> str:
        """The name in the comment that is its first line; "" where it has none."""
        found = _FILE.match(self.lines[0]) if self.lines else None
        return found[1] if found else ""

    @property
    def is_ours(self) -> bool:
        """Whether it calls `tradewind`."""
        return self.language in ("console", "bash", "sh", "shell", "") and any(
            _COMMAND.match(line.removeprefix("$ ").removeprefix("> ")) for line in self.lines
        )


def paths() -> list[Path]:
    """Every page that people read, the made ones too."""
    return [*sorted(DOCS.rglob("*.md")), *(ROOT / name for name in OUTSIDE)]


def name(path: Path) -> str:
    """Its path in the repository."""
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    inside: list[str] | None = None
    opened = ("", "", 0)
    remarks: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fence = _FENCE.match(line)
        if inside is not None and line.strip() == "```":
            indent, language, at = opened
            lines = tuple(one.removeprefix(indent) for one in inside)
            code = int(remarks.get("exit code", "0"))
            found.append(Block(name(path), at, language, lines, remarks.get("not run", ""), code))
            inside, remarks = None, {}
        elif inside is not None:
            inside.append(line)
        elif fence:
            inside, opened = [], (fence["indent"], fence["language"], number)
        elif line.strip():
            remarks = {one["what"]: one["value"] for one in _REMARK.finditer(line)}
    return found


def prose(path: Path) -> str:
    """The page without its blocks and without code in lines."""
    lines, inside = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        if _FENCE.match(line):
            inside = not inside
        lines.append("" if inside or _FENCE.match(line) else re.sub(r"`[^`]*`", "`code`", line))
    return "\n".join(lines)


def links(path: Path) -> Iterator[str]:
    """Where the links of a page lead, as they are written."""
    for found in re.finditer(r"\]\((?P<target>[^()\s]+)\)", prose(path)):
        yield found["target"]


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as Python-Markdown's toc makes them, and those that are written out."""
    found: set[str] = set()
    for line in _headings(path):
        given = re.search(r"\{ ?#([\w.-]+) ?\}$", line)
        slug = given[1] if given else _slug(line)
        unique, number = slug, 0
        while unique in found:
            number += 1
            unique = f"{slug}_{number}"
        found.add(unique)
    return found


def _headings(path: Path) -> Iterator[str]:
    inside = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside and re.match(r"#{1,6} ", line):
            yield line.lstrip("# ").strip()


def _slug(heading: str) -> str:
    text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text.lower()).strip())
