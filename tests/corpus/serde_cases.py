"""Values as XComs, made in Airflow's interpreter and in ours alike: by name, as functions that make them."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import types
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import attr
import attrs
import pendulum
import pydantic


class Word(str, enum.Enum):  # noqa: UP042 - as files write it for Python 3.10
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Plain(enum.Enum):
    A = "a"


class Named(NamedTuple):
    x: int
    y: Any = None


@dataclasses.dataclass
class Data:
    __version__: ClassVar[int] = 3
    x: int
    when: Any = None
    inner: Any = None


@dataclasses.dataclass
class Derived:
    x: int
    y: int = dataclasses.field(default=0, init=False)


@attrs.define
class Attrs:
    x: int
    when: Any = None
    made: int = attrs.field(default=7, init=False)


@attr.s(auto_attribs=True)
class OldAttrs:
    _hidden: int = 1


class Model(pydantic.BaseModel):
    x: int
    when: dt.datetime | None = None
    inner: Model | None = None


class Own:
    __version__: ClassVar[int] = 2

    def __init__(self, n: Any) -> None:
        self.n = n

    def serialize(self) -> dict[str, Any]:
        return {"n": self.n}

    @staticmethod
    def deserialize(data: dict[str, Any], version: int) -> Own:
        return Own((data["n"], version))

    def __repr__(self) -> str:
        return f"Own({self.n!r})"


class Mute:
    """Nobody knows how to write it."""


class Text(str):
    """A kind of text."""

    __slots__ = ()


class Whole(int):
    """A kind of number."""


def plus(hours: int) -> dt.timezone:
    return dt.timezone(dt.timedelta(hours=hours))


PARIS = zoneinfo.ZoneInfo("Europe/Paris")

CASES: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "texts": lambda: ["", "é", "\u2028", Text("t")],
    "numbers": lambda: [0, -1, 2**70, 1.5, 1e300, True, Whole(3)],
    "nan": lambda: [float("inf")],
    "words": lambda: [Word.RED, Number.ONE],
    "plain enum": lambda: Plain.A,
    "dict": lambda: {"a": {"b": [1]}, 2: 2, None: 3, True: 4, 1.5: 5},
    "dict of dates": lambda: {dt.date(2026, 1, 2): 1},
    "dict of tuples": lambda: {(1, 2): 3},
    "ordered": lambda: collections.OrderedDict(a=1),
    "default": lambda: collections.defaultdict(list, a=[1]),
    "counter": lambda: collections.Counter("aab"),
    "mapping proxy": lambda: types.MappingProxyType({"a": 1}),
    "reserved key": lambda: {"__classname__": "x"},
    "reserved id": lambda: {"__id__": "x"},
    "version key": lambda: {"__version__": 1, "a": 2},
    "tuple": lambda: (1, (2, "x"), []),
    "named tuple": lambda: Named(1, (2,)),
    "set": lambda: {1},
    "frozenset": lambda: frozenset({"a"}),
    "deque": lambda: collections.deque([1, 2]),
    "range": lambda: range(3),
    "generator": lambda: (n for n in [1]),
    "dict keys": {"a": 1}.keys,
    "moment": lambda: dt.datetime(2026, 3, 29, 1, 30, 0, 5, tzinfo=dt.timezone.utc),  # noqa: UP017 - 3.10
    "moment with offset": lambda: dt.datetime(2026, 1, 2, 3, tzinfo=plus(3)),
    "moment of zone": lambda: dt.datetime(2026, 7, 2, 3, tzinfo=PARIS),
    "moment without zone": lambda: dt.datetime(2026, 1, 2, 3),  # noqa: DTZ001
    "pendulum": lambda: pendulum.datetime(2026, 10, 25, 2, 30, tz="Europe/Berlin"),
    "pendulum in UTC": lambda: pendulum.datetime(2026, 10, 25),
    "pendulum with offset": lambda: pendulum.parse("2026-01-02T03:04:05+05:30"),
    "pendulum date": lambda: pendulum.date(2026, 1, 2),
    "pendulum span": lambda: pendulum.duration(days=1, hours=2),
    "date": lambda: dt.date(2026, 1, 2),
    "time": lambda: dt.time(1, 2),
    "span": lambda: dt.timedelta(days=1, microseconds=5),
    "zone of pendulum": lambda: pendulum.timezone("Europe/Paris"),
    "UTC of pendulum": lambda: pendulum.timezone("UTC"),
    "offset of pendulum": lambda: pendulum.timezone(3600),
    "zone": lambda: PARIS,
    "UTC": lambda: dt.timezone.utc,  # noqa: UP017 - 3.10
    "decimals": lambda: [decimal.Decimal("1.25"), decimal.Decimal(3), decimal.Decimal("1E+3")],
    "decimal nan": lambda: [decimal.Decimal("Infinity")],
    "fraction": lambda: fractions.Fraction(1, 3),
    "complex": lambda: 1 + 2j,
    "uuid": lambda: uuid.UUID(int=7),
    "bytes": lambda: b"x",
    "path": lambda: pathlib.PurePosixPath("/a"),
    "dataclass": lambda: Data(1, dt.date(2026, 1, 2)),
    "dataclass in dataclass": lambda: Data(1, inner=Data(2)),
    "dataclass in list": lambda: [Data(1)],
    "dataclass with a field that is made": lambda: Derived(1),
    "attrs": lambda: Attrs(1, dt.date(2026, 1, 2)),
    "old attrs": lambda: OldAttrs(2),
    "pydantic": lambda: Model(x=1, when=dt.datetime(2026, 1, 2, tzinfo=plus(0))),
    "pydantic in pydantic": lambda: Model(x=1, inner=Model(x=2)),
    "own": lambda: Own({"a": (1,)}),
    "own in own": lambda: Own(Own(1)),
    "a class": lambda: Data,
    "a function": lambda: plus,
    "mute": lambda: {"a": [Mute()]},
    "exception": lambda: ValueError("x"),
}
