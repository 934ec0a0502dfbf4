"""Loads a DAG file in this process and tells what it defines.

Never raises: whatever the file's code does ends as problems in the report. The process is the file's own from then on:
its folder is on the import path, its modules are loaded, and attempts are forked from it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import time
from types import ModuleType
from typing import Any

import msgspec

from tradewind import compat
from tradewind.model.dagspec import DagSpec, GroupSpec, TaskSpec
from tradewind.model.problem import Problem
from tradewind.protocol.work import FileRef, LoadReport, LoadWork
from tradewind.sdk import errors, plugin, registry, spec, supervision
from tradewind.sdk.configuration import conf
from tradewind.sdk.definition import DAG
from tradewind.sdk.supervision import EnvironmentSupervisor, Supervisor
from tradewind.worker import alarm, leftovers, output, plugins, reads, trouble
from tradewind.worker import archive as archives
from tradewind.worker.asking import AskingSupervisor
from tradewind.worker.supervisor import SocketSupervisor

MODULE_PREFIX = "tradewind_dagfile_"
"""What the names of DAG files' own modules begin with."""


class LoadedFile:
    """A file as this process has it: its report, and its DAGs by id."""

    def __init__(
        self,
        file: FileRef,
        report: LoadReport,
        dags: dict[str, DAG],
        found: plugin.Plugins | None = None,
        module: ModuleType | None = None,
    ) -> None:
        self.plugins = found or plugin.Plugins()
        self.module = module
        self.file = file
        self.report = report
        self.dags = dags
        self._mapped_over = {one.dag_id: _mapped_over(one) for one in report.specs}

    def is_mapped_over(self, dag_id: str, task_id: str) -> bool:
        """Whether a task or group is multiplied by what this task returns."""
        return task_id in self._mapped_over.get(dag_id, ())


def load(work: LoadWork, supervisor: Supervisor | None = None) -> LoadedFile:
    """Load the file. `supervisor`: whom its code asks for Variables, by default over the work's socket."""
    began = time.perf_counter()
    output.prepare_logging()
    asking = AskingSupervisor(supervisor or _supervisor(work))
    supervision.install(asking)
    before = leftovers.Inventory.take()
    with output.captured() as tail, reads.recording(work.file.root) as recorder:
        loading = _Loading(work)
        loading.run()
        reads_found = recorder.result()
    close = getattr(asking, "close", None)
    if close is not None:
        close()
    report = LoadReport(
        specs=tuple(loading.specs),
        problems=tuple(loading.problems),
        warnings=tuple(loading.warnings),
        reads=reads_found,
        variables=tuple(asking.asked),
        seconds=time.perf_counter() - began,
        isolated=before.has_grown(),
        output=tail.text(),
        meaning=loading.meaning,
        meaning_from=loading.meaning_from,
    )
    return LoadedFile(work.file, report, loading.dags, loading.plugins, loading.module)


class _Loading:
    """One loading, step by step."""

    def __init__(self, work: LoadWork) -> None:
        self._work = work
        self._path = os.path.join(work.file.root, work.file.file)
        self.specs: list[DagSpec] = []
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.dags: dict[str, DAG] = {}
        self.plugins = plugin.Plugins()
        self.module: ModuleType | None = None
        self.meaning, self.meaning_from = compat.detect(self._path, work.file.meaning)

    def run(self) -> None:
        """Do it all."""
        file = self._work.file
        # Files that look for others beside them find those of their own version.
        conf.install((*file.options, ("core.dags_folder", file.root)))
        archive = archives.find(self._path)
        open_paths(file, archive)
        with registry.collecting(self.meaning) as found:
            try:
                with alarm.limited(self._work.timeout_seconds, trouble.LoadingTooSlow):
                    if archive is not None:
                        archives.check(archive, self._path)
                    self.plugins = plugins.load(file.root)
                    policies = plugins.Policies(file.root)
                    self.module = execute(self._path, file, archive)
                    self._take(self.module, found, policies)
            except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt of the file's code too
                self.specs.clear()
                self.dags.clear()
                self.problems.append(trouble.of(error, file, self._work.timeout_seconds))
            self.warnings += found.notes

    def _take(self, module: ModuleType, found: registry.Found, policies: plugins.Policies) -> None:
        for value in list(vars(module).values()):
            if isinstance(value, DAG):
                found.add(value)
        self.warnings += compat.unread_marks(self._path)
        for text in compat.absent_providers(self._path):
            found.miss(text)
        twice = _repeated([dag.dag_id for dag in found.dags])
        self.problems += [trouble.twice(dag_id, self._work.file) for dag_id in twice]
        for dag in found.dags:
            if dag.dag_id in twice:
                continue
            try:
                if not policies.apply(dag):
                    self.warnings.append(f"DAG {dag.dag_id!r} is left out by a policy of this site")
                    continue
                one = spec.to_spec(dag, file=self._work.file.file, meaning=self.meaning, meaning_from=self.meaning_from)
            except errors.DagProblem as error:
                self.problems.append(trouble.of(error, self._work.file, 0))
                continue
            self.specs.append(msgspec.structs.replace(one, warnings=(*one.warnings, *found.absent)))
            self.dags[dag.dag_id] = dag


def _supervisor(work: LoadWork) -> Supervisor:
    if work.supervisor_socket:
        return SocketSupervisor(work.supervisor_socket, purpose="load")
    alone: Any = EnvironmentSupervisor()
    found: Supervisor = alone
    return found


def open_paths(file: FileRef, archive: str | None = None) -> None:
    """Airflow's names first, so that no folder of the bundle can hide them; then the file's archive, and the bundle."""
    folders = [str(compat.names_path()), *([archive] if archive else ()), file.root]
    folders += [os.path.join(file.root, path) for path in file.import_path]
    # A bundle may be what its author knows as AIRFLOW_HOME.
    inside = [os.path.join(file.root, name) for name in ("dags", "plugins", "config")]
    folders += [one for one in inside if os.path.isdir(one)]
    sys.path[:] = folders + [path for path in sys.path if path not in folders]
    sys.dont_write_bytecode = True  # a snapshot holds what the bundle held, and nothing else
    for path in [one for one in sys.path_importer_cache if one.startswith(file.root)]:
        del sys.path_importer_cache[path]  # of this folder alone: all others are shared with the process above


def execute(path: str, file: FileRef, archive: str | None = None) -> ModuleType:
    """Run the file as a module of its own name, which no other file of a folder can import or hide."""
    stem = "".join(letter if letter.isalnum() else "_" for letter in os.path.splitext(os.path.basename(path))[0])
    name = f"{MODULE_PREFIX}{hashlib.sha256(file.file.encode()).hexdigest()[:12]}_{stem}"
    if archive is not None:
        return archives.execute(archive, path, name)
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise ImportError(f"{file.file} is no Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module


def _repeated(names: list[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()


def _mapped_over(one: DagSpec) -> frozenset[str]:
    nodes: list[TaskSpec | GroupSpec] = [*one.tasks, *one.groups]
    mappings = [node.mapping for node in nodes if node.mapping is not None]
    return frozenset(task_id for mapping in mappings for task_id in mapping.upstream_task_ids())
