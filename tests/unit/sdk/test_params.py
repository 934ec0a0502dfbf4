"""Parameters: defaults, schemas, and the values that one run has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sdk import dags
from tradewind.sdk import EmptyOperator, Param, ParamsDict, errors, params
from tradewind.sdk.definition import DAG


def _values(conf: dict[str, Any] | None, *, dag: dict[str, Any], task: dict[str, Any] | None = None) -> dict[str, Any]:
    with DAG("d", schedule=None, params=dag) as made:
        one = EmptyOperator(task_id="t", params=task or {})
    return params.for_run(made, one, conf)


def test_the_task_goes_over_the_dag_and_conf_over_both() -> None:
    found = _values({"c": 30}, dag={"a": 1, "b": 2, "c": 3}, task={"b": 20, "c": 25})
    assert found == {"a": 1, "b": 20, "c": 30}


def test_conf_may_hold_what_is_no_parameter() -> None:
    assert _values({"more": [1]}, dag={"a": 1}) == {"a": 1, "more": [1]}


def test_values_of_one_run_are_not_those_of_the_next() -> None:
    with DAG("d", schedule=None, params={"a": Param(1, type="integer")}) as made:
        task = EmptyOperator(task_id="t")
    assert params.for_run(made, task, {"a": 2}) == {"a": 2}
    assert params.for_run(made, task, None) == {"a": 1}


def test_without_a_task_the_dags_alone_count() -> None:
    with DAG("d", schedule=None, params={"a": 1}) as made:
        EmptyOperator(task_id="t", params={"a": 2})
    assert params.for_run(made, None, None) == {"a": 1}


_BROKEN: list[tuple[str, Any, Any, str]] = [
    ("a text for a number", Param(1, type="integer"), "x", "must be a whole number, got str: 'x'"),
    ("a switch for a number", Param(1, type="integer"), True, "must be a whole number, got bool"),
    ("a fraction for a whole number", Param(1, type="integer"), 1.5, "must be a whole number"),
    ("a number for a text", Param("x", type="string"), 5, "must be a text, got int: 5"),
    ("nothing for a text", Param("x", type="string"), None, "must be a text"),
    ("a text for a list", Param([], type="array"), "abc", "must be a list"),
    ("neither of two kinds", Param(None, type=["null", "integer"]), "x", "nothing or a whole number"),
    ("below the least", Param(1, type="integer", minimum=0), -1, "-1 is less than the minimum of 0"),
    ("none of the words", Param("a", enum=["a", "b"]), "c", "'c' is not one of ['a', 'b']"),
    ("no day of the calendar", Param("2026-01-01", type="string", format="date"), "2026-02-30", "is not a 'date'"),
    ("no moment", Param("2026-01-01", type="string", format="date-time"), "soon", "is not a 'date-time'"),
]


@pytest.mark.parametrize(("param", "value", "message"), [one[1:] for one in _BROKEN], ids=[one[0] for one in _BROKEN])
def test_a_value_against_its_schema_is_refused_by_name(param: Param, value: Any, message: str) -> None:
    problem = dags.problem_of(lambda: _values({"p": value}, dag={"p": param}))
    assert (problem.object, problem.code) == ("param 'p'", "bad-param")
    assert message in problem.message
    assert "Param(" in problem.hint


@pytest.mark.parametrize(
    ("param", "value"),
    [
        (Param(1, type="integer"), 2.0),
        (Param(1, type="number"), 2),
        (Param(None, type=["null", "string"]), None),
        (Param("a", type="string", format="date-time"), "2026-01-01T00:00:00+02:00"),
        (Param({}, type="object", properties={"n": {"type": "integer"}}), {"n": 1}),
        (Param(1), "anything"),
    ],
)
def test_a_value_that_keeps_to_its_schema_is_taken(param: Param, value: Any) -> None:
    assert _values({"p": value}, dag={"p": param}) == {"p": value}


def test_a_parameter_without_a_value_must_be_given() -> None:
    needed = {"p": Param(type="string")}
    assert _values({"p": "here"}, dag=needed) == {"p": "here"}
    problem = dags.problem_of(lambda: _values(None, dag=needed))
    assert (problem.object, problem.code) == ("param 'p'", "param-without-value")
    assert "give one with the run" in problem.hint


def test_a_refusal_is_a_value_error_as_in_airflow() -> None:
    with pytest.raises(ValueError, match="whole number") as caught:
        _values({"p": "x"}, dag={"p": Param(1, type="integer")})
    assert isinstance(caught.value, errors.ParamValidationError)


def test_a_default_that_is_no_json_is_refused() -> None:
    problem = dags.problem_of(lambda: Param({1, 2}))
    assert "must be JSON, got set" in problem.message


def test_the_dict_reads_values_and_gives_parameters() -> None:
    found = ParamsDict({"a": Param(1, "how many"), "b": 2})
    assert (found["a"], dict(found), found.get_param("a").description) == (1, {"a": 1, "b": 2}, "how many")
    found["a"] = 5
    assert found["a"] == 5
    found.deep_merge({"b": 3, "c": {"x": 1}})
    found.deep_merge({"c": {"y": 2}})
    assert found.dump() == {"a": 5, "b": 3, "c": {"x": 1, "y": 2}}


def test_params_of_default_args_are_the_dags_own() -> None:
    with DAG("d", schedule=None, default_args={"params": {"a": 1, "b": 1}}, params={"b": 2}) as made:
        EmptyOperator(task_id="t")
    assert made.params.dump() == {"a": 1, "b": 2}
