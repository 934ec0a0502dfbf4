"""Work for a process that has a DAG file loaded: load, run an attempt, render, call back.

These are what a zygote and its children get and give; in a team's pod they arrive by another road, in the same form.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from tradewind.model.dagspec import DagSpec
from tradewind.model.outcome import Failed, Skipped
from tradewind.model.problem import Problem
from tradewind.model.rows import DagRun, TaskInstance


class FileRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which file to have loaded: the key of a zygote. `import_path` goes on sys.path after `root`."""

    root: str
    file: str
    import_path: tuple[str, ...] = ()
    meaning: str | None = None
    isolated: bool = False
    """Load it per attempt: it leaves threads, sockets or locks behind."""
    options: tuple[tuple[str, str], ...] = ()
    """Settings of the installation that stand for options of Airflow (`core.default_task_retries`), with their text."""


class LoadWork(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Load the file."""

    file: FileRef
    timeout_seconds: float = 30
    memory_bytes: int = 0
    supervisor_socket: str = ""


class LoadReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What loading gave."""

    specs: tuple[DagSpec, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    seconds: float = 0
    isolated: bool = False
    output: str = ""
    """The tail of what it printed while loading."""
    meaning: str = ""
    """Which Airflow the file means, also where it could not be loaded; "" where that was not found out."""
    meaning_from: str = ""


class PythonWork(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Run one Python attempt."""

    attempt_id: str
    file: FileRef
    run: DagRun
    task: TaskInstance
    """As committed with its attempt: try number, next method, map index."""
    max_tries: int = 0
    supervisor_socket: str = ""
    do_xcom_push: bool = True
    max_xcom_bytes: int = 48 << 20
    log_quota_bytes: int = 1 << 30
    memory_bytes: int = 0
    timeout_seconds: float | None = None
    """The execution timeout: AirflowTaskTimeout is raised in the body; the control plane's own stop is the net."""
    map_length: int | None = None


class RenderWork(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Render a task's template fields; for a pod operator `fields` are its rendered arguments as plain JSON.

    With `pod`, the file is the site's and its `pod_mutation_hook` is given that pod; `fields` are what it made of it.
    """

    file: FileRef
    run: DagRun
    task: TaskInstance
    attempt_id: str = ""
    supervisor_socket: str = ""
    timeout_seconds: float = 30
    pod: dict[str, Any] | None = None


class RenderReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rendered fields."""

    fields: dict[str, Any] = {}
    masked: tuple[str, ...] = ()
    rendered_map_index: str | None = None
    problem: Problem | None = None
    outcome: Failed | Skipped | None = None
    """Beside a problem: how its attempt ends where the user's code said so, by AirflowSkipException for one."""


class CallbackWork(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Run a callback: of `task`, or of the DAG where there is none."""

    file: FileRef
    run: DagRun
    which: str
    task: TaskInstance | None = None
    reason: str = ""
    deadlines: tuple[int, ...] = ()
    """Of the DAG's deadlines, those that were missed: positions in its specification."""
    supervisor_socket: str = ""
    timeout_seconds: float = 300
    at: datetime | None = None
