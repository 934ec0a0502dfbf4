"""A pod whose task has multiple outputs: each key of its value is an XCom of its own too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.engine.specs import PYTHON, dag, task
from tests.unit.engine.world import World
from tradewind.model.dagspec import PodBody
from tradewind.model.events import AttemptEnded
from tradewind.model.outcome import Result, Success, XComPush

_POD = PodBody(arguments={})


def _ended(world: World, value: Any) -> list[tuple[str, Any, int | None]]:
    """The XComs that one end with this value gives."""
    kind = "list" if isinstance(value, list) else "dict" if isinstance(value, dict) else "other"
    push = XComPush(
        key="return_value",
        value=json.dumps(value).encode(),
        kind=kind,
        length=len(value) if kind != "other" else None,
    )
    result = Result(outcome=Success(), xcoms=() if value is None else (push,))
    attempt = world.live_attempt("t")
    batch = world.step(AttemptEnded(attempt_id=attempt.attempt_id, at=world.now, result=result))
    return [(row.key, json.loads(row.value), row.length) for row in batch.xcoms]


def test_each_key_is_an_xcom_and_so_is_the_whole() -> None:
    world = World(dag(task("t", body=_POD, multiple_outputs=True)))
    world.trigger()
    value = {"a": 1, "list": [1, 2, 3], "dict": {"x": "é"}, "none": None}
    assert _ended(world, value) == [
        ("a", 1, None),
        ("list", [1, 2, 3], 3),
        ("dict", {"x": "é"}, 1),
        ("none", None, None),
        ("return_value", value, 4),
    ]
    assert world.state("t") == "success"


@pytest.mark.parametrize("value", [[1, 2], 5])
def test_a_value_that_is_no_dict_fails_the_try(value: Any) -> None:
    world = World(dag(task("t", body=_POD, multiple_outputs=True)))
    world.trigger()
    _ended(world, value)
    assert world.state("t") == "failed"
    assert world.task("t").verdict == "The task has multiple outputs, and what it returned is not a dict."


def test_no_value_has_no_parts() -> None:
    world = World(dag(task("t", body=_POD, multiple_outputs=True)))
    world.trigger()
    assert _ended(world, None) == []
    assert world.state("t") == "success"


@pytest.mark.parametrize("spec", [task("t", body=_POD), task("t", body=PYTHON, multiple_outputs=True)])
def test_otherwise_the_value_stays_whole(spec: Any) -> None:
    """A worker has taken apart what a Python body returned."""
    world = World(dag(spec))
    world.trigger()
    assert [key for key, _, _ in _ended(world, {"a": 1})] == ["return_value"]
