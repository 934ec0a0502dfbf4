"""Airflow's import paths, resolved to the SDK, and which Airflow a file means.

The names live in a folder of their own (`names_path`), which only processes that load DAG files put on their path; a
real Airflow that is installed stays untouched everywhere else.
"""

from __future__ import annotations

from pathlib import Path

from tradewind.compat.meaning import detect

__all__ = ["detect", "names_path"]


def names_path() -> Path:
    """The folder that holds the package `airflow`."""
    return Path(__file__).parent / "names"
