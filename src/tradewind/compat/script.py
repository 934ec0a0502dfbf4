"""Runs a DAG file as `python FILE` does, with Airflow's names on the path: for `dag.test()` and debuggers."""

from __future__ import annotations

import os
import runpy
import sys

from tradewind.compat import detect, names_path
from tradewind.sdk import registry


def run(file: str, arguments: list[str]) -> None:
    """Run it as `__main__`; whatever it raises goes through."""
    path = os.path.abspath(file)
    meaning, _ = detect(path)
    sys.argv[:] = [file, *arguments]
    sys.path[:0] = [str(names_path()), os.path.dirname(path)]
    with registry.collecting(meaning, is_script=True):
        runpy.run_path(path, run_name="__main__")
