"""What `tradewind python FILE [ARGUMENTS]` becomes: the file as a script, with Airflow's names."""

from __future__ import annotations

import sys

from tradewind.compat import script

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: tradewind python FILE [ARGUMENTS]\nhint: FILE is a DAG file that calls dag.test()")
    script.run(sys.argv[1], sys.argv[2:])
