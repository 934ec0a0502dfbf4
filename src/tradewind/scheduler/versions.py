"""DAG versions that the engine needs now, kept in memory.

Invariant: before the engine sees a row, the version that the row names is here, since the engine asks synchronously.
"""

from __future__ import annotations

from collections.abc import Iterable

from tradewind.model import sharing
from tradewind.model.dagspec import DagSpec, TaskSpec
from tradewind.model.ids import VersionHash
from tradewind.ports import runtime as runtime_port
from tradewind.ports import store as store_port


class VersionCache:
    """Specifications and sources by version hash."""

    def __init__(self, versions: store_port.DagVersions, snapshots: runtime_port.Snapshots) -> None:
        self._versions = versions
        self._snapshots = snapshots
        self._known: dict[VersionHash, store_port.Version] = {}
        self._tasks: dict[VersionHash, dict[str, TaskSpec]] = {}
        self._isolated: dict[tuple[str, str], bool] = {}

    async def ensure(self, hashes: Iterable[VersionHash]) -> None:
        """Load those that are not here. Raises `errors.NotFound` for one that does not exist."""
        for version in hashes:
            if version not in self._known:
                known = self._known[version] = await self._versions.get(version)
                sharing.share(known.spec)

    async def refresh_files(self, bundle: str) -> None:
        """Learn which files must be loaded per attempt."""
        for status in await self._versions.list_files(bundle):
            self._isolated[bundle, status.path] = status.isolated

    def spec(self, version: VersionHash) -> DagSpec:
        """The engine's `specs`."""
        return self._known[version].spec

    def task(self, version: VersionHash, task_id: str) -> TaskSpec:
        """One task of a version."""
        tasks = self._tasks.get(version)
        if tasks is None:
            tasks = self._tasks[version] = {task.task_id: task for task in self.spec(version).tasks}
        return tasks[task_id]

    def source(self, version: VersionHash) -> runtime_port.Source:
        """Where a worker loads the version from."""
        known = self._known[version]
        file = known.spec.file
        return runtime_port.Source(
            bundle=known.bundle,
            tree=known.tree,
            root=str(self._snapshots.path(known.tree)),
            file=file,
            isolated=self._isolated.get((known.bundle, file), False),
        )

    def keep_only(self, needed: frozenset[VersionHash]) -> None:
        """Forget the others."""
        for version in [version for version in self._known if version not in needed]:
            del self._known[version]
            self._tasks.pop(version, None)
