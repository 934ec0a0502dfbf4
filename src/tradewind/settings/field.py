"""How a setting is documented: at its field, once, in a form that the reference, `config explain` and the checks read.

A field of a section is written

    name: Annotated[int, setting("What it is.", unit="attempts", why="Why this default.", ge=1)] = 32

and that is all: its key, its environment variable, its range check, its row of the reference follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import msgspec

PREFIX = "TRADEWIND_"


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under one heading of the file. The docstring of a subclass is what the reference says about it."""


def setting(
    what: str,
    *,
    unit: str = "",
    why: str = "",
    airflow: str = "",
    path: bool = False,
    secret: bool = False,
    check: Callable[[Any], str] | None = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
) -> msgspec.Meta:
    """The description of a field.

    `what` it does; `unit` of its value ("seconds", "MiB", "attempts"); `why` the default is what it is; `airflow`: the
    option of Airflow that means the same ("core.parallelism"), read as `AIRFLOW__CORE__PARALLELISM`; `path`: text that
    names files (several with `:` between), relative to the settings file; `secret`: never shown in the clear (of a URL,
    its password); `check`: what a value must be where it is not that, else nothing; `ge`, `gt`, `le`: the range.
    """
    extra = {"unit": unit, "why": why, "airflow": airflow, "path": path, "secret": secret, "check": check}
    bounds: dict[str, Any] = {"ge": ge, "gt": gt, "le": le}
    return msgspec.Meta(description=what, extra=extra, **{name: at for name, at in bounds.items() if at is not None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One setting as its struct declares it."""

    key: str
    """Dotted, as `--set` and the errors name it."""
    type: Any
    """With its range."""
    default: Any
    what: str
    unit: str
    why: str
    airflow: str
    path: bool
    secret: bool
    check: Callable[[Any], str] | None

    @property
    def variable(self) -> str:
        """The environment variable: `TRADEWIND_SECTION__KEY`."""
        return PREFIX + self.key.upper().replace(".", "__")


def is_section(kind: Any) -> bool:
    """Whether a type is a section and not a value."""
    return isinstance(kind, type) and issubclass(kind, Section)


def sections(kind: type[Section], prefix: str = "") -> Iterator[tuple[str, type[Section]]]:
    """Sections below one, each before its own, with their dotted names."""
    for one in msgspec.structs.fields(kind):
        if is_section(one.type):
            yield prefix + one.name, one.type
            yield from sections(one.type, f"{prefix}{one.name}.")


def fields(kind: type[Section], prefix: str = "") -> Iterator[Field]:
    """Every setting below a section, in the order of declaration."""
    for one in msgspec.structs.fields(kind):
        if is_section(one.type):
            yield from fields(one.type, f"{prefix}{one.name}.")
        else:
            yield _field(prefix + one.name, one)


def _field(key: str, one: msgspec.structs.FieldInfo) -> Field:
    meta = next((part for part in get_args(one.type)[1:] if isinstance(part, msgspec.Meta)), msgspec.Meta())
    if get_origin(one.type) is not Annotated:
        meta = msgspec.Meta()
    extra = meta.extra or {}
    return Field(
        key=key,
        type=one.type,
        default=one.default if one.default_factory is msgspec.NODEFAULT else one.default_factory(),
        what=meta.description or "",
        unit=extra.get("unit", ""),
        why=extra.get("why", ""),
        airflow=extra.get("airflow", ""),
        path=extra.get("path", False),
        secret=extra.get("secret", False),
        check=extra.get("check"),
    )
