"""Refusals that several commands share."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from tradewind.engine.commands import selection
from tradewind.engine.core import Core
from tradewind.engine.live import LiveRun
from tradewind.model.commands import CommandResult, TaskSelection
from tradewind.model.dagspec import DagSpec
from tradewind.model.param_schema import problem_of_conf


def refuse(code: str, message: str, hint: str) -> CommandResult:
    """Nothing was done."""
    return CommandResult(ok=False, code=code, message=message, hint=hint)


def no_dag(core: Core, dag_id: str) -> CommandResult:
    """There is no such DAG, or its file is gone."""
    near = difflib.get_close_matches(dag_id, [one for one, dag in core.dags.items() if not dag.removed], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`tradewind dags list` shows them"
    return refuse("not-found", f"there is no DAG {dag_id!r}", hint)


def no_run(dag_id: str, run_id: str) -> CommandResult:
    """There is no such run."""
    hint = f"`tradewind runs list {dag_id}` shows them"
    return refuse("not-found", f"DAG {dag_id!r} has no run {run_id!r}", hint)


def bad_param(spec: DagSpec, conf: Mapping[str, Any]) -> CommandResult | None:
    """A parameter that this conf leaves without a value, or gives one that its schema refuses."""
    wrong = problem_of_conf(spec.params, conf)
    if wrong is None:
        return None
    hint = "give it in --conf; its schema is at its Param(...) in the DAG file"
    return refuse("bad-param", f"param {wrong[0]!r} of DAG {spec.dag_id!r}: {wrong[1]}", hint)


def no_task(live: LiveRun, task_id: str) -> CommandResult:
    """The run has no such task."""
    message = f"run {live.run.run_id!r} of DAG {live.run.dag_id!r} has no task {task_id!r}"
    return refuse("not-found", message, f"`tradewind runs show {live.run.dag_id} {live.run.run_id}` shows its tasks")


def asked_run(core: Core, chosen: TaskSelection) -> CommandResult | LiveRun:
    """The run that a selection names, or why it cannot be: there is none, or it lacks a task."""
    live = core.find_run(chosen.dag_id, chosen.run_id)
    if live is None:
        return no_run(chosen.dag_id, chosen.run_id)
    if unknown := selection.unknown_task(live.graph, chosen):
        return no_task(live, unknown)
    return live
