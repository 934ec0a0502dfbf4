"""What tasks say they read and write besides assets: files, tables; and the collector that hooks report to."""

from __future__ import annotations

from typing import Any


class _Entity:
    """A thing with a name; keeps what it is given."""

    def __init__(self, *args: Any, **given: Any) -> None:
        names = list(self.__annotations__)
        self.__dict__.update(zip(names, args, strict=False))
        self.__dict__.update(given)
        for name in names:
            self.__dict__.setdefault(name, None)

    def spec(self) -> dict[str, Any]:
        """The entity as data."""
        return {"entity": type(self).__name__, **{name: str(value) for name, value in vars(self).items() if value}}


class File(_Entity):
    """A file."""

    url: str
    type_hint: str | None


class User(_Entity):
    """A person."""

    email: str
    first_name: str | None
    last_name: str | None


class Tag(_Entity):
    """A word on a table."""

    tag_name: str


class Column(_Entity):
    """A column of a table."""

    name: str
    description: str | None
    data_type: str
    tags: list[Any]


class Table(_Entity):
    """A table."""

    database: str
    cluster: str
    name: str
    tags: list[Any]
    description: str | None
    columns: list[Any]
    owners: list[Any]
    extra: dict[str, Any]


class HookLineageCollector:
    """Takes what hooks report and keeps nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None

    @property
    def has_collected(self) -> bool:
        """Never."""
        return False


NoOpCollector = HookLineageCollector
_COLLECTOR = HookLineageCollector()


def get_hook_lineage_collector() -> HookLineageCollector:
    """The one that hooks report to."""
    return _COLLECTOR
