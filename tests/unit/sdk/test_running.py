"""While a task runs the graph is drawn already: what code puts into template fields is only a value."""

from __future__ import annotations

from typing import Any

import pytest

from tradewind.sdk import context
from tradewind.sdk.operators.python import PythonOperator


class Prickly:
    """Like `conn` of a context: asked for any name, it asks the control plane, which has none."""

    def __getattr__(self, name: str) -> Any:
        raise LookupError(name)


def test_a_function_that_takes_the_whole_context_runs_though_some_of_its_values_answer_no_name() -> None:
    seen: list[str] = []

    def body(**values: Any) -> None:
        seen.extend(values)

    task = PythonOperator(task_id="t", python_callable=body)
    given = {"conn": Prickly()}
    with context.set_current(given):
        task.execute(given)
    assert "conn" in seen


def test_outside_of_a_running_task_there_is_no_context() -> None:
    with pytest.raises(RuntimeError, match="there is no context"):
        context.get_current_context()
