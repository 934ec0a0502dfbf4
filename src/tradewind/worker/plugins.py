"""Loads the plugins and policies that DAG files of a bundle are loaded with.

Plugins are found in the bundle's `plugins` folder and behind the entry point `airflow.plugins`; policies in
`airflow_local_settings`, at the bundle's root or in its `config` folder. One that raises is a problem of every file
that would have been loaded with it: the file's DAGs may mean something else without it. What it lacks for its views
alone is no reason to raise (`compat.web`).
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from tradewind.compat import web
from tradewind.model.problem import Problem
from tradewind.sdk import errors, old_errors, plugin, registry

_WITHOUT_EFFECT = {
    "task_instance_mutation_hook": "queue, pool and retries are set by task_policy, which is asked when the file loads",
    "pod_mutation_hook": "it is called from the file that the setting runtime.kubernetes.local_settings names",
    "get_airflow_context_vars": "set them in the task's own environment",
    "get_dagbag_import_timeout": "the time limit for loading is a setting",
}
_ENTRY_POINT = "airflow.plugins"


def load(root: str) -> plugin.Plugins:
    """All plugins of a bundle. Raises DagProblem with the plugin's file where one fails."""
    loaded = plugin.Plugins()
    for path in _python_files(os.path.join(root, "plugins")):
        place = os.path.relpath(path, root)
        with _guarded(f"plugin file {place}"):
            loaded.take(_module(path), place)
    for point in entry_points():
        about = f"plugin {point.name!r} of the package {point.dist.name if point.dist else '?'}"
        with _guarded(about):
            found = point.load()
            if isinstance(found, ModuleType):
                loaded.take(found, about)
            else:
                loaded.add(found, about)
    return loaded


@functools.cache
def entry_points() -> tuple[importlib.metadata.EntryPoint, ...]:
    """Those of installed packages. Looking takes 30 ms: it is done where processes are forked from, once."""
    return tuple(importlib.metadata.entry_points(group=_ENTRY_POINT))


def _python_files(folder: str) -> Iterator[str]:
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one != "__pycache__" and not one.startswith("."))
        for name in sorted(files):
            path = os.path.join(base, name)
            # A helper that no plugin is in need not be loaded before somebody imports it.
            if name.endswith(".py") and _mentions_plugin(path):
                yield path


def _mentions_plugin(path: str) -> bool:
    with open(path, "rb") as file:
        return b"AirflowPlugin" in file.read()


def _module(path: str) -> ModuleType:
    """A module of its own name: the same file may be imported as a helper too."""
    name = f"tradewind_plugin_{hashlib.sha256(path.encode()).hexdigest()[:12]}"
    if (known := sys.modules.get(name)) is not None:
        return known
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None and found.loader is not None  # noqa: PT018
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _guarded(about: str) -> Iterator[None]:
    try:
        with web.stand_ins() as absent:
            yield
        if absent:
            registry.note(f"{about}: its views have no effect: there is no {', '.join(absent)} here")
    except errors.DagProblem:
        raise
    except Exception as error:
        raise errors.DagProblem(
            Problem(
                code="plugin-failed",
                object=about,
                message=f"it raised {type(error).__name__}: {error}",
                hint="no DAG file is loaded without it, since its DAGs might mean something else; repair or remove it",
            )
        ) from error


# -- policies ------------------------------------------------------------------------------------------------------


class Policies:
    """What the site's `airflow_local_settings` says about DAGs and tasks."""

    def __init__(self, root: str) -> None:
        self._module = _settings_of(root)
        for name, why in _WITHOUT_EFFECT.items():
            if hasattr(self._module, name):
                registry.note(f"airflow_local_settings.{name} has no effect; {why}")

    def apply(self, dag: Any) -> bool:
        """Ask about the DAG and each of its tasks; False: it is to be left out. Raises what a policy refuses."""
        try:
            for task in dag.tasks:
                self._ask("task_policy", task)
            self._ask("dag_policy", dag)
        except old_errors.AirflowClusterPolicySkipDag:
            return False
        except errors.AirflowClusterPolicyViolation as error:
            said = f"a policy of this site refuses it: {error}"
            hint = "the policies are in airflow_local_settings"
            raise errors.DagProblem.of("policy", f"DAG {dag.dag_id!r}", said, hint) from error
        return True

    def _ask(self, which: str, thing: Any) -> None:
        policy = getattr(self._module, which, None)
        if policy is not None:
            policy(thing)


def _settings_of(root: str) -> ModuleType | None:
    for folder in (root, os.path.join(root, "config"), os.path.join(os.environ.get("AIRFLOW_HOME", ""), "config")):
        path = os.path.join(folder, "airflow_local_settings.py")
        if os.path.isfile(path):
            with _guarded("airflow_local_settings"):
                return _module(path)
    return None
