"""Deciding which tasks after a task run: `SkipMixin`, `BranchMixIn`, `BaseBranchOperator`.

A decision is told to the task instance (`ti.skip_downstream`); outside of mapped tasks the body then ends with
`DownstreamTasksSkipped`, as in Airflow, so that a branch's return value is no XCom there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tradewind.sdk import errors
from tradewind.sdk.abstract_operator import AbstractOperator
from tradewind.sdk.operator import BaseOperator

XCOM_SKIPMIXIN_KEY = "skipmixin_key"
XCOM_SKIPMIXIN_SKIPPED = "skipped"
XCOM_SKIPMIXIN_FOLLOWED = "followed"


class BadBranch(errors.AirflowException):
    """A branch chose what its DAG does not have."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class SkipMixin:
    """Can skip tasks after it."""

    inherits_from_skipmixin = True

    def skip(self, ti: Any, tasks: Iterable[Any], *, everything: bool = False) -> None:
        """Skip these tasks of the run."""
        names = [task.task_id for task in tasks if isinstance(task, AbstractOperator)]
        if not names:
            return
        ti.xcom_push(key=XCOM_SKIPMIXIN_KEY, value={XCOM_SKIPMIXIN_SKIPPED: names})
        _decide(ti, names, everything=everything)

    def skip_all_except(self, ti: Any, branch_task_ids: Any) -> None:
        """Skip all tasks directly after this one, but for those that lead along the chosen ids."""
        chosen = _chosen(branch_task_ids)
        task = ti.task
        dag = task.dag
        if unknown := sorted(chosen - set(dag.task_ids)):
            import difflib

            near = [found for name in unknown for found in difflib.get_close_matches(name, dag.task_ids, n=1)]
            hint = f"is {near[0]!r} meant?" if near else "inside a group the id begins with the group's"
            names = ", ".join(map(repr, unknown))
            said = f"the branch leads to tasks that the DAG does not have: {names}"
            raise BadBranch(said, hint)
        after = task.downstream_list
        if not after:
            return
        for name in list(chosen):
            chosen |= dag.get_task(name).get_flat_relative_ids(upstream=False)
        skipped = [one.task_id for one in after if one.task_id not in chosen]
        followed = [one.task_id for one in after if one.task_id in chosen]
        ti.xcom_push(key=XCOM_SKIPMIXIN_KEY, value={XCOM_SKIPMIXIN_FOLLOWED: followed})
        _decide(ti, skipped, everything=False)


def _decide(ti: Any, names: list[str], *, everything: bool) -> None:
    if not names:
        return
    ti.skip_downstream(names, everything=everything)
    if ti.map_index is None or ti.map_index < 0:
        raise errors.DownstreamTasksSkipped(tasks=names)


def _chosen(ids: Any) -> set[str]:
    if ids is None:
        return set()
    if isinstance(ids, str):
        return {ids}
    if not isinstance(ids, Iterable):
        said = f"a branch is told by a task id, a list of them or None, not by {type(ids).__name__!r}"
        raise errors.AirflowException(said)
    found = list(ids)
    if wrong := [one for one in found if not isinstance(one, str)]:
        said = f"a branch returns ids of tasks or groups, but got invalid 'branch_task_ids': {wrong!r}"
        raise errors.AirflowException(said)
    return set(found)


class BranchMixIn(SkipMixin):
    """Can follow some of the tasks after it and skip the others."""

    def do_branch(self, context: Any, branches_to_execute: Any) -> Any:
        """Follow these tasks or groups; returns them."""
        log = getattr(self, "log", None)
        if log is not None:
            log.info("following %s", branches_to_execute)
        ids = None if branches_to_execute is None else self._roots_of(context["ti"], branches_to_execute)
        self.skip_all_except(context["ti"], ids)
        return branches_to_execute

    def _roots_of(self, ti: Any, branches: Any) -> Any:
        groups = ti.task.dag.task_group_dict
        if isinstance(branches, str):
            branches = [branches]
        if not isinstance(branches, Iterable):
            return branches
        return list(_unfold(branches, groups))


def _unfold(branches: Iterable[Any], groups: dict[Any, Any]) -> Iterator[Any]:
    for branch in branches:
        if isinstance(branch, str) and branch in groups:
            yield from (root.task_id for root in groups[branch].roots)
        else:
            yield branch


class BaseBranchOperator(BaseOperator, BranchMixIn):
    """A branch of the user's own: subclasses override `choose_branch`."""

    _can_skip_downstream = True

    def choose_branch(self, context: Any) -> Any:
        """Ids of tasks or groups to follow; None skips all."""
        raise NotImplementedError(f"{type(self).__name__} has no choose_branch()")

    def execute(self, context: Any) -> Any:
        """Choose and follow."""
        return self.do_branch(context, self.choose_branch(context))
