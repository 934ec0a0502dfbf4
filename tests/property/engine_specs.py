"""Random DAGs: small, and dense in everything that the engine must get right."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.unit.engine import specs
from tradewind.model.dagspec import DagSpec, GroupSpec, TaskSpec, TriggerRule, WeightRule

POOLS = ("default_pool", "p", "q")
_RULES = [rule.value for rule in TriggerRule if rule is not TriggerRule.ALL_DONE_SETUP_SUCCESS]
_LIMIT = st.sampled_from([None, None, None, 1, 2])


@st.composite
def dags(draw: st.DrawFn, dag_id: str) -> DagSpec:
    """One DAG of up to seven tasks, perhaps with a mapped group, perhaps with a setup and a teardown."""
    count = draw(st.sampled_from([2, 3, 4, 5, 6, 1]))
    grouped = draw(st.integers(0, 3)) == 0
    setups = draw(st.integers(0, 3)) == 0
    tasks: list[TaskSpec] = []
    for n in range(count):
        tasks.append(draw(_tasks(f"t{n}", tasks, grouped=grouped, setups=setups)))
    if setups and any(one.is_setup for one in tasks):
        above = [one for one in tasks if one.is_setup]
        others = draw(st.lists(st.sampled_from(tasks), max_size=3, unique_by=lambda one: one.task_id))
        names = sorted({one.task_id for one in above + others})
        tasks.append(
            specs.task(
                "down",
                *names,
                rule="all_done_setup_success",
                is_teardown=True,
                setup_of=tuple(one.task_id for one in above),
                on_failure_fail_dagrun=draw(st.booleans()),
            )
        )
    groups: tuple[GroupSpec, ...] = ()
    if grouped:
        groups = (specs.group("g", mapping=specs.over(draw(st.integers(0, 3)))),)
    return specs.dag(
        *tasks,
        dag_id=dag_id,
        groups=groups,
        max_active_tasks=draw(st.sampled_from([16, 16, 1, 2])),
        max_active_runs=draw(st.sampled_from([16, 1, 2])),
        fail_fast=draw(st.integers(0, 7)) == 0,
        meaning=draw(st.sampled_from(["3", "3", "2"])),
    )


@st.composite
def _tasks(draw: st.DrawFn, task_id: str, above: list[TaskSpec], *, grouped: bool, setups: bool) -> TaskSpec:
    upstream = draw(st.lists(st.sampled_from(above), max_size=3, unique_by=lambda one: one.task_id)) if above else []
    names = [one.task_id for one in upstream]
    in_group = grouped and draw(st.booleans())
    more: dict[str, Any] = {"group_id": "g"} if in_group else {}
    sources = [one.task_id for one in upstream if one.group_id is None and isinstance(one.body, type(specs.PYTHON))]
    if not in_group and draw(st.integers(0, 3)) == 0:
        length: str | int = draw(st.integers(0, 3))
        if sources and draw(st.booleans()):
            length = draw(st.sampled_from(sources))
        more["mapping"] = specs.over(length)
    return specs.task(
        task_id,
        *names,
        rule=draw(st.sampled_from(_RULES)),
        body=specs.PYTHON if "mapping" in more else draw(st.sampled_from([specs.PYTHON] * 4 + [specs.EMPTY])),
        is_setup=setups and not in_group and draw(st.integers(0, 2)) == 0,
        retries=draw(st.sampled_from([0, 0, 1, 2])),
        retry_delay_seconds=draw(st.sampled_from([0, 10])),
        depends_on_past=draw(st.integers(0, 5)) == 0,
        wait_for_downstream=draw(st.integers(0, 9)) == 0,
        pool=draw(st.sampled_from(POOLS)),
        pool_slots=draw(st.sampled_from([1, 1, 2])),
        priority_weight=draw(st.integers(1, 3)),
        weight_rule=draw(st.sampled_from(list(WeightRule))),
        max_active_tis_per_dag=draw(_LIMIT),
        max_active_tis_per_dagrun=draw(_LIMIT),
        infrastructure_retries=draw(st.sampled_from([None, 0, 1])),
        **more,
    )
