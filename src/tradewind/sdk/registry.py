"""Which DAGs a file defines while it is loaded: context managers and `@dag` calls report themselves here.

`collecting` is what the loader opens around a file's execution. Where none is open (an interactive session) nothing is
kept. The meaning ("2" or "3") of the file is known here too, since defaults that a file can read depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from tradewind.model.dagspec import Meaning

if TYPE_CHECKING:
    from tradewind.sdk.definition import DAG


class Found:
    """What one file defines: DAGs in order, and what its author should know."""

    def __init__(self, meaning: Meaning, *, is_script: bool = False) -> None:
        self.meaning: Meaning = meaning
        self.is_script = is_script
        self.dags: list[DAG] = []
        self.notes: list[str] = []
        self.absent: list[str] = []
        """What tasks of the file need and is not installed: each of its DAGs is told."""

    def add(self, dag: DAG) -> None:
        """Keep the DAG once."""
        if not any(known is dag for known in self.dags):
            self.dags.append(dag)

    def note(self, text: str) -> None:
        """Keep a remark once."""
        if text not in self.notes:
            self.notes.append(text)

    def miss(self, text: str) -> None:
        """Keep once what is not installed."""
        if text not in self.absent:
            self.absent.append(text)


_found: ContextVar[Found | None] = ContextVar("tradewind_found", default=None)


@contextmanager
def collecting(meaning: Meaning = "3", *, is_script: bool = False) -> Iterator[Found]:
    """Collect the DAGs that register themselves inside the block. `is_script`: the file runs as a person's program."""
    found = Found(meaning, is_script=is_script)
    token = _found.set(found)
    try:
        yield found
    finally:
        _found.reset(token)


def is_loading() -> bool:
    """Whether a file is being loaded for its DAGs, and not run as a script."""
    found = _found.get()
    return found is not None and not found.is_script


def register(dag: DAG) -> None:
    """Report a DAG to whoever collects."""
    if (found := _found.get()) is not None:
        found.add(dag)


def note(text: str) -> None:
    """Report a remark about the file to whoever collects."""
    if (found := _found.get()) is not None:
        found.note(text)


def miss(text: str) -> None:
    """Report what tasks of the file need and is not installed."""
    if (found := _found.get()) is not None:
        found.miss(text)


def meaning() -> Meaning:
    """Which Airflow the file that is being loaded means; "3" outside."""
    found = _found.get()
    return "3" if found is None else found.meaning
