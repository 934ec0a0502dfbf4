"""Airflow's import paths, resolved to the SDK, and which Airflow a file means.

The names live in a folder of their own (`names_path`), which only processes that load DAG files put on their path; a
real Airflow that is installed stays untouched everywhere else.
"""

from __future__ import annotations

from pathlib import Path

from tradewind.compat.meaning import detect, inner_imports, unread_marks

__all__ = ["absent_providers", "detect", "find_module", "modules_known", "names_path", "unread_marks"]


def absent_providers(path: str) -> list[str]:
    """What to tell of providers that functions of a file import and that are not installed."""
    from tradewind.compat import providers

    told = [providers.absent(module) for module in inner_imports(path) if module.startswith("airflow.providers.")]
    return [text for text in told if text is not None]


def modules_known() -> frozenset[str]:
    """Every module of Airflow's that is here."""
    from tradewind.compat import table

    return table.packages()


def find_module(name: str) -> str | None:
    """The module of Airflow 3, or else any, that has a name; None where none has."""
    from tradewind.compat import table

    found = [module for module, names in table.TABLE.items() if name in names]
    return next((module for module in found if module.startswith(("airflow.sdk", "airflow.providers"))), None) or next(
        iter(found), None
    )


def names_path() -> Path:
    """The folder that holds the package `airflow`."""
    return Path(__file__).parent / "names"
