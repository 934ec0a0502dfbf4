"""Arguments of a DAG: types, names of Airflow 2, and the zone that a schedule is read in."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tradewind.sdk import errors, timezone
from tradewind.sdk.configuration import conf
from tradewind.sdk.unset import NOTSET

_TYPES: dict[str, tuple[tuple[type, ...], str, str]] = {
    "description": ((str,), "a text", "put it in quotes"),
    "start_date": ((datetime,), "a datetime", "for example pendulum.datetime(2026, 1, 1)"),
    "end_date": ((datetime,), "a datetime", "for example pendulum.datetime(2026, 1, 1)"),
    "default_args": ((Mapping,), "a dict", "write {'retries': 3, ...}"),
    "max_active_tasks": ((int,), "a whole number", "write it without quotes"),
    "max_active_runs": ((int,), "a whole number", "write it without quotes"),
    "max_consecutive_failed_dag_runs": ((int,), "a whole number", "write it without quotes"),
    "dagrun_timeout": ((timedelta,), "a timedelta", "for example timedelta(hours=2)"),
    "doc_md": ((str,), "a text", "put it in quotes"),
    "is_paused_upon_creation": ((bool,), "True or False", "write it without quotes"),
    "render_template_as_native_obj": ((bool,), "True or False", "write it without quotes"),
    "tags": ((list, tuple, set, frozenset), "a list of texts", "write ['one', 'two']"),
    "auto_register": ((bool,), "True or False", "write it without quotes"),
    "fail_fast": ((bool,), "True or False", "write it without quotes"),
    "dag_display_name": ((str,), "a text", "put it in quotes"),
    "user_defined_macros": ((Mapping,), "a dict", "write {'name': function}"),
    "user_defined_filters": ((Mapping,), "a dict", "write {'name': function}"),
    "jinja_environment_kwargs": ((Mapping,), "a dict", "write {'option': value}"),
}
_MISPLACED = (
    "catchup",
    "schedule",
    "schedule_interval",
    "max_active_runs",
    "max_active_tasks",
    "concurrency",
    "tags",
    "dagrun_timeout",
)
_NO_EFFECT = {
    "full_filepath": "the file is known",
    "orientation": "the graph is drawn left to right",
    "default_view": "the view is chosen where the DAG is shown",
    "access_control": "who may do what is given by the site",
    "owner_links": "links of owners are not shown yet",
    "allowed_run_types": "all types of runs are allowed yet",
    "disable_bundle_versioning": "a run always keeps the version that it began with",
    "rerun_with_latest_version": "a run always keeps the version that it began with",
}


def settle(about: str, given: Mapping[str, Any], old: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Check a DAG's arguments and bring old ones to their names of today. Raises ArgumentProblem."""
    for name, (kinds, words, hint) in _TYPES.items():
        errors.expect("wrong-type", about, name, given.get(name), kinds, words=words, hint=hint)
    if (catchup := given["catchup"]) is not NOTSET:
        errors.expect(
            "wrong-type", about, "catchup", catchup, (bool,), words="True or False", hint="write it without quotes"
        )
    settled: dict[str, Any] = {
        "schedule": _schedule(about, given["schedule"], old),
        "default_args": copy.deepcopy(dict(given["default_args"] or {})),
        "max_active_tasks": _renamed(
            about, "concurrency", "max_active_tasks", given, old, notes, default=_option("max_active_tasks")
        ),
        "max_active_runs": _option("max_active_runs", given["max_active_runs"]),
        "max_consecutive_failed_dag_runs": _option(
            "max_consecutive_failed_dag_runs", given["max_consecutive_failed_dag_runs"]
        ),
        "fail_fast": _renamed(about, "fail_stop", "fail_fast", given, old, notes, default=False),
        "default_view": str(old.get("default_view") or ""),
    }
    _tell_without_effect(about, given, old, notes)
    if old:
        raise errors.unknown_arguments(about, old, [*given, "schedule_interval", "timetable", "concurrency"])
    notes += [
        f"{about}: {name} has no effect in default_args; it is an argument of the DAG itself"
        for name in _MISPLACED
        if name in settled["default_args"]
    ]
    read_default_date(about, settled["default_args"], "start_date")
    return settled


def read_default_date(about: str, defaults: dict[str, Any], name: str, zone: Any = None) -> None:
    """Bring a date of default_args that is a text, as YAML files give it, to a datetime. Raises ArgumentProblem."""
    value, (kinds, words, hint) = defaults.get(name), _TYPES[name]
    if isinstance(value, str):
        with contextlib.suppress(ValueError, TypeError):
            defaults[name] = value = timezone.parse(value, zone)
    if value is not None:
        errors.expect("wrong-type", about, f"{name} of default_args", value, kinds, words=words, hint=hint)


def _option(name: str, given: int | None = None) -> int:
    """What is given, else what the installation says for DAGs that do not say it."""
    return conf.getint("core", f"{name}_per_dag") if given is None else given


def _schedule(about: str, schedule: Any, old: dict[str, Any]) -> Any:
    found: dict[str, Any] = {name: old.pop(name) for name in ("schedule_interval", "timetable") if name in old}
    found = {name: value for name, value in found.items() if not (name == "timetable" and value is None)}
    if schedule is not NOTSET:
        found["schedule"] = schedule
    if len(found) > 1:
        said = f"the schedule is given more than once, as {', '.join(sorted(found))}"
        raise errors.ValueProblem.of("schedule-twice", about, said, "keep schedule= only")
    return next(iter(found.values()), NOTSET)


def _renamed(
    about: str,
    before: str,
    today: str,
    given: Mapping[str, Any],
    old: dict[str, Any],
    notes: list[str],
    *,
    default: Any,
) -> Any:
    if before not in old:
        return default if given[today] is None else given[today]
    value = old.pop(before)
    notes.append(f"{about}: {before} is called {today} today; it was taken as that")
    kinds, words, hint = _TYPES[today]
    errors.expect("wrong-type", about, before, value, kinds, words=words, hint=hint)
    return value if given[today] in (None, default) else given[today]


def _tell_without_effect(about: str, given: Mapping[str, Any], old: dict[str, Any], notes: list[str]) -> None:
    for name, why in _NO_EFFECT.items():
        value = old.pop(name, None) if name in old else given.get(name)
        if value:
            notes.append(f"{about}: {name} has no effect here; {why}")


def zone_of(value: Any) -> Any:
    """The zone that a DAG's schedule is read in: that of its start date, the default one where it has none."""
    zone = getattr(value, "tzinfo", None)
    if zone is None:
        return timezone.default()
    if isinstance(value, datetime) and not hasattr(zone, "name"):
        return zone
    return zone
