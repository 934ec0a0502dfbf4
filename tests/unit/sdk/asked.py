"""A supervisor that answers from dicts, and remembers what was written."""

from __future__ import annotations

from typing import Any


class Asked:
    """Variables and Connections by name, XComs by task, key and map index; what it cannot answer it does not have."""

    def __init__(
        self, variables: dict[str, str] | None = None, connections: dict[str, dict[str, Any]] | None = None
    ) -> None:
        self.variables = dict(variables or {})
        self.connections = dict(connections or {})
        self.xcoms: dict[tuple[str, str, int], bytes] = {}
        self.secrets: list[Any] = []
        self.tasks: list[dict[str, Any]] = []

    def get_variable(self, key: str) -> str | None:
        return self.variables.get(key)

    def set_variable(self, key: str, value: str, description: str = "") -> None:
        self.variables[key] = value

    def delete_variable(self, key: str) -> None:
        self.variables.pop(key, None)

    def get_connection(self, conn_id: str) -> dict[str, Any] | None:
        return self.connections.get(conn_id)

    def get_xcom(
        self, dag_id: str, run_id: str, task_id: str, map_index: int, key: str, include_prior_dates: bool = False
    ) -> bytes | None:
        return self.xcoms.get((task_id, key, map_index))

    def list_xcoms(
        self, dag_id: str, run_id: str, task_id: str, key: str, start: int = 0, stop: int | None = None
    ) -> list[tuple[int, bytes]]:
        found = [(index, data) for (task, name, index), data in self.xcoms.items() if (task, name) == (task_id, key)]
        return sorted(found)[start:stop]

    def count_xcoms(self, dag_id: str, run_id: str, task_id: str, key: str) -> int:
        return len(self.list_xcoms(dag_id, run_id, task_id, key))

    def get_tasks(self, *_: Any) -> list[dict[str, Any]]:
        return self.tasks

    def get_run(self, *_: Any, **__: Any) -> None:
        return None

    def keep_secret(self, secret: Any, name: str | None = None) -> None:
        self.secrets.append(secret)
