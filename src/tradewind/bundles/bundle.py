"""One bundle: what its files were at the last look, which of them must be parsed again, and what they give.

Invariant: a broken file never takes away the last good version of its DAGs; it adds its problems beside it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tradewind.bundles import dag_files, ignore
from tradewind.bundles.last_good import LastGood
from tradewind.bundles.meanings import Meanings
from tradewind.model.dagspec import DagSpec
from tradewind.model.ids import DagId, TreeHash, VersionHash
from tradewind.model.problem import Problem
from tradewind.model.rows import DagRow
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import runtime as runtime_port
from tradewind.ports import store as store_port
from tradewind.ports import vault as vault_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """What one look at a bundle did."""

    changed: tuple[DagRow, ...] = ()
    parsed: tuple[str, ...] = ()
    seconds: tuple[float, ...] = ()
    """How long each of `parsed` took to load."""
    gone: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    dag_ids: tuple[str, ...] = ()
    tree: str = ""


@dataclass(slots=True)
class _Memory:
    """What is kept between looks."""

    tree: str = ""
    files: dict[str, store_port.FileStatus] = field(default_factory=dict)
    results: LastGood = field(default_factory=LastGood)
    loaded: bool = False


class Bundle:
    """A folder of DAG files."""

    def __init__(
        self,
        *,
        name: str,
        folder: Path,
        only: str | None = None,
        meanings: Meanings | None = None,
        timeout_seconds: float = 30,
        ignore_syntax: str = "glob",
        snapshots: runtime_port.Snapshots,
        files: runtime_port.FileRuntime,
        versions: store_port.DagVersions,
        vault: vault_port.Vault,
        clock: clock_port.Clock,
        parallel: int = 2,
        on_parsed: Callable[[int], None] | None = None,
    ) -> None:
        """`only`: parse just this file of the folder (relative), as `tradewind run FILE` does. `on_parsed` hears of
        each file that was parsed, with how many of the same look are left.

        An archive as `only` stands for the DAG files in it. `ignore_syntax` of `.airflowignore`: "glob" or "regexp".
        """
        self.name = name
        self.folder = folder
        self._only = only
        self._meanings = meanings or Meanings()
        self._timeout_seconds = timeout_seconds
        self._ignore_syntax = ignore_syntax
        self._snapshots = snapshots
        self._files = files
        self._versions = versions
        self._vault = vault
        self._clock = clock
        self._on_parsed = on_parsed
        self._gate = asyncio.Semaphore(parallel)
        self._memory = _Memory()

    async def refresh(self) -> Refresh:
        """Look at the folder; parse what changed; record versions. Raises `errors.Rejected` for an oversized tree."""
        memory = self._memory
        if not memory.loaded:
            memory.files = {status.path: status for status in await self._versions.list_files(self.name)}
            memory.loaded = True
        paths = await asyncio.to_thread(self._list)
        tree = await self._snapshots.keep(self.folder, paths)
        if tree == memory.tree and not await self._variables_changed():
            return Refresh(tree=tree, dag_ids=self._dag_ids())
        return await self._take(tree, frozenset(paths))

    def specs(self) -> dict[str, DagSpec]:
        """The last good specification of each DAG, by id."""
        return {spec.dag_id: spec for _, result in self._memory.results.items() for spec in result.specs}

    def results(self) -> Mapping[str, runtime_port.ParseResult]:
        """What each file gave when it was last parsed with any success (or the first time), by path."""
        return dict(self._memory.results.items())

    def files(self) -> tuple[store_port.FileStatus, ...]:
        """What is known about each file, in order of path."""
        return tuple(self._memory.files[path] for path in sorted(self._memory.files))

    def read(self, path: str) -> bytes:
        """The source of a DAG file as it is now. Raises OSError where it is not there."""
        return dag_files.read(self.folder / path)

    def _list(self) -> list[str]:
        return [path for path, _ in ignore.list_files(self.folder, syntax=self._ignore_syntax)]

    def _candidates(self, root: Path, paths: frozenset[str]) -> list[str]:
        if self._only is None:
            return dag_files.list_dag_files(root, paths, self._memory.files)
        archive = dag_files.archive_of(root, self._only)
        if (archive or self._only) not in paths:
            raise errors.Rejected(
                "is left out by .airflowignore",
                object=str(self.folder / self._only),
                code="file-ignored",
                hint="take the pattern that it matches out of .airflowignore, or name another file",
            )
        if archive is None and self._only.lower().endswith(".zip"):
            return dag_files.list_dag_files(root, [self._only], self._memory.files)
        return [self._only]

    async def _take(self, tree: str, paths: frozenset[str]) -> Refresh:
        root = self._snapshots.path(tree)
        candidates = await asyncio.to_thread(self._candidates, root, paths)
        changed = [path for path in candidates if await self._must_parse(root, path, tree)]
        results: dict[str, runtime_port.ParseResult] = {}
        async with asyncio.TaskGroup() as group:
            for path in changed:
                group.create_task(self._parse(root, path, tree, results, len(changed)))
        return await self._record(tree, root, frozenset(candidates), results)

    async def _must_parse(self, root: Path, path: str, tree: str) -> bool:
        known = self._memory.files.get(path)
        if known is None or path not in self._memory.results:
            return True
        return known.fingerprint != await self._fingerprint(root, path, known.reads, known.variables)

    async def _parse(
        self, root: Path, path: str, tree: str, results: dict[str, runtime_port.ParseResult], total: int
    ) -> None:
        async with self._gate:
            source = runtime_port.Source(bundle=self.name, tree=tree, root=str(root), file=path)
            results[path] = await self._files.parse(
                runtime_port.ParseRequest(
                    source=source, meaning=self._meanings.of(path), timeout_seconds=self._timeout_seconds
                )
            )
        if self._on_parsed is not None:
            self._on_parsed(total - len(results))

    async def _record(
        self, tree: str, root: Path, candidates: frozenset[str], results: dict[str, runtime_port.ParseResult]
    ) -> Refresh:
        memory = self._memory
        gone_files = [path for path in memory.files if path not in candidates]
        before = {dag_id for status in memory.files.values() for dag_id in status.dag_ids}
        now = self._clock.now()
        for path in gone_files:
            del memory.files[path]
            memory.results.forget(path)
        for path, result in results.items():
            memory.files[path] = await self._status(root, path, result, memory.files.get(path))
            if result.specs or path not in memory.results:
                memory.results.keep(path, result)
        self._refuse_duplicates()
        versions = [
            store_port.Version(
                version=VersionHash(spec.fingerprint(tree)),
                spec=spec,
                bundle=self.name,
                tree=TreeHash(tree),
                created_at=now,
            )
            for path, result in memory.results.items()
            for spec in result.specs
            if path in memory.files
            and spec.dag_id in memory.files[path].dag_ids
            and not (memory.files[path].problems and path in results and not results[path].specs)
        ]
        after = {dag_id for status in memory.files.values() for dag_id in status.dag_ids}
        try:
            rows = await self._versions.put(
                versions,
                [memory.files[path] for path in sorted(results)],
                [DagId(dag_id) for dag_id in sorted(before - after)],
                now,
            )
            if gone_files:
                await self._versions.forget_files(self.name, gone_files)
        except BaseException:
            self._memory = _Memory()  # what could not be recorded is found again by the next look
            raise
        memory.tree = tree
        return Refresh(
            changed=tuple(rows),
            parsed=tuple(sorted(results)),
            gone=tuple(gone_files),
            seconds=tuple(results[path].seconds for path in sorted(results)),
            problems=tuple(problem for path in sorted(results) for problem in memory.files[path].problems),
            warnings=tuple(warning for path in sorted(results) for warning in memory.files[path].warnings),
            dag_ids=self._dag_ids(),
            tree=tree,
        )

    async def _status(
        self, root: Path, path: str, result: runtime_port.ParseResult, before: store_port.FileStatus | None
    ) -> store_port.FileStatus:
        dag_ids = tuple(spec.dag_id for spec in result.specs)
        if result.problems and before is not None:
            # Broken now: the DAGs which it had stay with their last good version.
            dag_ids = tuple(dict.fromkeys((*dag_ids, *before.dag_ids)))
        return store_port.FileStatus(
            bundle=self.name,
            path=path,
            fingerprint=await self._fingerprint(root, path, result.reads, result.variables),
            dag_ids=dag_ids,
            problems=result.problems,
            warnings=result.warnings,
            reads=result.reads,
            variables=result.variables,
            parsed_at=self._clock.now(),
            seconds=result.seconds,
            isolated=result.isolated,
        )

    def _refuse_duplicates(self) -> None:
        """Two files with one DAG id: the first by path keeps it, the other one gets a problem."""
        owner: dict[str, str] = {}
        for path in sorted(self._memory.files):
            status = self._memory.files[path]
            twice = [dag_id for dag_id in status.dag_ids if dag_id in owner]
            for dag_id in status.dag_ids:
                owner.setdefault(dag_id, path)
            if twice:
                self._memory.files[path] = _with_duplicates(status, {dag_id: owner[dag_id] for dag_id in twice})

    def _dag_ids(self) -> tuple[str, ...]:
        return tuple(sorted({dag_id for status in self._memory.files.values() for dag_id in status.dag_ids}))

    async def _fingerprint(self, root: Path, path: str, reads: Sequence[str], variables: Sequence[str]) -> str:
        answers = [f"{name}={await self._answer(name)}" for name in sorted(variables)]
        return await asyncio.to_thread(_hash_inputs, root, path, tuple(reads), tuple(answers))

    async def _answer(self, name: str) -> str:
        kind, _, key = name.partition(":")
        if kind == "variable":
            return repr(await self._vault.find_variable(key))
        return repr(await self._vault.find_connection(key))

    async def _variables_changed(self) -> bool:
        for path, status in self._memory.files.items():
            if status.variables and path in self._memory.results:
                root = self._snapshots.path(self._memory.tree)
                if status.fingerprint != await self._fingerprint(root, path, status.reads, status.variables):
                    return True
        return False


def _hash_inputs(root: Path, path: str, reads: tuple[str, ...], answers: tuple[str, ...]) -> str:
    """SHA-256 over what decided the result of a parse: the file (its archive), what it read or listed, Variables."""
    digest = hashlib.sha256()
    for relative in dict.fromkeys((dag_files.archive_of(root, path) or path, *sorted(reads))):
        place = root / relative
        if place.is_dir():
            content = "\n".join(sorted(one.name for one in place.iterdir() if one.name != "__pycache__")).encode()
        else:
            try:
                content = place.read_bytes()
            except OSError:
                content = b"<absent>"
        digest.update(relative.encode() + b"\0" + hashlib.sha256(content).digest())
    for answer in answers:
        digest.update(answer.encode() + b"\0")
    return digest.hexdigest()


def _with_duplicates(status: store_port.FileStatus, owners: dict[str, str]) -> store_port.FileStatus:
    problems = tuple(
        Problem(
            code="duplicate-dag-id",
            object=f"DAG {dag_id!r} in {status.path}",
            message=f"{other} already defines this DAG id",
            hint="give one of them another dag_id",
            file=status.path,
        )
        for dag_id, other in owners.items()
    )
    kept = tuple(dag_id for dag_id in status.dag_ids if dag_id not in owners)
    known = {problem.object for problem in status.problems}
    fresh = tuple(problem for problem in problems if problem.object not in known)
    return msgspec.structs.replace(status, dag_ids=kept, problems=(*status.problems, *fresh))
