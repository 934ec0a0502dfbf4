"""XComs as JSON: what survives, in which form, and what is refused with its place."""

from __future__ import annotations

import dataclasses
import decimal
import enum
import json
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import pendulum
import pytest

from tradewind.sdk import serde


class Colour(str, enum.Enum):  # noqa: UP042 - as files write it for Python 3.10
    """A word of the user's."""

    RED = "red"


@dataclasses.dataclass
class Point:
    """A value of the user's."""

    x: int
    when: datetime


class Own:
    """A class that writes and reads itself."""

    __version__: ClassVar[int] = 2

    def __init__(self, n: int) -> None:
        self.n = n

    def serialize(self) -> dict[str, int]:
        return {"n": self.n}

    @classmethod
    def deserialize(cls, data: dict[str, int], version: int) -> Own:
        return cls(data["n"] * version)


_MOMENT = datetime(2026, 3, 29, 1, 30, 0, 5, tzinfo=UTC)
_BERLIN = pendulum.datetime(2026, 10, 25, 2, 30, tz="Europe/Berlin")
_SAME: list[Any] = [
    None, True, 5, 1.5, "text", "\ud800", [1, [2]], {"a": {"b": None}}, (1, (2, "x")), {1, 2}, frozenset({3}),
    _MOMENT, _BERLIN, datetime(2026, 1, 1), date(2026, 1, 2), pendulum.date(2026, 1, 2), timedelta(days=1, seconds=2),  # noqa: DTZ001
    uuid.UUID(int=7), decimal.Decimal("1.25"), decimal.Decimal(3), [_MOMENT, {"d": date(2026, 1, 2)}],
    Point(1, _MOMENT),
]  # fmt: skip


@pytest.mark.parametrize("value", _SAME, ids=repr)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    data, _, _ = serde.encode(value)
    found = serde.decode(data)
    assert found == value
    assert isinstance(found, type(value))
    if isinstance(value, datetime):
        assert found.utcoffset() == value.utcoffset()


def test_plain_values_are_plain_json() -> None:
    assert serde.encode({"a": [1, "é", None]})[0] == '{"a":[1,"é",null]}'.encode()
    assert serde.encode(Colour.RED)[0] == b'"red"'
    assert serde.encode({Colour.RED: 1, 2: 3, (4, 5): 6})[0] == b'{"red":1,"2":3,"(4, 5)":6}'


def test_other_values_name_their_class_as_airflow_does() -> None:
    assert json.loads(serde.encode((1,))[0]) == {
        "__classname__": "builtins.tuple", "__version__": 1, "__data__": [1],
    }  # fmt: skip
    assert json.loads(serde.encode(_MOMENT)[0])["__classname__"] == "datetime.datetime"
    assert json.loads(serde.encode(Own(1))[0]) == {
        "__classname__": f"{__name__}.Own", "__version__": 2, "__data__": {"n": 1},
    }  # fmt: skip


def test_a_class_that_reads_itself_gets_its_version() -> None:
    assert serde.decode(serde.encode(Own(3))[0]).n == 6


@pytest.mark.parametrize(
    ("value", "kind", "length"),
    [
        (None, "none", None), ([1, 2], "list", 2), ((1,), "list", 1), ({"a": 1}, "dict", 1), ("ab", "other", None),
        (range(3), "list", 3), (b"ab", "other", None), (5, "other", None),
    ],
)  # fmt: skip
def test_a_value_tells_whether_tasks_can_be_mapped_over_it(value: Any, kind: str, length: int | None) -> None:
    assert serde.kind_of(value) == (kind, length)


_REFUSED: list[tuple[str, Any, str, str]] = [
    ("an object", {"rows": [1, object()]}, "XCom value at ['rows'][1]", "type builtins.object cannot be written"),
    ("bytes", b"x", "XCom value", "builtins.bytes"),
    ("a reserved key", {"a": {"__classname__": "x"}}, "XCom value at ['a']", "is reserved"),
    ("a field of a value", Point(1, object()), "XCom value at .when", "builtins.object"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("value", "about", "message"), [one[1:] for one in _REFUSED], ids=[one[0] for one in _REFUSED])
def test_a_value_that_cannot_be_written_is_refused_with_its_place(value: Any, about: str, message: str) -> None:
    with pytest.raises(serde.Unserialisable) as caught:
        serde.encode(value)
    problem = caught.value.problem
    assert (problem.code, problem.object) == ("xcom-unserialisable", about)
    assert message in problem.message
    assert "return where it is" in problem.hint


def test_a_value_that_holds_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(serde.Unserialisable, match="nested deeper than 200 levels"):
        serde.encode(circle)


def test_a_class_whose_module_is_not_loaded_is_never_imported() -> None:
    data = json.dumps({"__classname__": "antigravity.Thing", "__version__": 1, "__data__": {}})
    with pytest.raises(serde.Unserialisable) as caught:
        serde.decode(data)
    assert "antigravity.Thing" in caught.value.problem.message
    assert "import it at the top of the DAG file" in caught.value.problem.hint


def test_a_class_that_is_no_value_is_not_made() -> None:
    data = json.dumps({"__classname__": "subprocess.Popen", "__version__": 1, "__data__": {"args": ["true"]}})
    with pytest.raises(serde.Unserialisable, match="cannot be made of its fields"):
        serde.decode(data)
