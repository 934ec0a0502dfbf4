"""Refusals that several commands share."""

from __future__ import annotations

import difflib

from tradewind.engine.core import Core
from tradewind.model.commands import CommandResult


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
