"""What `runs clear` and `tasks clear` have in common: their options, and the list that a dry run prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from tradewind.cli import tables
from tradewind.cli.options import Output
from tradewind.model.commands import TaskName

NewestVersionOption = Annotated[
    bool, typer.Option("--newest-version", help="With today's version of the DAG instead of the run's own.")
]
ThisDagOnlyOption = Annotated[
    bool, typer.Option("--this-dag-only", help="Leave tasks of other DAGs alone that an ExternalTaskMarker names.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only list what would run again.")]


def show(tasks: Sequence[TaskName], *, output: Output) -> None:
    """Each task once, though several selections have it."""
    rows = [
        {
            "dag_id": one.dag_id,
            "run_id": one.run_id,
            "task_id": one.task_id,
            "map_index": one.map_index if one.map_index >= 0 else None,
            "state": one.state,
        }
        for one in dict.fromkeys(tasks)
    ]
    tables.show(rows, output=output, empty="nothing would run again")
