"""What people ask of the engine: each command is decided to a result, refused ones with a code and a hint."""

from __future__ import annotations

from tradewind.engine.commands import acting, backfills, clearing, dags, pools, selection, triggering
from tradewind.engine.core import Core
from tradewind.model import commands as cmd
from tradewind.model.snapshot import RunRef


def needs(core: Core, command: cmd.Command) -> tuple[RunRef, ...]:
    """Runs that must be in memory before the command is decided. Asked again until nothing is missing."""
    match command:
        case cmd.ClearTasks():
            return clearing.needs(core, command)
        case cmd.MarkTasks():
            return selection.needs(core, command.selection)
        case cmd.TriggerRun():
            run_id = triggering.run_id_of(command)
            return () if run_id is None else selection.missing(core, command.dag_id, run_id)
        case cmd.CancelRun() | cmd.MarkRun() | cmd.SetNote():
            return selection.missing(core, command.dag_id, command.run_id)
        case _:
            return ()


def decide(core: Core, command: cmd.Command, by: str) -> cmd.CommandResult:
    """Do it, or say why not."""
    match command:
        case cmd.TriggerRun():
            return triggering.trigger(core, command, by)
        case cmd.CancelRun():
            return acting.cancel(core, command)
        case cmd.MarkRun():
            return acting.mark_run(core, command)
        case cmd.ClearTasks():
            return clearing.clear(core, command)
        case cmd.MarkTasks():
            return acting.mark_tasks(core, command)
        case cmd.SetNote():
            return acting.note(core, command)
        case cmd.SetPaused():
            return dags.set_paused(core, command)
        case cmd.SetPool():
            return pools.set_pool(core, command)
        case cmd.DeletePool():
            return pools.delete_pool(core, command)
        case cmd.DeleteDag():
            return dags.delete_dag(core, command)
        case cmd.CreateBackfill():
            return backfills.create(core, command, by)
        case cmd.SetBackfill():
            return backfills.change(core, command)
