"""The specifications of a DAG file's DAGs, as a zygote loads them.

usage: our_specs.py FILE
prints: [SPEC, ...] as JSON
"""

from __future__ import annotations

import os
import sys

import msgspec

from tradewind.protocol.work import FileRef, LoadWork
from tradewind.worker import loading


def main(argv: list[str]) -> int:
    """Tell them."""
    folder, name = os.path.split(argv[1])
    report = loading.load(LoadWork(file=FileRef(root=folder, file=name), timeout_seconds=60)).report
    if report.problems:
        raise SystemExit(str(report.problems))
    sys.stdout.buffer.write(msgspec.json.encode(report.specs))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
