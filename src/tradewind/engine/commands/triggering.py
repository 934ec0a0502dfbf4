"""Runs by hand."""

from __future__ import annotations

from tradewind.engine import runs
from tradewind.engine.commands.refusals import bad_param, no_dag, refuse
from tradewind.engine.core import Core
from tradewind.model import commands as cmd
from tradewind.model.commands import CommandResult


def run_id_of(command: cmd.TriggerRun) -> str | None:
    """The id that the run will have; None where it is made from the present moment."""
    if command.run_id is not None:
        return command.run_id
    return None if command.logical_date is None else f"manual__{command.logical_date.isoformat()}"


def trigger(core: Core, command: cmd.TriggerRun, by: str) -> CommandResult:
    """Make a queued run."""
    dag = core.dags.get(command.dag_id)
    if dag is None or dag.removed:
        return no_dag(core, command.dag_id)
    at = command.logical_date or runs.free_moment(core, dag.dag_id)
    if at.tzinfo is None:
        return refuse("bad-logical-date", f"{at} has no time zone", "add one, such as +00:00")
    run_id = run_id_of(command) or f"manual__{at.isoformat()}"
    if core.find_run(command.dag_id, run_id) is not None:
        message = f"DAG {command.dag_id!r} already has a run {run_id!r}"
        return refuse("run-exists", message, "choose another --run-id")
    if (refused := bad_param(core.graph(dag.version).spec, command.conf)) is not None:
        return refused
    problem = runs.create_manual(
        core, dag, run_id, at, conf=command.conf, by=by, run_after=command.run_after, note=command.note
    )
    if problem is not None:
        return refuse(problem.code, f"{problem.object}: {problem.reason}", problem.hint)
    return CommandResult(ok=True, run_id=run_id, touched=1)
