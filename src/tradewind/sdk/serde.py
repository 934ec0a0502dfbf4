"""XComs as JSON, in Airflow's encoding: plain where it can, else `{"__classname__", "__version__", "__data__"}`.

What is written here Airflow reads, and the other way round. Decoding never imports: a class of the user's is found only
where its module is loaded already, which is so in a process that has the DAG file loaded.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tradewind.model.problem import Problem

CLASSNAME, VERSION, DATA = "__classname__", "__version__", "__data__"
_MAX_DEPTH = 200


class Unserialisable(TypeError):
    """A value that cannot be an XCom; the path inside the value is named."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def encode(value: Any) -> tuple[bytes, str, int | None]:
    """JSON, what kind of value it is (`list`, `dict`, `none` or `other`), and the length of a list or dict."""
    plain = to_plain(value)
    data = json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    kind, length = kind_of(value)
    return data, kind, length


def decode(data: bytes | str) -> Any:
    """The value of encoded JSON."""
    text = data.decode("utf-8", "surrogatepass") if isinstance(data, (bytes, bytearray, memoryview)) else data
    return from_plain(json.loads(text))


def kind_of(value: Any) -> tuple[str, int | None]:
    """How a value counts for mapping."""
    if value is None:
        return "none", None
    # In a fork the first check against an abstract class walks all that ever derived from it: 10 ms for a number.
    if type(value) in (bool, int, float, str, bytes):
        return "other", None
    if type(value) in (dict, list):
        return type(value).__name__, len(value)
    if isinstance(value, Mapping):
        return "dict", len(value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return "list", len(value)
    return "other", None


def to_plain(value: Any, path: str = "", depth: int = 0) -> Any:
    """The value with nothing in it that JSON does not know. Raises Unserialisable."""
    if depth > _MAX_DEPTH:
        raise _refuse(path, f"it is nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, enum.Enum) and isinstance(value, (str, int, float)):
        return value.value
    if value is None or isinstance(value, (str, bool)):
        return str(value) if isinstance(value, str) else value
    if type(value) in (int, float):
        return value
    if isinstance(value, dict):
        return _dict(value, path, depth)
    if isinstance(value, list):
        return [to_plain(item, f"{path}[{place}]", depth + 1) for place, item in enumerate(value)]
    if isinstance(value, dt.tzinfo):
        return _time_zone(value)
    for kind, name, write in _WRITERS:
        if isinstance(value, kind):
            return _tagged(name or _name(value), *write(value, path, depth))
    return _other(value, path, depth)


def _dict(value: dict[Any, Any], path: str, depth: int) -> dict[str, Any]:
    if CLASSNAME in value or "__id__" in value:
        raise _refuse(path, f"its key {CLASSNAME!r} is reserved")
    return {_key(key): to_plain(item, f"{path}[{key!r}]", depth + 1) for key, item in value.items()}


def _key(key: Any) -> str:
    """Keys become texts, as in Airflow."""
    return str(key.value) if isinstance(key, enum.Enum) and isinstance(key, str) else str(key)


def _tagged(name: str, version: int, data: Any) -> dict[str, Any]:
    return {CLASSNAME: name, VERSION: version, DATA: data}


def _other(value: Any, path: str, depth: int) -> Any:
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    if module == "numpy" and hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return _tagged(_name(value), 1, to_plain(value.item(), path, depth + 1))
    if module == "pandas" and hasattr(value, "to_parquet"):
        return _tagged(_name(value), 1, _parquet(value, path))
    if hasattr(value, "model_dump") and hasattr(kind, "model_validate"):
        return _tagged(_name(value), 1, to_plain(value.model_dump(mode="json"), path, depth + 1))
    if hasattr(value, "serialize") and not isinstance(value, type):
        version = int(getattr(kind, "__version__", 0) or 0)
        return _tagged(_name(value), version, to_plain(value.serialize(), path, depth + 1))
    fields = _fields(value)
    if fields is not None:
        version = int(getattr(kind, "__version__", 0) or 0)
        plain = {name: to_plain(item, f"{path}.{name}", depth + 1) for name, item in fields.items()}
        return _tagged(_name(value), version, plain)
    if isinstance(value, (int, float)):
        return kind.__mro__[-2](value)
    if isinstance(value, Mapping):
        return _dict(dict(value), path, depth)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [to_plain(item, f"{path}[{place}]", depth + 1) for place, item in enumerate(value)]
    raise _refuse(path, f"a value of type {kind.__module__}.{kind.__qualname__} cannot be written as JSON")


def _fields(value: Any) -> dict[str, Any] | None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # What a dataclass holds of others comes back as dicts, as in Airflow.
        return dataclasses.asdict(value)
    attrs = getattr(type(value), "__attrs_attrs__", None)
    if attrs is not None:
        return {field.name: getattr(value, field.name) for field in attrs if field.init}
    return None


def _parquet(frame: Any, path: str) -> str:
    import io

    buffer = io.BytesIO()
    try:
        frame.to_parquet(buffer, engine="pyarrow", compression="snappy")
    except ImportError:
        raise _refuse(path, "a DataFrame is written by pyarrow, which is not installed here") from None
    return buffer.getvalue().hex()


def _refuse(path: str, why: str) -> Unserialisable:
    hint = (
        "return texts, numbers, lists, dicts, dates, dataclasses; "
        "put anything else into a file or store, and return where it is"
    )
    return Unserialisable(
        Problem(code="xcom-unserialisable", object=f"XCom value{path and ' at ' + path}", message=why, hint=hint)
    )


def _name(value: Any) -> str:
    kind = type(value)
    if kind.__module__.startswith("pendulum"):
        return {"DateTime": "pendulum.datetime.DateTime", "Date": "pendulum.date.Date"}.get(
            kind.__name__, f"{kind.__module__}.{kind.__name__}"
        )
    return f"{kind.__module__}.{kind.__qualname__}"


def _moment(value: dt.datetime, _path: str, _depth: int) -> tuple[int, Any]:
    stamp = value.timestamp() if value.tzinfo is not None else value.replace(tzinfo=dt.timezone.utc).timestamp()
    return 2, {"timestamp": stamp, "tz": _zone(value)}


def _zone(value: dt.datetime) -> Any:
    if value.tzinfo is None:
        return None
    found = _zone_parts(value.tzinfo, value.utcoffset())
    return _tagged("builtins.tuple", 1, [found[1], found[0], 1, True])


_FIXED = "pendulum.tz.timezone.FixedTimezone"


def _zone_parts(zone: dt.tzinfo, offset: dt.timedelta | None) -> tuple[str, Any]:
    """The class that stands for a zone, and its name or its offset in seconds."""
    name = next((found for one in ("key", "name", "zone") if isinstance(found := getattr(zone, one, None), str)), None)
    kind = _name(zone)
    if name is not None and kind != _FIXED:
        return kind, name
    seconds = int((offset or dt.timedelta(0)).total_seconds())
    return _FIXED, seconds or "UTC"


def _items(value: Iterable[Any], path: str, depth: int) -> tuple[int, Any]:
    return 1, [to_plain(item, f"{path}[{place}]", depth + 1) for place, item in enumerate(value)]


def _decimal(value: decimal.Decimal, _path: str, _depth: int) -> tuple[int, Any]:
    exponent = value.as_tuple().exponent
    return 1, int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)


def _time_zone(value: dt.tzinfo) -> Any:
    kind, data = _zone_parts(value, value.utcoffset(None))
    return _tagged(kind, 1, data)


Writer = Callable[[Any, str, int], tuple[int, Any]]
_WRITERS: tuple[tuple[type, str, Writer], ...] = (
    (dt.datetime, "", _moment),
    (dt.date, "", lambda value, _path, _depth: (2, value.isoformat())),
    (dt.timedelta, "datetime.timedelta", lambda value, _path, _depth: (2, value.total_seconds())),
    (decimal.Decimal, "decimal.Decimal", _decimal),
    (uuid.UUID, "uuid.UUID", lambda value, _path, _depth: (1, str(value))),
    (tuple, "builtins.tuple", _items),
    (set, "builtins.set", _items),
    (frozenset, "builtins.frozenset", _items),
)


def from_plain(value: Any) -> Any:
    """The value behind plain JSON."""
    if isinstance(value, list):
        return [from_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if CLASSNAME not in value:
        return {key: from_plain(item) for key, item in value.items()}
    name, data = value[CLASSNAME], value.get(DATA)
    reader = _READERS.get(name)
    if reader is not None:
        return reader(data)
    return _instance(name, int(value.get(VERSION, 0)), data)


def _read_moment(data: Any) -> Any:
    import pendulum

    if not isinstance(data, dict):
        return pendulum.parse(data)
    zone = _read_zone(from_plain(data.get("tz")))
    if zone is None:
        return dt.datetime.fromtimestamp(data["timestamp"], tz=dt.timezone.utc).replace(tzinfo=None)
    return pendulum.from_timestamp(data["timestamp"], tz=zone)


def _read_native(data: Any) -> Any:
    found = _read_moment(data)
    fields = (found.year, found.month, found.day, found.hour, found.minute, found.second, found.microsecond)
    # pendulum says fold=1 of every moment; it means something only where a clock shows a time twice.
    first, second = (dt.datetime(*fields, tzinfo=found.tzinfo, fold=fold) for fold in (0, 1))
    return first if found.tzinfo is None or first.utcoffset() == second.utcoffset() else second.replace(fold=found.fold)


def _read_zone(parts: Any) -> Any:
    import pendulum

    if parts is None:
        return None
    name = parts[0] if isinstance(parts, (list, tuple)) else parts
    return pendulum.timezone(name) if name not in ("", None) else None


def _zone_of(data: Any) -> Any:
    import pendulum

    return pendulum.timezone(data)


def _zone_info(data: Any) -> Any:
    import zoneinfo

    return zoneinfo.ZoneInfo(data)


def _pendulum_date(data: Any) -> Any:
    import pendulum

    found = dt.date.fromisoformat(data)
    return pendulum.date(found.year, found.month, found.day)


_READERS: dict[str, Callable[[Any], Any]] = {
    "datetime.datetime": _read_native,
    "pendulum.datetime.DateTime": _read_moment,
    "datetime.date": dt.date.fromisoformat,
    "pendulum.date.Date": _pendulum_date,
    "datetime.timedelta": lambda data: dt.timedelta(seconds=data),
    "pendulum.tz.timezone.Timezone": _zone_of,
    "pendulum.tz.timezone.FixedTimezone": _zone_of,
    "zoneinfo.ZoneInfo": _zone_info,
    "decimal.Decimal": lambda data: decimal.Decimal(str(data)),
    "uuid.UUID": uuid.UUID,
    "builtins.tuple": lambda data: tuple(from_plain(item) for item in data),
    "builtins.set": lambda data: {from_plain(item) for item in data},
    "builtins.frozenset": lambda data: frozenset(from_plain(item) for item in data),
}


def _instance(name: str, version: int, data: Any) -> Any:
    cls = _loaded(name)
    if cls is None:
        hint = "the task that reads it needs the class's module loaded: import it at the top of the DAG file"
        said = f"it holds a {name}, whose module is not loaded here"
        raise Unserialisable(Problem(code="xcom-unknown-class", object="XCom value", message=said, hint=hint))
    if hasattr(cls, "deserialize"):
        return cls.deserialize(from_plain(data), version)
    if name.startswith("numpy."):
        return cls(from_plain(data))
    if name.startswith("pandas."):
        return _frame(data)
    fields = from_plain(data)
    if hasattr(cls, "model_validate"):
        return cls.model_validate(fields)
    if dataclasses.is_dataclass(cls) or hasattr(cls, "__attrs_attrs__"):
        return cls(**{str(key).lstrip("_"): item for key, item in fields.items()})
    raise Unserialisable(
        Problem(
            code="xcom-unknown-class",
            object="XCom value",
            message=f"a {name} cannot be made of its fields",
            hint="give the class a deserialize() method",
        )
    )


def _frame(data: str) -> Any:
    import importlib
    import io

    return importlib.import_module("pandas").read_parquet(io.BytesIO(bytes.fromhex(data)), engine="pyarrow")


_STORAGE_PATHS = ("airflow.sdk.io.path.ObjectStoragePath", "airflow.io.path.ObjectStoragePath")
"""What Airflow calls our own class, in XComs of 3.x and of 2.x: known whether or not its module is loaded."""


def _loaded(name: str) -> Any:
    if name in _STORAGE_PATHS:
        from tradewind.sdk import storage

        return storage.ObjectStoragePath
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:cut]))
        if found is None:
            continue
        for part in parts[cut:]:
            found = getattr(found, part, None)
        return found if isinstance(found, type) else None
    return None


class XComEncoder(json.JSONEncoder):
    """Airflow 2's encoder of XComs: any value that an XCom may have."""

    def encode(self, o: Any) -> str:
        return super().encode(to_plain(o))


class XComDecoder(json.JSONDecoder):
    """The opposite."""

    def decode(self, s: str, *args: Any) -> Any:
        return from_plain(super().decode(s, *args))
