"""A raw value becomes the value of a setting, or is refused: its key, what it is, what it must be, where it stands.

Relative paths become absolute here, from the folder of the layer that names them.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from tradewind.ports import errors
from tradewind.settings import field as fields
from tradewind.settings import name
from tradewind.settings.field import Field

_WORDS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
_KINDS: dict[type, str] = {
    str: "text", bool: "a truth value", int: "a whole number", float: "a number", list: "a list", dict: "a table"
}  # fmt: skip
_HIDDEN = "a value that is not shown"
_SHOWN = 60
"""Characters of a wrong value that a message repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a value stands."""

    place: str
    """`file:line`, the variable, or the flag."""
    folder: Path
    """Relative paths start here."""
    is_text: bool = False
    """Environment and flags give text for every type; a file gives TOML's own."""


def convert(field: Field, raw: Any, origin: Origin) -> Any:
    """The value. Raises `errors.Rejected`."""
    if origin.is_text:
        raw = _parsed(field, str(raw), origin)
    if kind := element(field.type):
        return tuple(
            table(kind, item, f"{field.key}[{index}]", origin) for index, item in enumerate(_listed(field, raw, origin))
        )
    value = _typed(field, raw, origin)
    return _absolute(value, origin.folder) if field.path and isinstance(value, str) else value


def table(kind: type[fields.Section], raw: Any, key: str, origin: Origin) -> Any:
    """One table of a list of tables. Raises `errors.Rejected`."""
    if not isinstance(raw, Mapping):
        raise refused(key, raw, "a table", origin)
    known = {one.key: one for one in fields.fields(kind)}
    for given in raw:
        if given not in known:
            raise name.unknown(given, known, prefix=f"{key}.", place=origin.place)
    for needed, one in known.items():
        if one.default is msgspec.NODEFAULT and needed not in raw:
            raise errors.Rejected(
                f"{key} has no {needed}",
                object=origin.place,
                hint=f"{needed}: {one.what}",
                code="settings-missing-key",
            )
    # Text was parsed as JSON by now: what is inside has types of its own.
    inner = Origin(place=origin.place, folder=origin.folder)
    return kind(**{given: convert(_at(known[given], key), value, inner) for given, value in raw.items()})


def element(kind: Any) -> type[fields.Section] | None:
    """The section that a list of tables holds."""
    inner = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    held = get_args(inner)[0] if get_origin(inner) is tuple else None
    return held if fields.is_section(held) else None


def words(kind: Any) -> str:
    """What a type wants: "a whole number, at least 1"."""
    inner, *parts = get_args(kind) if get_origin(kind) is Annotated else (kind,)
    meta = next((part for part in parts if isinstance(part, msgspec.Meta)), None)
    span = _range(meta) if meta else ""
    return f"{_type_words(inner)}, {span}" if span else _type_words(inner)


def refused(key: str, raw: Any, wanted: str, origin: Origin, *, secret: bool = False) -> errors.Rejected:
    """The error about a value of a wrong type."""
    shown = _HIDDEN if secret else _shown(raw) if origin.is_text else f"{_shown(raw)} ({_kind(raw)})"
    return errors.Rejected(
        f"{key} is {shown}; it must be {wanted}",
        object=origin.place,
        hint=f"`tradewind config explain {key.partition('[')[0]}` says what it is for",
        code="settings-type",
    )


def _beyond(field: Field, raw: Any, wanted: str, origin: Origin) -> errors.Rejected:
    return errors.Rejected(
        f"{field.key} may not be {_HIDDEN if field.secret else _shown(raw)}; it must be {wanted}",
        object=origin.place,
        hint=f"`tradewind config explain {field.key.partition('[')[0]}` says what it is for",
        code="settings-range",
    )


def _typed(field: Field, raw: Any, origin: Origin) -> Any:
    bare = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
    try:
        value = msgspec.convert(raw, bare, strict=not origin.is_text)
    except msgspec.ValidationError:
        raise refused(field.key, raw, words(field.type), origin, secret=field.secret) from None
    try:
        value = msgspec.convert(value, field.type)
    except msgspec.ValidationError:
        raise _beyond(field, raw, words(field.type), origin) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise _beyond(field, raw, words(field.type), origin)
    if wanted := field.check(value) if field.check else "":
        raise _beyond(field, raw, wanted, origin)
    return value


def _parsed(field: Field, text: str, origin: Origin) -> Any:
    """Lists and tables are JSON in a variable or flag, or a list of texts with commas between; the rest is as it is."""
    inner = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
    if get_origin(inner) not in (tuple, list, dict):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        if get_args(inner)[0] is str and get_origin(inner) is not dict:
            return [part.strip() for part in text.split(",") if part.strip()]
        raise refused(field.key, text, f"{words(field.type)}, as JSON", origin, secret=field.secret) from None


def _listed(field: Field, raw: Any, origin: Origin) -> list[Any]:
    if not isinstance(raw, list):
        raise refused(field.key, raw, words(field.type), origin, secret=field.secret)
    return raw


def _at(field: Field, prefix: str) -> Field:
    return dataclasses.replace(field, key=f"{prefix}.{field.key}")


def _absolute(text: str, folder: Path) -> str:
    """Every part of a path list, from the folder."""
    return ":".join(os.path.normpath(folder / Path(part).expanduser()) for part in text.split(":") if part)


def _type_words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(kind))
    if get_origin(kind) in (tuple, list):
        held = get_args(kind)[0]
        return "a list of tables" if fields.is_section(held) else f"a list of {words(held)}"
    if get_origin(kind) is dict:
        return f"a table, each value {words(get_args(kind)[1])}"
    if type(None) in get_args(kind):
        return " or ".join(_type_words(one) for one in get_args(kind) if one is not type(None))
    return _WORDS.get(kind, str(getattr(kind, "__name__", kind)))


def _range(meta: msgspec.Meta) -> str:
    if meta.ge is not None and meta.le is not None:
        return f"from {meta.ge:g} to {meta.le:g}"
    parts = [
        f"{word} {bound:g}"
        for word, bound in (("at least", meta.ge), ("more than", meta.gt), ("at most", meta.le), ("less than", meta.lt))
        if bound is not None
    ]
    return " and ".join(parts)


def _shown(raw: Any) -> str:
    text = str(raw).lower() if isinstance(raw, bool) else str(raw)
    text = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return f'"{text}"' if isinstance(raw, str) else text


def _kind(raw: Any) -> str:
    return _KINDS.get(type(raw), type(raw).__name__)
