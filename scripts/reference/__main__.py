"""Writes every reference page that is made from the code: `python -m scripts.reference [--check]`.

Each module of this folder that has `pages()` gives some: path below docs/ → text. `--check` writes nothing and fails
where a page differs from what the code gives.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def pages() -> dict[str, str]:
    """Every page: path below docs/ → text."""
    found: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        module = importlib.import_module(f"scripts.reference.{path.stem}")
        if hasattr(module, "pages"):
            found.update(module.pages())
    return found


def main() -> int:
    """Write or check; return the exit code."""
    made = pages()
    differ = [path for path, text in made.items() if not _is_as(DOCS / path, text)]
    for path in differ:
        if "--check" in sys.argv:
            print(f"docs/{path} is not what the code gives; run `make reference`", file=sys.stderr)
        else:
            (DOCS / path).write_text(made[path], encoding="utf-8")
            print(f"docs/{path}")
    return 1 if differ and "--check" in sys.argv else 0


def _is_as(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
