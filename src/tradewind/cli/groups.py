"""The groups of commands by name; each module is imported only when one of its commands is called.

Invariant: `tradewind --help` imports none of them, so that help stays as quick as with one command.
"""

from __future__ import annotations

import importlib
from typing import Any

import typer.core
import typer.main

GROUPS: dict[str, tuple[str, str]] = {
    "dags": ("tradewind.cli.dags", "DAGs: list, look at, trigger, pause; which files are broken."),
    "runs": ("tradewind.cli.runs", "Runs: list, look at, cancel, clear, mark."),
    "tasks": ("tradewind.cli.tasks", "Task instances: list, read logs, clear, mark."),
    "backfill": ("tradewind.cli.backfill", "Backfills: runs for every date of a range."),
    "pods": ("tradewind.cli.pods", "Pods in the cluster: list, look at one, clean up."),
    "kubernetes": ("tradewind.cli.kubernetes", "The cluster: the Role that Tradewind needs there."),
    "xcom": ("tradewind.cli.xcom", "XComs: list them, print one."),
    "pools": ("tradewind.cli.pools", "Pools: list, set, delete, import, export."),
    "variables": ("tradewind.cli.variables", "Variables: list, get, set, delete, import, export."),
    "connections": ("tradewind.cli.connections", "Connections: list, get, set, delete, import, export, test."),
    "vault": ("tradewind.cli.vault", "The vault's keys: which there are, and a new one."),
    "db": ("tradewind.cli.db", "The database: migrate, check, back up, restore; take old history away."),
    "config": ("tradewind.cli.config", "Settings: show, explain, where each comes from."),
}
"""Name → (module with an `app`, its line in the help)."""


def new(help_text: str) -> typer.Typer:
    """A group of commands, as each module makes its `app`."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["--help", "-h"]},
    )


class Groups(typer.core.TyperGroup):
    """The commands of the program: those of its own, and the groups."""

    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Its own first, then the groups, each in the order in which they were written."""
        return [*super().list_commands(ctx), *GROUPS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command; for the list of all of them, a group is only its line."""
        if cmd_name not in GROUPS:
            return super().get_command(ctx, cmd_name)
        module, line = GROUPS[cmd_name]
        if self._listing:
            return typer.core.TyperCommand(cmd_name, help=line)
        app = importlib.import_module(module).app
        app.info.name = cmd_name
        return typer.main.get_command(app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list in the help."""
        self._listing = True
        try:
            super().format_commands(ctx, formatter)
        finally:
            self._listing = False
