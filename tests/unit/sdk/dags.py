"""DAGs for cases about what the SDK makes of them: as data, with the problem that they raise, or with their notes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tradewind.model.dagspec import DagSpec, Meaning, TaskSpec
from tradewind.model.problem import Problem
from tradewind.sdk import errors, registry, spec
from tradewind.sdk.definition import DAG

START = datetime(2026, 1, 1, tzinfo=UTC)


@contextlib.contextmanager
def of_meaning(meaning: Meaning) -> Iterator[registry.Found]:
    """Inside, DAGs mean what they mean in a file of this version of Airflow."""
    with registry.collecting(meaning) as found:
        yield found


def spec_of(dag: DAG, *, meaning: Meaning = "3", meaning_from: str = "setting") -> DagSpec:
    """The DAG as data."""
    return spec.to_spec(dag, file="dags/one.py", meaning=meaning, meaning_from=meaning_from)


def task_of(dag: DAG, task_id: str = "t") -> TaskSpec:
    """One of its tasks as data."""
    return next(task for task in spec_of(dag).tasks if task.task_id == task_id)


def make(fill: Callable[[], Any], *, meaning: Meaning = "3", **arguments: Any) -> DagSpec:
    """A DAG "d" that a function fills, as data; `warnings` hold the notes of the file too."""
    with of_meaning(meaning), DAG("d", **{"schedule": None, "start_date": START, **arguments}) as dag:
        fill()
    return spec_of(dag, meaning=meaning)


def problem_of(made: Callable[[], Any]) -> Problem:
    """The problem that it raises, with an object and a hint as every one must have."""
    with pytest.raises(errors.DagProblem) as caught:
        made()
    found = caught.value.problem
    assert all((found.object, found.message, found.hint, found.code)), found
    return found
