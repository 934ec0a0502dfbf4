"""The child's side: load a DAG file, render a task, run one Python attempt, call back.

`preload` is called once in the process that all others are forked from.
"""

from __future__ import annotations

_MODULES = (
    "croniter",  # reading a schedule; it starts a process when it is imported
    "jinja2.ext",
    "jinja2.sandbox",
    "pendulum",
    "tempfile",
    "tradewind.compat",
    "tradewind.compat.modules",
    "tradewind.compat.providers",
    "tradewind.compat.table",
    "tradewind.sdk.assets",
    "tradewind.sdk.connection",
    "tradewind.sdk.context",
    "tradewind.sdk.decorated",
    "tradewind.sdk.macros",
    "tradewind.sdk.mapped",
    "tradewind.sdk.operators.bash",
    "tradewind.sdk.operators.empty",
    "tradewind.sdk.operators.latest_only",
    "tradewind.sdk.operators.pod",
    "tradewind.sdk.operators.python",
    "tradewind.sdk.operators.trigger_dagrun",
    "tradewind.sdk.sensors.external_task",
    "tradewind.sdk.sensors.function",
    "tradewind.sdk.sensors.time",
    "tradewind.sdk.spec",
    "tradewind.sdk.task_decorator",
    "tradewind.sdk.variable",
    "tradewind.worker.attempt",
    "tradewind.worker.callback",
    "tradewind.worker.loading",
    "tradewind.worker.render",
    "uuid",
)


def preload() -> None:
    """Load and try out what every DAG file needs: its processes share the memory and need no time for it."""
    import importlib

    for name in _MODULES:
        importlib.import_module(name)
    importlib.import_module("tradewind.worker.warming").warm()
