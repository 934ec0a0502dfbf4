"""What the graph of a DAG becomes as data: bodies, edges and labels, groups, mappings, setups and teardowns."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.sdk import dags
from tradewind.model import dagspec
from tradewind.model.dagspec import ConcatLength, ConstLength, Mapping, TriggerRule, XComLength, ZipLength
from tradewind.sdk import (
    BaseBranchOperator,
    BaseSensorOperator,
    BashOperator,
    BranchPythonOperator,
    EmptyOperator,
    Label,
    LatestOnlyOperator,
    PythonOperator,
    ShortCircuitOperator,
    TaskGroup,
    chain,
    setup,
    task,
    task_group,
    teardown,
)
from tradewind.sdk.definition import DAG
from tradewind.sdk.sensors.function import PythonSensor


def _nothing(*_: Any, **__: Any) -> None:
    """A body."""


class _Choosing(BaseBranchOperator):
    def choose_branch(self, context: Any) -> Any:
        return None


_BODIES: list[tuple[str, Any, dagspec.Body]] = [
    ("an empty task is done by the engine", lambda: EmptyOperator(task_id="t"), dagspec.EmptyBody()),
    (
        "an empty task with a callback needs a process",
        lambda: EmptyOperator(task_id="t", on_success_callback=_nothing),
        dagspec.PythonBody(),
    ),
    (
        "a mapped empty task needs one",
        lambda: EmptyOperator.partial(task_id="t").expand(doc=["a"]),
        dagspec.PythonBody(),
    ),
    ("latest only is the engine's", lambda: LatestOnlyOperator(task_id="t"), dagspec.LatestOnlyBody()),
    ("a command", lambda: BashOperator(task_id="t", bash_command="true"), dagspec.PythonBody()),
    ("a function", lambda: PythonOperator(task_id="t", python_callable=_nothing), dagspec.PythonBody()),
    (
        "a branch",
        lambda: BranchPythonOperator(task_id="t", python_callable=_nothing),
        dagspec.PythonBody(branch=True),
    ),
    ("a branch of a class", lambda: _Choosing(task_id="t"), dagspec.PythonBody(branch=True)),
    ("@task.branch", task.branch(task_id="t")(_nothing), dagspec.PythonBody(branch=True)),
    (
        "a short circuit",
        lambda: ShortCircuitOperator(task_id="t", python_callable=_nothing),
        dagspec.PythonBody(branch=True),
    ),
    ("@task.short_circuit", task.short_circuit(task_id="t")(_nothing), dagspec.PythonBody(branch=True)),
    (
        "a sensor waits a week where it says nothing",
        lambda: PythonSensor(task_id="t", python_callable=_nothing),
        dagspec.PythonBody(sensor=True, sensor_timeout_seconds=7 * 86400),
    ),
    (
        "a sensor that gives its place up",
        lambda: PythonSensor(task_id="t", python_callable=_nothing, mode="reschedule", timeout=timedelta(minutes=1)),
        dagspec.PythonBody(sensor=True, reschedule=True, sensor_timeout_seconds=60),
    ),
    (
        "@task.sensor",
        task.sensor(task_id="t", mode="reschedule", timeout=30)(_nothing),
        dagspec.PythonBody(sensor=True, reschedule=True, sensor_timeout_seconds=30),
    ),
    (
        "a mapped sensor",
        lambda: PythonSensor.partial(task_id="t", python_callable=_nothing, mode="reschedule").expand(op_args=[[1]]),
        dagspec.PythonBody(sensor=True, reschedule=True),
    ),
]


@pytest.mark.parametrize(("make", "body"), [case[1:] for case in _BODIES], ids=[case[0] for case in _BODIES])
def test_a_task_becomes_its_body(make: Any, body: dagspec.Body) -> None:
    assert [one.body for one in dags.make(make).tasks] == [body]


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ({"mode": "wait"}, "one of poke, reschedule"),
        ({"timeout": -1}, "timedelta"),
        ({"poke_interval": "60"}, "timedelta"),
        ({"soft_fail": True, "never_fail": True}, "keep one"),
    ],
)
def test_a_sensor_that_cannot_wait_so_is_refused(bad: dict[str, Any], word: str) -> None:
    with DAG("d", schedule=None):
        problem = dags.problem_of(lambda: BaseSensorOperator(task_id="t", **bad))
    assert problem.object == "task 't'"
    assert word in problem.hint


def test_edges_are_told_by_the_later_task_and_labels_by_the_earlier() -> None:
    def fill() -> None:
        first, left, right = (EmptyOperator(task_id=name) for name in ("first", "left", "right"))
        first >> Label("good") >> left
        first >> right
        right << Label("then") << left

    spec = dags.make(fill)
    found = {one.task_id: (one.upstream, one.edge_labels) for one in spec.tasks}
    assert found == {
        "first": ((), {"left": "good"}),
        "left": (("first",), {"right": "then"}),
        "right": (("first", "left"), {}),
    }


def test_tasks_stand_in_topological_order_and_ties_as_they_were_defined() -> None:
    def fill() -> None:
        last, b, a = (EmptyOperator(task_id=name) for name in ("last", "b", "a"))
        [b, a] >> last

    assert [one.task_id for one in dags.make(fill).tasks] == ["b", "a", "last"]


def test_chain_of_lists_pairs_them() -> None:
    def fill() -> None:
        a, b, c, d = (EmptyOperator(task_id=name) for name in "abcd")
        chain([a, b], [c, d])

    assert {one.task_id: one.upstream for one in dags.make(fill).tasks} == {
        "a": (), "b": (), "c": ("a",), "d": ("b",),
    }  # fmt: skip


def test_chain_of_unequal_lists_says_what_draws_all_edges() -> None:
    with DAG("d", schedule=None):
        tasks = [EmptyOperator(task_id=name) for name in "abc"]
        problem = dags.problem_of(lambda: chain(tasks[:2], tasks[2:]))
    assert (problem.object, "2 and 1" in problem.message) == ("chain()", True)
    assert "cross_downstream" in problem.hint


def test_groups_stand_parents_first_and_prefix_their_tasks() -> None:
    def fill() -> None:
        before = EmptyOperator(task_id="before")
        outer = TaskGroup("outer", tooltip="what it is", group_display_name="Outer", ui_color="#123", ui_fgcolor="#456")
        with outer, TaskGroup("inner", prefix_group_id=False):
            EmptyOperator(task_id="t")
        before >> outer

    spec = dags.make(fill)
    assert [(group.group_id, group.parent_id, group.prefix_group_id) for group in spec.groups] == [
        ("outer", None, True),
        ("outer.inner", "outer", False),
    ]
    outer = spec.groups[0]
    assert (outer.tooltip, outer.display_name) == ("what it is", "Outer")
    assert (outer.ui_color, outer.ui_fgcolor) == ("#123", "#456")
    assert outer.upstream_task_ids == ("before",)
    assert {one.task_id: (one.group_id, one.upstream) for one in spec.tasks} == {
        "before": (None, ()),
        "t": ("outer.inner", ("before",)),
    }


def test_a_group_after_a_group_knows_it_and_orders_their_tasks() -> None:
    def fill() -> None:
        with TaskGroup("one") as one:
            EmptyOperator(task_id="a") >> EmptyOperator(task_id="b")
        with TaskGroup("two") as two:
            EmptyOperator(task_id="c")
        one >> two

    spec = dags.make(fill)
    assert spec.groups[1].upstream_group_ids == ("one",)
    assert spec.tasks[-1].task_id == "two.c"
    assert spec.tasks[-1].upstream == ("one.b",)


def test_a_task_is_mapped_over_lists_and_results() -> None:
    def fill() -> None:
        @task
        def numbers() -> list[int]:
            return [1]

        @task
        def use(**_: Any) -> None: ...

        found, others = numbers(), numbers()
        use.override(task_id="product").expand(a=[1, 2], b=found)
        use.override(task_id="zipped").expand(x=found.zip(others))
        use.override(task_id="longest").expand(x=found.zip(others, fillvalue=0))
        use.override(task_id="joined").expand(x=found.concat(others))
        use.override(task_id="changed").expand(x=found.map(str))
        use.override(task_id="given").expand_kwargs([{"a": 1}, {"a": 2}, {"a": 3}])

    mappings = {one.task_id: one.mapping for one in dags.make(fill).tasks}
    one, two = XComLength(task_id="numbers"), XComLength(task_id="numbers__1")
    assert mappings == {
        "numbers": None,
        "numbers__1": None,
        "product": Mapping(kind="expand", arguments=(("a", ConstLength(n=2)), ("b", one))),
        "zipped": Mapping(kind="expand", arguments=(("x", ZipLength(parts=(one, two))),)),
        "longest": Mapping(kind="expand", arguments=(("x", ZipLength(parts=(one, two), longest=True)),)),
        "joined": Mapping(kind="expand", arguments=(("x", ConcatLength(parts=(one, two))),)),
        "changed": Mapping(kind="expand", arguments=(("x", one),)),
        "given": Mapping(kind="expand_kwargs", arguments=(("", ConstLength(n=3)),)),
    }


def test_a_mapped_group_holds_the_mapping_and_waits_for_what_it_is_mapped_over() -> None:
    def fill() -> None:
        @task
        def numbers() -> list[int]:
            return [1]

        @task
        def use(x: Any) -> Any:
            return x

        @task_group
        def each(x: Any) -> None:
            use(use(x))

        each.expand(x=numbers())

    spec = dags.make(fill)
    (group,) = spec.groups
    assert group.mapping == Mapping(kind="expand", arguments=(("x", XComLength(task_id="numbers")),))
    assert {one.task_id: (one.upstream, one.mapping) for one in spec.tasks} == {
        "numbers": ((), None),
        "each.use": (("numbers",), None),
        "each.use__1": (("each.use",), None),
    }


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (lambda use: use.expand(), "nothing-to-map"),
        (lambda use: use.expand(x=3), "not-mappable"),
        (lambda use: use.expand(x="text"), "not-mappable"),
        (lambda use: use.expand_kwargs([1]), "not-mappable"),
        (lambda use: use.partial(x=1).expand(x=[1]), "given-twice"),
        (lambda use: use.expand(z=[1]), "unknown-argument"),
    ],
)
def test_what_cannot_be_mapped_is_refused(wrong: Any, code: str) -> None:
    @task
    def use(x: Any) -> None: ...

    with DAG("d", schedule=None):
        problem = dags.problem_of(lambda: wrong(use))
    assert problem.code == code
    assert "use" in problem.object


def test_a_setup_stands_before_the_work_and_its_teardown_after_it() -> None:
    def fill() -> None:
        @setup
        def build() -> None: ...

        def clear() -> None: ...

        made = build()
        with teardown(on_failure_fail_dagrun=True)(clear)().as_teardown(setups=made):
            EmptyOperator(task_id="work")

    spec = {one.task_id: one for one in dags.make(fill).tasks}
    assert (spec["build"].is_setup, spec["build"].is_teardown) == (True, False)
    down = spec["clear"]
    assert (down.is_teardown, down.setup_of, down.on_failure_fail_dagrun) == (True, ("build",), True)
    assert down.upstream == ("build", "work")
    assert down.trigger_rule == TriggerRule.ALL_DONE_SETUP_SUCCESS
    assert spec["work"].upstream == ("build",)


def test_a_block_is_opened_by_setups_or_teardowns_only() -> None:
    with DAG("d", schedule=None):
        work = EmptyOperator(task_id="work")

        def enter() -> None:
            with work:
                pass

        problem = dags.problem_of(enter)
    assert (problem.object, problem.code) == ("task 'work'", "not-a-setup")
    assert "@setup" in problem.hint


def test_a_short_circuit_says_whose_trigger_rules_it_goes_over() -> None:
    def fill() -> None:
        ShortCircuitOperator(task_id="all", python_callable=_nothing)
        ShortCircuitOperator(task_id="direct", python_callable=_nothing, ignore_downstream_trigger_rules=False)

    found = {one.task_id: one.ignore_downstream_trigger_rules for one in dags.make(fill).tasks}
    assert found == {"all": True, "direct": False}
