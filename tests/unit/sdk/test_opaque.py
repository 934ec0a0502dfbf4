"""Operators that are known by name only keep their place; running one says what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sdk import dags
from tradewind import sdk
from tradewind.model.dagspec import OpaqueBody, PythonBody
from tradewind.sdk import EmptyOperator, errors, opaque

_PATH = "airflow.providers.some.operators.thing.ThingOperator"
Thing: Any = opaque.operator(_PATH, "its provider is not here")


def test_any_argument_is_taken_and_the_task_keeps_its_place() -> None:
    def fill() -> None:
        first = EmptyOperator(task_id="first")
        first >> Thing(task_id="t", endpoint="/x", retries=2)

    spec = dags.make(fill)
    task = spec.tasks[1]
    assert (task.upstream, task.retries, task.operator) == (("first",), 2, "ThingOperator")
    assert task.body == OpaqueBody(classpath=_PATH, reason="its provider is not here")
    assert spec.warnings == ("task 't': its provider is not here",)


def test_its_arguments_can_be_read_by_the_file() -> None:
    with dags.of_meaning("3"):
        assert Thing(task_id="t", endpoint="/x").endpoint == "/x"


def test_a_mapped_one_is_opaque_too() -> None:
    spec = dags.make(lambda: Thing.partial(task_id="t", endpoint="/x").expand(body=[1, 2]))
    assert isinstance(spec.tasks[0].body, OpaqueBody)


def test_running_it_says_what_and_why() -> None:
    with pytest.raises(errors.NotHereYet) as caught:
        Thing(task_id="t").execute({})
    assert "ThingOperator cannot run here yet" in str(caught.value)
    assert caught.value.problem.hint == "its provider is not here"


def test_a_subclass_with_code_of_its_own_runs() -> None:
    class Ours(Thing):  # type: ignore[misc]
        def execute(self, context: Any) -> str:
            return f"asked {self.endpoint}"

    assert dags.make(lambda: Ours(task_id="t", endpoint="/x")).tasks[0].body == PythonBody()
    assert Ours(task_id="u", endpoint="/x").execute({}) == "asked /x"


def test_every_name_that_the_sdk_exports_is_there() -> None:
    for name in sdk.__all__:
        assert getattr(sdk, name) is not None
    assert set(dir(sdk)) == set(sdk.__all__) == set(sdk._HOMES)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(sdk, "nothing")  # noqa: B009 - a type checker knows better
