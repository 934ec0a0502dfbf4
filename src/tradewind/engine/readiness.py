"""What follows within a run: which task instances can go on now that others ended.

Invariant: after `settle` no idle instance of a running run could go on by its upstreams alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tradewind.engine import mapping, native, past
from tradewind.engine.core import Check, Core
from tradewind.engine.finish import finish
from tradewind.engine.live import LiveRun, Node
from tradewind.engine.trigger_rules import Verdict, judge
from tradewind.engine.watches import key_name
from tradewind.model.dagspec import EmptyBody, LatestOnlyBody, MarkTaskBody, TaskSpec, TriggerRule, WaitTimeBody
from tradewind.model.rows import TaskInstance
from tradewind.model.states import RunState, TaskState


def settle(core: Core) -> None:
    """Everything that follows, until nothing does."""
    while core.checks:
        checks = list(core.checks)
        core.checks.clear()
        for check in checks:
            _look(core, check)


def _look(core: Core, check: Check) -> None:
    live = core.runs.get(check.run_key)
    if live is None or live.run.state is not RunState.RUNNING:
        return
    node = live.nodes.get(check.task_id)
    if node is None or node.task is None or not node.idle:
        return
    for index in _indexes(live, node, check.part):
        if index in node.idle:
            _consider(core, live, node, index)


def _indexes(live: LiveRun, node: Node, part: tuple[str, int] | None) -> Iterable[int]:
    if part is None:
        if len(node.idle) > 1 and node.task_id not in live.graph.seen_groups and _all_wait(live, node):
            return ()
        return list(node.idle)
    group_id, place = part
    width, groups = node.width, live.group_width(group_id)
    if not width:
        return (-1,)
    if width == groups:
        return (place,)
    each = width // groups if groups else 1
    return range(place * each, (place + 1) * each)


def _all_wait(live: LiveRun, node: Node) -> bool:
    """Elements that see the same upstreams wait together: no need to look at each."""
    setups = node.setups is None or _setup_verdict(node, []) is True
    return setups and _rule_verdict(live, node, []) is False


def _rule_verdict(live: LiveRun, node: Node, parts: list[tuple[str, int]]) -> Verdict:
    """What its trigger rule says of its direct upstreams; a mapped one counts as one, so its elements are waited for.

    Only `all_success` could say something else later: skipped because of one element, upstream_failed with another. So
    what is skipped in an upstream of which elements go on does not count yet.
    """
    task = node.task
    assert task is not None
    seen = node.direct.seen(parts)
    verdict = judge(task.trigger_rule, seen)
    if verdict is TaskState.SKIPPED and task.trigger_rule is TriggerRule.ALL_SUCCESS:
        above = (live.nodes[one] for one in task.upstream if live.graph.common_group(one, task.task_id) is None)
        if seen.skipped <= sum(one.skipped for one in above if one.width and one.unfinished):
            return False
    return verdict


def _setup_verdict(node: Node, parts: list[tuple[str, int]]) -> Verdict:
    """All setups in whose scope it is must succeed, whatever its trigger rule (but `always`) says."""
    if node.setups is None or (node.task is not None and node.task.trigger_rule is TriggerRule.ALWAYS):
        return True
    seen = node.setups.seen(parts)
    if seen.bad:
        return TaskState.UPSTREAM_FAILED
    if seen.skipped:
        return TaskState.SKIPPED
    return seen.success + seen.removed >= seen.total


def _consider(core: Core, live: LiveRun, node: Node, index: int) -> None:
    ti, task = node.rows[index], node.task
    assert task is not None
    parts = live.parts(node.task_id, index)
    setups = _setup_verdict(node, parts)
    verdict = setups if isinstance(setups, TaskState) else _rule_verdict(live, node, parts)
    if verdict is not TaskState.UPSTREAM_FAILED and live.graph.mappings[node.task_id]:
        verdict = mapping.source_verdict(live, node) or verdict
    if isinstance(verdict, TaskState):
        _conclude(core, live, task, ti, verdict, "by what is above it")
        return
    if not (verdict and setups is True):
        return
    if node.scope is not None and (scope := node.scope.seen(parts)).done < scope.total:
        return
    if index < 0 and live.graph.mappings[node.task_id]:
        mapping.expand(core, live, node, ti)
        return
    if decided_by := _decided_against(live, task, index):
        _conclude(core, live, task, ti, TaskState.SKIPPED, f"{decided_by} decided against it")
        return
    if live.run.clear_number and index >= 0 and mapping.revise(core, live, node):
        return
    if past_allows(core, live, task, ti):
        _make_ready(core, live, node, ti)


def _decided_against(live: LiveRun, task: TaskSpec, index: int) -> str:
    """Which direct upstream, a branch or a short circuit, decided to skip it.

    An element of a mapped one decides, as in Airflow, about the element of its own index only.
    """
    for upstream in task.upstream:
        for above in live.visible(upstream, task.task_id, index) if live.nodes[upstream].rows else ():
            if above.skips and task.task_id in above.skips and above.map_index in (-1, index):
                return upstream
    return ""


def _conclude(core: Core, live: LiveRun, task: TaskSpec, ti: TaskInstance, to: TaskState, cause: str) -> None:
    held = to is TaskState.SKIPPED and task.wait_for_past_depends_before_skipping
    if held and not past_allows(core, live, task, ti):
        return
    finish(core, live, ti, to, cause)


def past_allows(core: Core, live: LiveRun, task: TaskSpec, ti: TaskInstance) -> bool:
    """Whether the run before allows it; if not, it is looked at again when something ends there."""
    if not (task.depends_on_past or task.wait_for_downstream) or past.is_first(live):
        return True
    known, before = core.past.before(live, core.of_dag[live.run.dag_id].values())
    if not known:
        core.past_unknown[Check(live.run.run_key, task.task_id)] = None
        return False
    if before is None or past.is_met(task, live, core.runs[before]):
        core.watches.unwatch(ti.key)
        return True
    core.watches.watch(key_name(before), ti.key)
    return False


def _make_ready(core: Core, live: LiveRun, node: Node, ti: TaskInstance) -> None:
    task = node.task
    assert task is not None
    body = task.body
    if isinstance(body, (EmptyBody, LatestOnlyBody, MarkTaskBody, WaitTimeBody)):
        native.do_here(core, live, task, ti)
        return
    ready = replace(ti, state=TaskState.SCHEDULED, scheduled_at=core.now)
    core.put_task(live, ready, "ready")
    core.push_ready(live, node, ready)
