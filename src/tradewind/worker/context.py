"""The context of a task: a dict whose values are computed when they are asked for.

Most tasks read two or three of some forty keys. Reading one computes one; whoever iterates, copies or unpacks the
dict (`def f(**context)`) gets all, those that would ask the control plane as proxies that ask when they are used.
Which keys exist depends on the Airflow that the file means and on whether the run has a logical date.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Maker = Callable[[Any], Any]
_MISSING = object()


class RunContext(dict[str, Any]):
    """Values made by `makers[key](source)` when first read, and what anyone puts in."""

    __slots__ = ("_distant", "_makers", "_source")

    def __init__(self, makers: Mapping[str, Maker], source: Any, distant: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._makers = makers
        self._source = source
        self._distant = distant

    def __missing__(self, key: str) -> Any:
        maker = self._makers.get(key)
        if maker is None:
            raise KeyError(key)
        value = maker(self._source)
        super().__setitem__(key, value)
        return value

    def get(self, key: str, default: Any = None) -> Any:
        """The value, computed now if need be."""
        if key not in self:
            return default
        return self[key]

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or key in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(list(self.keys()))

    def __len__(self) -> int:
        return len(self._made().keys())

    def __bool__(self) -> bool:
        return True

    def keys(self) -> Any:
        return super(RunContext, self._made()).keys()

    def values(self) -> Any:
        return super(RunContext, self._made()).values()

    def items(self) -> Any:
        return super(RunContext, self._made()).items()

    def pop(self, key: str, *default: Any) -> Any:
        """Take a value out."""
        if key not in self:
            if default:
                return default[0]
            raise KeyError(key)
        value = self[key]
        del self[key]
        return value

    def __delitem__(self, key: str) -> None:
        if key in self._makers:
            self._makers = {name: maker for name, maker in self._makers.items() if name != key}
        elif not dict.__contains__(self, key):
            raise KeyError(key)
        dict.pop(self, key, None)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value, or `default`, which is kept."""
        if key not in self:
            self[key] = default
        return self[key]

    def copy(self) -> RunContext:
        """A context of its own, as lazy as this one."""
        twin = RunContext(self._makers, self._source, self._distant)
        dict.update(twin, super().items())
        return twin

    def __copy__(self) -> RunContext:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: copy.deepcopy(value, memo) for key, value in self.items()}

    def __or__(self, other: Any) -> Any:
        return dict(self.items()) | dict(other)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, dict) and dict(self.items()) == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return repr(dict(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self.items()),)

    def _made(self) -> RunContext:
        """Itself, complete."""
        for key, maker in self._makers.items():
            if not dict.__contains__(self, key):
                if key in self._distant:
                    value = Later(maker, self._source)
                else:
                    value = maker(self._source)
                dict.__setitem__(self, key, value)
        return self


class Later:
    """Stands for a value that the control plane is asked for when it is used."""

    def __init__(self, maker: Maker, source: Any) -> None:
        object.__setattr__(self, "_later", (maker, source))

    def _now(self) -> Any:
        kept = object.__getattribute__(self, "__dict__")
        if "_value" not in kept:
            maker, source = kept["_later"]
            kept["_value"] = maker(source)
        return kept["_value"]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._now(), name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._now())

    def __repr__(self) -> str:
        return repr(self._now())

    def __str__(self) -> str:
        return str(self._now())

    def __format__(self, spec: str) -> str:
        return format(self._now(), spec)

    def __bool__(self) -> bool:
        return bool(self._now())

    def __eq__(self, other: object) -> bool:
        return bool(self._now() == _now(other))

    def __hash__(self) -> int:
        return hash(self._now())

    def __lt__(self, other: Any) -> bool:
        return bool(self._now() < _now(other))

    def __le__(self, other: Any) -> bool:
        return bool(self._now() <= _now(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self._now() > _now(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self._now() >= _now(other))

    def __sub__(self, other: Any) -> Any:
        return self._now() - _now(other)

    def __rsub__(self, other: Any) -> Any:
        return _now(other) - self._now()

    def __add__(self, other: Any) -> Any:
        return self._now() + other


def _now(value: Any) -> Any:
    return value._now() if type(value) is Later else value
