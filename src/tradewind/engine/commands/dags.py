"""DAGs as a whole: paused, unpaused, deleted."""

from __future__ import annotations

from msgspec.structs import replace

from tradewind.engine.commands.refusals import no_dag, refuse
from tradewind.engine.core import Core
from tradewind.model import commands as cmd
from tradewind.model.commands import CommandResult
from tradewind.model.facts import OutboxFact
from tradewind.model.rows import OutboxRow


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
    """Have a DAG's history deleted: refused while a run of it is active, or a backfill.

    The rows go in slices, by the row of the outbox that is written here; where the DAG's own row went too, `DagGone`
    tells the engine.
    """
    if command.dag_id not in core.dags:
        return no_dag(core, command.dag_id)
    active = [live.run.run_id for live in core.of_dag[command.dag_id].values() if not live.run.state.is_finished]
    if active:
        message = f"DAG {command.dag_id!r} has {len(active)} active runs, {active[0]!r} among them"
        return refuse("dag-active", message, "cancel them first: `tradewind runs cancel`")
    backfills = [
        one.backfill_id for one in core.backfills.values() if one.dag_id == command.dag_id and not one.state.is_finished
    ]
    if backfills:
        message = f"DAG {command.dag_id!r} has an unfinished backfill, {backfills[0]}"
        return refuse("dag-active", message, f"cancel it first: `tradewind backfill cancel {backfills[0]}`")
    # Runs that are made from now on stay.
    payload = {"dag_id": command.dag_id, "before": core.now.isoformat()}
    key = f"remove_dag:{command.dag_id}:{core.now.isoformat()}"
    core.facts.append(OutboxFact(row=OutboxRow(key=key, kind="remove_dag", payload=payload, due_at=core.now)))
    return CommandResult(ok=True, touched=1)
