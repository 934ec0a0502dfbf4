"""DAGs as a whole: paused, unpaused, deleted."""

from __future__ import annotations

from msgspec.structs import replace

from tradewind.engine.commands.refusals import no_dag, refuse
from tradewind.engine.core import Core
from tradewind.model import commands as cmd
from tradewind.model.commands import CommandResult


def set_paused(core: Core, command: cmd.SetPaused) -> CommandResult:
    """While paused no run is made or started and no task is launched; what runs goes on."""
    dag = core.dags.get(command.dag_id)
    if dag is None:
        return no_dag(core, command.dag_id)
    if dag.paused != command.paused:
        core.put_dag(replace(dag, paused=command.paused), "paused" if command.paused else "unpaused")
        return CommandResult(ok=True, touched=1)
    return CommandResult(ok=True)


def delete_dag(core: Core, command: cmd.DeleteDag) -> CommandResult:
    """Allow that a DAG's history is deleted: refused while a run of it is active.

    The rows are deleted by who gave the command, once it sees this result; `DagGone` then tells the engine.
    """
    if command.dag_id not in core.dags:
        return no_dag(core, command.dag_id)
    active = [live.run.run_id for live in core.of_dag[command.dag_id].values() if not live.run.state.is_finished]
    if active:
        message = f"DAG {command.dag_id!r} has {len(active)} active runs, {active[0]!r} among them"
        return refuse("dag-active", message, "cancel them first: `tradewind runs cancel`")
    return CommandResult(ok=True, touched=1)
