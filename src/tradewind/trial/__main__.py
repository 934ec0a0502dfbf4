"""`python -m tradewind.trial [OPTIONS] -- FILE`: what `tradewind test` becomes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tradewind.cli import exits, options
from tradewind.trial import run


def main() -> None:
    """One run of a file's DAG; exit codes as everywhere."""
    parser = argparse.ArgumentParser(prog="tradewind test", allow_abbrev=False)
    for name in ("--dag-id", "--conf", "--logical-date"):
        parser.add_argument(name)
    parser.add_argument("file", type=Path)
    told = parser.parse_args()
    try:
        with exits.reported():
            state = run.test_file(
                told.file,
                dag_id=told.dag_id,
                conf=options.read_conf(told.conf),
                logical_date=options.read_moment(told.logical_date),
            )
    except exits.Exit as ended:
        sys.exit(ended.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(exits.OK if state == "success" else exits.RUN_FAILED)


if __name__ == "__main__":
    main()
