"""Random DAGs: small, each dense in one thing that the engine must get right, with a little of everything else."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.unit.engine import specs
from tradewind.model.dagspec import DagSpec, Deadline, GroupSpec, PythonBody, TaskSpec, TriggerRule, WeightRule

POOLS = ("default_pool", "p", "q")
FLAVOURS = ("plain", "rules", "group", "mapped", "setup", "past", "limits")
_DEADLINES = (
    Deadline(reference="queued_at", interval_seconds=20),
    Deadline(reference="average_runtime", interval_seconds=1, max_runs=2, min_runs=1),
    Deadline(reference="logical_date", interval_seconds=30, task_id="t0"),
)
_RULES = [rule.value for rule in TriggerRule if rule is not TriggerRule.ALL_DONE_SETUP_SUCCESS]


@st.composite
def dags(draw: st.DrawFn, dag_id: str) -> DagSpec:
    """One DAG of two to seven tasks."""
    flavour = draw(st.sampled_from(FLAVOURS))
    tasks: list[TaskSpec] = []
    for n in range(draw(st.integers(2, 6))):
        tasks.append(draw(_tasks(f"t{n}", tasks, flavour)))
    if flavour == "setup":
        tasks.append(draw(_teardown(tasks)))
    groups: tuple[GroupSpec, ...] = ()
    if flavour == "group":
        groups = (specs.group("g", mapping=specs.over(draw(st.integers(0, 3)))),)
    limited = flavour == "limits"
    return specs.dag(
        *tasks,
        dag_id=dag_id,
        groups=groups,
        max_active_tasks=draw(st.sampled_from([1, 2, 3] if limited else [16, 16, 2])),
        max_active_runs=draw(st.sampled_from([16, 16, 2, 1])),
        fail_fast=draw(st.integers(0, 9)) == 9,
        meaning=draw(st.sampled_from(["3", "2"])),
        deadlines=draw(st.sampled_from([(), (), _DEADLINES])),
    )


@st.composite
def _tasks(draw: st.DrawFn, task_id: str, above: list[TaskSpec], flavour: str) -> TaskSpec:
    names = _upstream(draw, above, flavour)
    past, limited = flavour == "past", flavour == "limits"
    rules = {"limits": ["all_done"], "mapped": ["all_done"] * 8 + _RULES}.get(
        flavour, ["all_success", "all_done", *_RULES]
    )
    limit = draw(st.sampled_from([None, 1, 1, 2] if limited else [None] * 5 + [1]))
    more = _place(draw, above, names, flavour)
    is_setup = flavour == "setup" and (task_id == "t0" or draw(st.integers(0, 3)) == 3)
    return specs.task(
        task_id,
        *names,
        rule=draw(st.sampled_from(rules)),
        body=specs.PYTHON if "mapping" in more else draw(st.sampled_from([specs.PYTHON] * 5 + [specs.EMPTY])),
        is_setup=is_setup,
        retries=draw(st.sampled_from([0, 0, 1, 2])),
        retry_delay_seconds=draw(st.sampled_from([0, 10])),
        depends_on_past=past and draw(st.booleans()),
        wait_for_downstream=past and draw(st.booleans()),
        pool="default_pool" if limited else draw(st.sampled_from(POOLS)),
        pool_slots=1 if limited else draw(st.sampled_from([1, 1, 2])),
        priority_weight=9 if limited and limit == 1 else draw(st.integers(1, 3)),
        weight_rule=draw(st.sampled_from(list(WeightRule))),
        max_active_tis_per_dag=limit,
        max_active_tis_per_dagrun=draw(st.sampled_from([None, None, 1])) if limited else None,
        infrastructure_retries=draw(st.sampled_from([None, 0, 1])),
        **more,
    )


def _upstream(draw: st.DrawFn, above: list[TaskSpec], flavour: str) -> list[str]:
    """Few edges where breadth matters, a chain with something beside it where depth does."""
    if not above:
        return []
    if flavour == "limits":
        return []
    names = [one.task_id for one in above]
    found = draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    if flavour in ("setup", "group", "mapped") and not found:
        found = [names[-1]]
    return found


def _place(draw: st.DrawFn, above: list[TaskSpec], names: list[str], flavour: str) -> dict[str, Any]:
    """In the mapped group, mapped itself, or neither."""
    if flavour == "group" and draw(st.integers(0, 3)):
        return {"group_id": "g"}
    if flavour not in ("mapped", "limits") or not draw(st.booleans()):
        return {}
    sources = [one.task_id for one in above if one.task_id in names and isinstance(one.body, PythonBody)]
    if draw(st.booleans()) and sources:
        return {"mapping": specs.over(draw(st.sampled_from(sources)))}
    return {"mapping": specs.over(draw(st.integers(0, 3)))}


@st.composite
def _teardown(draw: st.DrawFn, tasks: list[TaskSpec]) -> TaskSpec:
    setups = [one.task_id for one in tasks if one.is_setup]
    others = draw(st.lists(st.sampled_from([one.task_id for one in tasks]), min_size=1, max_size=2))
    return specs.task(
        "down",
        *sorted({*setups, *others}),
        rule="all_done_setup_success",
        is_teardown=True,
        setup_of=tuple(setups),
        on_failure_fail_dagrun=draw(st.booleans()),
    )
