"""The layers put together: one tree of values, and where each came from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tradewind.settings import airflow, layers, place
from tradewind.settings import field as fields
from tradewind.settings.field import Field
from tradewind.settings.tree import Settings

DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """All settings with their origins."""

    settings: Settings
    file: Path | None
    """The settings file that was read."""
    places: Mapping[str, str]
    """By key: `file:line`, the variable or the flag; keys that have their default are not in it."""
    ignored: Sequence[airflow.Ignored]
    """Airflow's variables that change nothing."""

    def place(self, key: str) -> str:
        """Where the value of a setting comes from."""
        return self.places.get(key, DEFAULT)

    def value(self, key: str) -> Any:
        """The value of a setting."""
        return value_of(self.settings, key)


def load(
    path: Path | None,
    *,
    environment: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
    home: Path | None = None,
) -> Settings:
    """All settings. Arguments and errors as `resolve`."""
    return resolve(path, environment=environment, flags=flags, home=home).settings


def resolve(
    path: Path | None,
    *,
    environment: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
    home: Path | None = None,
) -> Loaded:
    """All settings and where they come from: a file (None: none), the environment (None: this process's), flags.

    Relative paths are relative to the file that names them, else to the current folder. `home`: what lies in its `dags`
    comes before `AIRFLOW_HOME`. Raises `errors.Rejected` for a file that is missing or is not TOML, and for unknown
    names and wrong values of any layer.
    """
    environment = os.environ if environment is None else environment
    read = None if path is None else place.read(path)
    given: dict[str, layers.Given] = {
        **layers.of_airflow(environment, Settings, home),
        **(layers.of_file(read, Settings) if read else {}),
        **layers.of_environment(environment, Settings),
        **layers.of_flags(flags, Settings),
    }
    return Loaded(
        settings=_built(Settings, "", given),
        file=path,
        places={key: one.place for key, one in given.items()},
        ignored=airflow.ignored(environment, {field.airflow for field in all_fields()}),
    )


def airflow_options(settings: Settings, environment: Mapping[str, str] | None = None) -> tuple[tuple[str, str], ...]:
    """Airflow's options (`core.parallelism`) that DAG files must see as the settings have them, with their text."""
    return airflow.options(
        ((field, value_of(settings, field.key)) for field in all_fields()),
        os.environ if environment is None else environment,
    )


def value_of(settings: Settings, key: str) -> Any:
    """The value of a setting by its dotted key."""
    found: Any = settings
    for part in key.split("."):
        found = getattr(found, part)
    return found


def all_fields() -> list[Field]:
    """Every setting, in the order of the tree."""
    return list(fields.fields(Settings))


def all_sections() -> list[tuple[str, type[fields.Section]]]:
    """Every section with its dotted name, in the order of the tree."""
    return list(fields.sections(Settings))


def get_field(key: str) -> Field:
    """One setting by its dotted key. Raises `errors.Rejected` with the nearest name."""
    for field in all_fields():
        if field.key == key:
            return field
    raise layers.unknown_key(key, Settings, "")


def _built(kind: Any, prefix: str, given: Mapping[str, layers.Given]) -> Any:
    values: dict[str, Any] = {}
    for one in msgspec.structs.fields(kind):
        key = prefix + one.name
        if fields.is_section(one.type):
            values[one.name] = _built(one.type, f"{key}.", given)
        elif key in given:
            values[one.name] = given[key].value
    return kind(**values)
