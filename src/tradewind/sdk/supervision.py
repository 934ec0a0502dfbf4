"""The one ambient value: whom user code asks for Variables, Connections, XComs and runs while it loads or runs.

A worker installs its client; elsewhere `current()` answers from the environment alone (`AIRFLOW_VAR_*`,
`AIRFLOW_CONN_*`, and the same with `TRADEWIND_`), so that a DAG file can be read in any interpreter. Methods block.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from tradewind.sdk import errors


class Supervisor(Protocol):
    """What a worker can ask. XComs are JSON as `serde` writes it."""

    def get_variable(self, key: str) -> str | None:
        """A Variable's text, None where there is none."""
        ...

    def set_variable(self, key: str, value: str, description: str = "") -> None:
        """Write a Variable."""
        ...

    def delete_variable(self, key: str) -> None:
        """Take a Variable away."""
        ...

    def get_connection(self, conn_id: str) -> dict[str, Any] | None:
        """A Connection's fields, None where there is none."""
        ...

    def get_xcom(
        self, dag_id: str, run_id: str, task_id: str, map_index: int, key: str, include_prior_dates: bool = False
    ) -> bytes | None:
        """One XCom, None where there is none."""
        ...

    def list_xcoms(
        self, dag_id: str, run_id: str, task_id: str, key: str, start: int = 0, stop: int | None = None
    ) -> list[tuple[int, bytes]]:
        """XComs of a mapped task, in order of map index, this slice of them."""
        ...

    def count_xcoms(self, dag_id: str, run_id: str, task_id: str, key: str) -> int:
        """How many XComs a mapped task has."""
        ...

    def set_xcom(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        map_index: int,
        key: str,
        value: bytes,
        kind: str = "other",
        length: int | None = None,
    ) -> None:
        """Write an XCom now, before the task ends."""
        ...

    def get_tasks(self, dag_id: str, run_id: str, task_ids: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Tasks of a run with state, map index and try number."""
        ...

    def get_run(
        self, dag_id: str, run_id: str | None = None, before: datetime | None = None, state: str | None = None
    ) -> dict[str, Any] | None:
        """A run by id, or the last one before a date."""
        ...

    def count_runs(
        self,
        dag_id: str,
        logical_dates: Sequence[datetime] = (),
        run_ids: Sequence[str] = (),
        states: Sequence[str] = (),
    ) -> int:
        """How many runs match."""
        ...

    def send_command(self, command: bytes) -> dict[str, Any]:
        """Ask for something to be done; JSON of a `model.commands.Command`, answered with its result."""
        ...

    def hand_over(
        self,
        dag_id: str,
        run_id: str,
        manifest: dict[str, Any],
        options: dict[str, Any],
        relays: bool = False,
        act: str = "",
    ) -> dict[str, Any]:
        """Give the task's one pod to the control plane, or its one act; what is known of it when it is there."""
        ...

    def await_pod(self, *, started: bool = False) -> dict[str, Any]:
        """What is known of it when its main container began, or when it has ended (then with `result`)."""
        ...

    def read_pod_log(self, position: int, *, relays: bool) -> tuple[list[tuple[str, str, str]], int, bool]:
        """(container, time, text) of what it printed after a position, the next position, and whether that is all."""
        ...

    def stop_pod(self, reason: str = "") -> None:
        """Have it end."""
        ...

    def get_cluster(self) -> dict[str, Any] | None:
        """How its cluster is reached; None where pods are processes of this machine."""
        ...


class EnvironmentSupervisor:
    """Answers from the environment; everything else needs a running attempt."""

    def get_variable(self, key: str) -> str | None:
        """The value of `AIRFLOW_VAR_KEY` or `TRADEWIND_VAR_KEY`."""
        return _look(f"VAR_{key.upper()}")

    def get_connection(self, conn_id: str) -> dict[str, Any] | None:
        """The fields of `AIRFLOW_CONN_ID` or `TRADEWIND_CONN_ID`, a URI or JSON."""
        text = _look(f"CONN_{conn_id.upper()}")
        if text is None:
            return None
        from tradewind.sdk import connection

        return connection.parse(conn_id, text)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(Supervisor, name):
            raise AttributeError(name)

        def refuse(*_: Any, **__: Any) -> Any:
            said = f"{name}: there is no running task here to ask for"
            raise errors.DagProblem.of(
                "no-supervisor", "this process", said, "do it inside a task, not while the file loads"
            )

        return refuse


_installed: list[Supervisor] = []


def install(supervisor: Supervisor) -> None:
    """Make this the one that answers in this process from now on."""
    _installed[:] = [supervisor]


@contextmanager
def installed(supervisor: Supervisor) -> Iterator[Supervisor]:
    """Make this the one that answers inside the block."""
    before = list(_installed)
    _installed[:] = [supervisor]
    try:
        yield supervisor
    finally:
        _installed[:] = before


def current() -> Supervisor:
    """The one that answers."""
    if _installed:
        return _installed[-1]
    fallback: Any = EnvironmentSupervisor()
    found: Supervisor = fallback
    return found


def _look(name: str) -> str | None:
    for prefix in ("AIRFLOW_", "TRADEWIND_"):
        if (value := os.environ.get(prefix + name)) is not None:
            return value
    return None
