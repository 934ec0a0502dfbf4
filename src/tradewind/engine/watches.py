"""Task instances that wait for other runs: who is to be looked at again when something happens there.

A name says what is waited for: a run by id, the run of a logical date, any run of a DAG, or a run by key. It is kept in
the waiting row (`waits_for`) where the wait is an engine-native task, so that a restart finds it again.
"""

from __future__ import annotations

from datetime import datetime

from tradewind.model.ids import RunKey, TaskKey
from tradewind.model.rows import DagRun


def run_name(dag_id: str, run_id: str) -> str:
    """The run with this id."""
    return f"run:{dag_id}/{run_id}"


def date_name(dag_id: str, at: datetime) -> str:
    """The run of this logical date."""
    return f"date:{dag_id}/{at.isoformat()}"


def dag_name(dag_id: str) -> str:
    """Any run of the DAG."""
    return f"dag:{dag_id}"


def key_name(run_key: RunKey) -> str:
    """The run with this key."""
    return f"key:{run_key}"


class Watches:
    """Watchers by name."""

    def __init__(self) -> None:
        self._watchers: dict[str, dict[TaskKey, None]] = {}
        self._names: dict[TaskKey, str] = {}
        self._told: dict[TaskKey, None] = {}
        self._later: dict[TaskKey, None] = {}
        self._freed = False

    def watch(self, name: str, key: TaskKey) -> None:
        """Look at this task instance when something happens there."""
        if self._names.get(key) == name:
            return
        self.unwatch(key)
        self._names[key] = name
        self._watchers.setdefault(name, {})[key] = None
        self._told[key] = None

    def unwatch(self, key: TaskKey) -> None:
        """It no longer waits."""
        name = self._names.pop(key, None)
        if name is not None:
            watchers = self._watchers[name]
            watchers.pop(key, None)
            if not watchers:
                del self._watchers[name]
                self._freed = True
        self._told.pop(key, None)

    def run_changed(self, run: DagRun) -> None:
        """A run was made or changed its state."""
        if self._watchers:
            for name in _names_of(run):
                self._told.update(self._watchers.get(name, {}))

    task_ended = run_changed
    """A task of the run ended, or is no longer ended."""

    def tell_later(self, key: TaskKey) -> None:
        """Look at it again when the runs that were asked for are loaded."""
        self._later[key] = None

    def resume(self) -> None:
        """They are loaded."""
        self._told.update(self._later)
        self._later.clear()

    @property
    def has_told(self) -> bool:
        """Whether someone is to be looked at."""
        return bool(self._told)

    def take_told(self) -> list[TaskKey]:
        """Who is to be looked at, each once."""
        found = list(self._told)
        self._told.clear()
        return found

    def is_watched(self, run: DagRun) -> bool:
        """Whether something waits for it."""
        return bool(self._watchers) and any(name in self._watchers for name in _names_of(run))

    def take_freed(self) -> bool:
        """Whether something is no longer waited for since the last time."""
        freed, self._freed = self._freed, False
        return freed

    def waits(self, key: TaskKey) -> bool:
        """Whether this task instance waits."""
        return key in self._names

    def run_waits(self, run_key: RunKey) -> bool:
        """Whether some task instance of the run waits (called rarely)."""
        return any(key.run_key == run_key for key in self._names)


def _names_of(run: DagRun) -> list[str]:
    found = [run_name(run.dag_id, run.run_id), key_name(run.run_key), dag_name(run.dag_id)]
    if run.logical_date is not None:
        found.append(date_name(run.dag_id, run.logical_date))
    return found
