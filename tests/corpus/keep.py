"""Asks Airflow how the files of the daily corpus suite end there, and keeps the answers in the user's cache.

`make test` calls it, so that the suite itself finds all of them; what is kept already is not asked again. A first call
takes some ten minutes, any other a moment. What could not be asked, the suite asks again, and fails.

usage: python -m tests.corpus.keep
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.corpus import example_cases, oracle

MEANING = Path(__file__).parent / "files" / "meaning"


def main() -> int:
    """Keep them, two at a time."""
    try:
        oracle.find_package()
    except FileNotFoundError:
        return 0  # the suite is left out as well, and the report says why
    asks: dict[str, Callable[[], object]] = {name: partial(example_cases.theirs, name) for name in example_cases.RUN}
    asks |= {path.stem: partial(oracle.states_of, path) for path in sorted(MEANING.glob("*.py"))}
    with ThreadPoolExecutor(2) as pool:
        for name, asked in [(name, pool.submit(ask)) for name, ask in asks.items()]:
            if (error := asked.exception()) is not None:
                print(f"Airflow could not be asked about {name}: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
