"""Assets (Airflow 2: Datasets) as inert data: what tasks say they read and write, and what a DAG is scheduled on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tradewind.sdk import errors


class BaseAsset:
    """Part of a condition: `a & b`, `a | b`."""

    def __and__(self, other: Any) -> AssetAll:
        return AssetAll(self, other)

    def __or__(self, other: Any) -> AssetAny:
        return AssetAny(self, other)

    def __bool__(self) -> bool:
        return True

    def as_expression(self) -> dict[str, Any]:
        """The condition as data."""
        raise NotImplementedError

    def iter_assets(self) -> Iterator[Any]:
        """The assets inside."""
        yield from ()


class AssetAccessControl:
    """Which teams may update an asset; held, not enforced."""

    def __init__(self, producer_teams: Any = (), consumer_teams: Any = None, allow_global: bool = True) -> None:
        self.producer_teams = list(producer_teams or ())
        self.consumer_teams = consumer_teams
        self.allow_global = allow_global


class AssetWatcher:
    """A trigger that updates an asset; held, not run."""

    def __init__(self, name: str, trigger: Any) -> None:
        self.name = name
        self.trigger = trigger


class Asset(BaseAsset):
    """Something that tasks read and write, known by name and URI."""

    asset_type = "asset"

    def __init__(
        self,
        name: str | None = None,
        uri: Any = None,
        *,
        group: str | None = None,
        extra: dict[str, Any] | None = None,
        watchers: list[Any] | None = None,
        access_control: Any = None,
    ) -> None:
        if name is None and uri is None:
            raise errors.ArgumentProblem.of(
                "asset-without-name", "an asset", "it has neither name nor URI", "give it a name"
            )
        self.uri = _uri(str(uri if uri is not None else name))
        self.name = str(name if name is not None else self.uri)
        self.group = group or self.asset_type
        self.extra = dict(extra or {})
        self.watchers = list(watchers or ())
        self.access_control = access_control or AssetAccessControl()

    def as_expression(self) -> dict[str, Any]:
        return {"asset": {"uri": self.uri, "name": self.name, "group": self.group}}

    def iter_assets(self) -> Iterator[Any]:
        yield self

    def spec(self) -> dict[str, Any]:
        """The asset as data."""
        found = {"uri": self.uri, "name": self.name, "group": self.group, "extra": self.extra}
        return {**found, "watchers": [watcher.name for watcher in self.watchers]} if self.watchers else found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Asset) and (self.name, self.uri) == (other.name, other.uri)

    def __hash__(self) -> int:
        return hash((self.name, self.uri))

    def __fspath__(self) -> str:
        return self.uri

    @property
    def normalized_uri(self) -> str:
        """The URI."""
        return self.uri

    @staticmethod
    def ref(*, name: str = "", uri: str = "") -> Asset:
        """An asset that is defined elsewhere."""
        return Asset(name=name or None, uri=uri or None)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, uri={self.uri!r})"


class Dataset(Asset):
    """Airflow 2's name, whose first argument is the URI."""

    asset_type = "dataset"

    def __init__(
        self, uri: Any = None, extra: dict[str, Any] | None = None, *, name: str | None = None, **more: Any
    ) -> None:
        super().__init__(name=name, uri=uri, extra=extra, **more)


class Model(Asset):
    """An asset that is a model."""

    asset_type = "model"


class AssetAlias(BaseAsset):
    """A name for assets that are known only when a task has run."""

    def __init__(self, name: str, group: str = "asset") -> None:
        self.name = name
        self.group = group

    def as_expression(self) -> dict[str, Any]:
        return {"alias": {"name": self.name, "group": self.group}}

    def spec(self) -> dict[str, Any]:
        """The alias as data."""
        return {"alias": self.name, "group": self.group}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetAlias) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


DatasetAlias = AssetAlias


class _Condition(BaseAsset):
    _word = ""

    def __init__(self, *objects: Any) -> None:
        for one in objects:
            if not is_condition(one):
                said = f"expected an asset or a condition of assets, got {type(one).__name__}: {one!r}"
                raise errors.ArgumentProblem.of(
                    "wrong-type", "a condition of assets", said, "combine Asset(...) with & and |"
                )
        same = type(self)
        self.objects: list[Any] = [
            inner for one in objects for inner in (one.objects if isinstance(one, same) else [one])
        ]

    def as_expression(self) -> dict[str, Any]:
        return {self._word: [one.as_expression() for one in self.objects]}

    def iter_assets(self) -> Iterator[Any]:
        for one in self.objects:
            yield from one.iter_assets()


class AssetAll(_Condition):
    """All of these."""

    _word = "all"


class AssetAny(_Condition):
    """Any of these."""

    _word = "any"


DatasetAll = AssetAll
DatasetAny = AssetAny


class Metadata:
    """What a task says about an update of an asset, yielded or returned."""

    def __init__(self, asset: Any, extra: dict[str, Any] | None = None, alias: Any = None) -> None:
        self.asset = asset
        self.extra = dict(extra or {})
        self.alias = alias


def is_condition(value: Any) -> bool:
    """Whether a DAG can be scheduled on it."""
    return isinstance(value, BaseAsset)


def condition_of(value: BaseAsset) -> dict[str, Any]:
    """The condition as data."""
    return value.as_expression()


def data_of(value: Any) -> Any:
    """An inlet or outlet as data."""
    if hasattr(value, "spec"):
        return value.spec()
    kind = type(value)
    return {"classpath": f"{kind.__module__}.{kind.__qualname__}", "text": str(value)}


def _uri(text: str) -> str:
    if not text.strip():
        raise errors.ValueProblem.of("asset-without-name", "an asset", "its name or URI is empty", "give it a name")
    if text.startswith("airflow:"):
        raise errors.ValueProblem.of(
            "asset-scheme", f"asset {text!r}", "the scheme `airflow` is reserved", "choose another scheme"
        )
    return text
