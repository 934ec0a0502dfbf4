"""Where values come from, weakest first: defaults, Airflow's environment, the settings file, `TRADEWIND_…`, flags.

A layer is a flat mapping of dotted keys to values with the place they stand at. Whatever a layer says that is no
setting is an error before anything starts: a limit that is misspelt would otherwise be missed on the day it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradewind.ports import errors
from tradewind.settings import airflow, name, value
from tradewind.settings import field as fields
from tradewind.settings.field import PREFIX, Field
from tradewind.settings.place import SettingsFile
from tradewind.settings.value import Origin

_NOT_SETTINGS = frozenset(
    {
        "TRADEWIND_HOME",
        # Given by the runtime to what it starts, which may call this command again.
        "TRADEWIND_ATTEMPT_ID",
        "TRADEWIND_ATTEMPT_DIR",
        # Where the tests keep what they download.
        "TRADEWIND_CACHE",
    }
)
_NOT_SETTINGS_BEGIN = ("TRADEWIND_VAR_", "TRADEWIND_CONN_", "_TRADEWIND")
_SERVICE_LINK = re.compile(r"TRADEWIND_((?!.*__).*_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_[A-Z]+(_\w+)?)?)$")
"""Kubernetes gives every container such variables for a Service whose name begins with `tradewind`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One value that a layer gives."""

    value: Any
    place: str


Layer = Mapping[str, Given]


def of_file(file: SettingsFile, tree: type[fields.Section]) -> Layer:
    """The settings file; relative paths start at its folder. Raises `errors.Rejected`."""
    known = {field.key: field for field in fields.fields(tree)}
    base = file.path.resolve().parent
    found: dict[str, Given] = {}
    for key, raw in _flat(file.values, tree, known, file, ""):
        origin = Origin(place=file.place(key), folder=base)
        found[key] = Given(value=value.convert(known[key], raw, origin), place=origin.place)
    return found


def of_environment(environment: Mapping[str, str], tree: type[fields.Section]) -> Layer:
    """`TRADEWIND_SECTION__KEY`. Raises `errors.Rejected`, for variables that begin so and are no setting too."""
    known = {field.variable: field for field in fields.fields(tree)}
    found: dict[str, Given] = {}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or _is_other(variable):
            continue
        if variable not in known:
            raise _unknown_variable(variable, known)
        origin = Origin(place=variable, folder=Path.cwd(), is_text=True)
        found[known[variable].key] = Given(value=value.convert(known[variable], text, origin), place=variable)
    return found


def of_airflow(environment: Mapping[str, str], tree: type[fields.Section], home: Path | None) -> Layer:
    """Airflow's variables that mean a setting here. Raises `errors.Rejected` where one has a wrong value.

    `home` is ours: what lies in its `dags` comes before `AIRFLOW_HOME`.
    """
    found: dict[str, Given] = {}
    if folder := airflow.dags_of_home(environment, home / "dags" if home else None):
        found["dags.folder"] = Given(value=str(folder), place="AIRFLOW_HOME")
    for field in fields.fields(tree):
        variable = airflow.variable(field.airflow)
        if field.airflow and variable in environment:
            origin = Origin(place=variable, folder=Path.cwd(), is_text=True)
            found[field.key] = Given(value=value.convert(field, environment[variable], origin), place=variable)
    return found


def of_flags(flags: Sequence[str], tree: type[fields.Section]) -> Layer:
    """`--set section.key=value`, the last of a key counts. Raises `errors.Rejected`."""
    known = {field.key: field for field in fields.fields(tree)}
    found: dict[str, Given] = {}
    for flag in flags:
        key, equals, text = flag.partition("=")
        key = key.strip()
        place = f"--set {key}"
        if not equals:
            raise errors.Rejected(
                "has no value", object=place, hint="write --set section.key=value", code="settings-bad-flag"
            )
        if key not in known:
            raise unknown_key(key, tree, place)
        origin = Origin(place=place, folder=Path.cwd(), is_text=True)
        found[key] = Given(value=value.convert(known[key], text.strip(), origin), place=place)
    return found


def unknown_key(key: str, tree: type[fields.Section], place: str) -> errors.Rejected:
    """The error about a dotted key that is no setting: a section, or unknown."""
    known = [field.key for field in fields.fields(tree)]
    below = [other for other in known if other.startswith(f"{key}.")]
    if below:
        said, hint = f"{key} is a section, not a setting", f"name one of {', '.join(below)}"
    else:
        near = name.nearest_key(key, known)
        said = f"unknown key {key}"
        hint = f"did you mean {near}?" if near else "`tradewind config explain` lists all"
    return errors.Rejected(said, object=place, hint=hint, code="settings-unknown-key")


def _flat(
    raw: Mapping[str, Any], kind: type[fields.Section], known: Mapping[str, Field], file: SettingsFile, prefix: str
) -> Iterator[tuple[str, Any]]:
    below = dict(fields.sections(kind))
    siblings = {one for one in below if "." not in one} | {
        key[len(prefix) :] for key in known if key.startswith(prefix) and "." not in key[len(prefix) :]
    }
    for given, inner in raw.items():
        key = prefix + given
        if given not in siblings:
            raise name.unknown(given, siblings, prefix=prefix, place=file.place(key), keys=known)
        if given not in below:
            yield key, inner
        elif isinstance(inner, Mapping):
            yield from _flat(inner, below[given], known, file, f"{key}.")
        else:
            raise value.refused(key, inner, f"a section: [{key}]", Origin(place=file.place(key), folder=Path()))


def _is_other(variable: str) -> bool:
    return (
        variable in _NOT_SETTINGS
        or variable.startswith(_NOT_SETTINGS_BEGIN)
        or _SERVICE_LINK.fullmatch(variable) is not None
    )


def _unknown_variable(variable: str, known: Mapping[str, Field]) -> errors.Rejected:
    key = variable.removeprefix(PREFIX).lower().replace("__", ".")
    by_key = {field.key: field for field in known.values()}
    bare = name.nearest(variable.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known])
    near = PREFIX + bare if bare else ""
    near = near or (by_key[other].variable if (other := name.nearest_key(key, by_key)) else "")
    if any(other.startswith(f"{key}.") for other in by_key):
        hint = f"that is a section; a variable names one key of it: {variable}__KEY"
    elif near:
        hint = f"did you mean {near}?"
    else:
        hint = "variables are TRADEWIND_SECTION__KEY; `tradewind config explain` lists all"
    return errors.Rejected(
        "is no setting: nothing would read this variable", object=variable, hint=hint, code="settings-unknown-key"
    )
