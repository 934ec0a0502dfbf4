"""References to what other tasks return: `task.output`, what a decorated task's call gives, and their combinations.

A reference in a template field is an edge of the DAG and is replaced by the value when the task runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tradewind.model import dagspec
from tradewind.sdk import errors, setup_teardown, xcom
from tradewind.sdk.expansion import item_at
from tradewind.sdk.node import DependencyMixin, listed
from tradewind.sdk.resolving import ResolveMixin
from tradewind.sdk.unset import NOTSET

if TYPE_CHECKING:
    from tradewind.sdk.edges import EdgeModifier


class XComArg(ResolveMixin, DependencyMixin):
    """A reference; `XComArg(operator, key)` makes a plain one."""

    def __new__(cls, *_: Any, **__: Any) -> XComArg:
        return super().__new__(PlainXComArg if cls is XComArg else cls)

    def __init__(self, operator: Any, key: str = xcom.XCOM_RETURN_KEY) -> None:
        self.operator = operator
        self.key = key

    @staticmethod
    def iter_xcom_references(arg: Any) -> Iterator[tuple[Any, str]]:
        """References inside any value."""
        from tradewind.sdk.resolving import references

        return references(arg)

    @staticmethod
    def apply_upstream_relationship(op: Any, arg: Any) -> None:
        """Put all tasks that `arg` refers to before `op`."""
        for operator, _ in XComArg.iter_xcom_references(arg):
            op.set_upstream(operator)

    @property
    def roots(self) -> Sequence[Any]:
        return [operator for operator, _ in self.iter_references()]

    @property
    def leaves(self) -> Sequence[Any]:
        return [operator for operator, _ in self.iter_references()]

    def set_upstream(self, other: Any, edge_modifier: EdgeModifier | None = None) -> None:
        for operator in self.roots:
            operator.set_upstream(other, edge_modifier)

    def set_downstream(self, other: Any, edge_modifier: EdgeModifier | None = None) -> None:
        for operator in self.roots:
            operator.set_downstream(other, edge_modifier)

    def map(self, f: Callable[[Any], Any]) -> XComArg:
        """Each element through a function, when it runs."""
        return MapXComArg(self, [f])

    def zip(self, *others: XComArg, fillvalue: Any = NOTSET) -> XComArg:
        """Elements side by side, as tuples."""
        return ZipXComArg([self, *others], fillvalue=fillvalue)

    def concat(self, *others: XComArg) -> XComArg:
        """Elements one after the other."""
        return ConcatXComArg([self, *others])

    def __enter__(self) -> type[setup_teardown.SetupTeardownContext]:
        setup_teardown.enter(list(self.roots))
        return setup_teardown.SetupTeardownContext

    def __exit__(self, *_: object) -> None:
        setup_teardown.leave()


class PlainXComArg(XComArg):
    """One XCom of one task."""

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        yield self.operator, self.key

    def __getitem__(self, item: Any) -> XComArg:
        if not isinstance(item, str):
            said = f"a result can be indexed by the name of an output only, not by {type(item).__name__}: {item!r}"
            hint = "its value is known only when it runs; index it inside a task"
            raise errors.ValueProblem.of("xcom-index", f"task {self.operator.task_id!r}", said, hint)
        return PlainXComArg(self.operator, item)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            f"the result of task {self.operator.task_id!r} cannot be looped over: 'XComArg' object is not iterable, "
            "its value is known only when it runs; use expand() to make one task per element"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlainXComArg) and self.operator is other.operator and self.key == other.key

    def __hash__(self) -> int:
        return hash((id(self.operator), self.key))

    def __repr__(self) -> str:
        key = "" if self.key == xcom.XCOM_RETURN_KEY else f", {self.key!r}"
        return f"XComArg({self.operator!r}{key})"

    def __str__(self) -> str:
        asked = f"task_ids='{self.operator.task_id}', dag_id='{self.operator.dag_id}', key='{self.key}'"
        return f"{{{{ task_instance.xcom_pull({asked}) }}}}"

    def map(self, f: Callable[[Any], Any]) -> XComArg:
        self._require_result("map")
        return super().map(f)

    def zip(self, *others: XComArg, fillvalue: Any = NOTSET) -> XComArg:
        self._require_result("zip")
        return super().zip(*others, fillvalue=fillvalue)

    def concat(self, *others: XComArg) -> XComArg:
        self._require_result("concat")
        return super().concat(*others)

    def _require_result(self, what: str) -> None:
        if self.key != xcom.XCOM_RETURN_KEY:
            said = f"{what}() works on what a task returns, not on its XCom {self.key!r}"
            raise errors.ValueProblem.of(
                "mapped-key", f"task {self.operator.task_id!r}", said, "take the part out in a task"
            )

    @property
    def is_setup(self) -> bool:
        """Whether the task is a setup."""
        return bool(self.operator.is_setup)

    @is_setup.setter
    def is_setup(self, value: bool) -> None:
        self.operator.is_setup = value

    @property
    def is_teardown(self) -> bool:
        """Whether the task is a teardown."""
        return bool(self.operator.is_teardown)

    @is_teardown.setter
    def is_teardown(self, value: bool) -> None:
        self.operator.is_teardown = value

    @property
    def on_failure_fail_dagrun(self) -> bool:
        """Whether a failing teardown fails the run."""
        return bool(self.operator.on_failure_fail_dagrun)

    @on_failure_fail_dagrun.setter
    def on_failure_fail_dagrun(self, value: bool) -> None:
        self.operator.on_failure_fail_dagrun = value

    def as_setup(self) -> XComArg:
        """Mark the task as a setup."""
        self.operator.as_setup()
        return self

    def as_teardown(self, *, setups: Any = None, on_failure_fail_dagrun: bool | None = None) -> XComArg:
        """Mark the task as a teardown of these setups."""
        self.operator.as_teardown(setups=setups, on_failure_fail_dagrun=on_failure_fail_dagrun)
        return self

    def _spread(self) -> bool:
        return self.operator.is_mapped or next(self.operator.mapped_groups(), None) is not None

    def resolve(self, context: Mapping[str, Any]) -> Any:
        ti = context["ti"]
        task_id = self.operator.task_id
        index = -1
        if self._spread():
            shared = xcom.shared_index(ti, self.operator)
            if shared is None:
                values = xcom.LazyXComSequence(ti.dag_id, ti.run_id, task_id, self.key)
                # As in Airflow: lazy for a mapped task, all at once for one that a mapped group multiplies.
                return values if self.operator.is_mapped else list(values)
            index = shared
        value = xcom.pull(ti, task_id, self.key, map_index=index, default=NOTSET)
        if value is not NOTSET:
            return value
        if self.key == xcom.XCOM_RETURN_KEY or getattr(self.operator, "multiple_outputs", False):
            return None
        raise errors.XComNotFound(ti.dag_id, task_id, self.key)

    def length(self) -> dagspec.Length:
        return dagspec.XComLength(task_id=self.operator.task_id, key=self.key)

    def resolve_element(self, context: Mapping[str, Any], index: int) -> Any:
        value = self.resolve(context)
        if value is None:
            raise errors.XComForMappingNotPushed(f"task {self.operator.task_id!r} returned nothing to map over")
        return item_at(value, index)


class MapXComArg(XComArg):
    """Each element through functions."""

    def __init__(self, arg: XComArg, callables: Sequence[Callable[[Any], Any]]) -> None:
        for function in callables:
            if hasattr(function, "operator_class"):
                said = "map() needs a plain function, not a task"
                hint = "to run it as a task of its own, call it with expand()"
                raise errors.ValueProblem.of("map-a-task", repr(arg), said, hint)
        self.arg = arg
        self.callables = list(callables)

    def __repr__(self) -> str:
        calls = "".join(f".map({getattr(function, '__name__', function)})" for function in self.callables)
        return f"{self.arg!r}{calls}"

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        yield from self.arg.iter_references()

    def map(self, f: Callable[[Any], Any]) -> XComArg:
        return MapXComArg(self.arg, [*self.callables, f])

    def length(self) -> dagspec.Length:
        return self.arg.length()

    def count(self, context: Mapping[str, Any]) -> int:
        return self.arg.count(context)

    def _apply(self, value: Any) -> Any:
        for function in self.callables:
            value = function(value)
        return value

    def resolve(self, context: Mapping[str, Any]) -> Any:
        return [self._apply(self.arg.resolve_element(context, index)) for index in range(self.arg.count(context))]

    def resolve_element(self, context: Mapping[str, Any], index: int) -> Any:
        return self._apply(self.arg.resolve_element(context, index))


class ZipXComArg(XComArg):
    """Elements side by side."""

    def __init__(self, args: Sequence[XComArg], *, fillvalue: Any = NOTSET) -> None:
        self.args = _arguments("zip", args)
        self.fillvalue = fillvalue

    def __repr__(self) -> str:
        first, *rest = (repr(arg) for arg in self.args)
        fill = [] if self.fillvalue is NOTSET else [f"fillvalue={self.fillvalue!r}"]
        return f"{first}.zip({', '.join([*rest, *fill])})"

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        for arg in self.args:
            yield from arg.iter_references()

    def length(self) -> dagspec.Length:
        return dagspec.ZipLength(parts=tuple(arg.length() for arg in self.args), longest=self.fillvalue is not NOTSET)

    def count(self, context: Mapping[str, Any]) -> int:
        counts = [arg.count(context) for arg in self.args]
        return min(counts) if self.fillvalue is NOTSET else max(counts)

    def resolve(self, context: Mapping[str, Any]) -> Any:
        return [self.resolve_element(context, index) for index in range(self.count(context))]

    def resolve_element(self, context: Mapping[str, Any], index: int) -> Any:
        return tuple(self._one(arg, context, index) for arg in self.args)

    def _one(self, arg: XComArg, context: Mapping[str, Any], index: int) -> Any:
        if self.fillvalue is not NOTSET and index >= arg.count(context):
            return self.fillvalue
        return arg.resolve_element(context, index)


class ConcatXComArg(XComArg):
    """Elements one after the other."""

    def __init__(self, args: Sequence[XComArg]) -> None:
        self.args = _arguments("concat", args)

    def __repr__(self) -> str:
        first, *rest = (repr(arg) for arg in self.args)
        return f"{first}.concat({', '.join(rest)})"

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        for arg in self.args:
            yield from arg.iter_references()

    def concat(self, *others: XComArg) -> XComArg:
        return ConcatXComArg([*self.args, *others])

    def length(self) -> dagspec.Length:
        return dagspec.ConcatLength(parts=tuple(arg.length() for arg in self.args))

    def count(self, context: Mapping[str, Any]) -> int:
        return sum(arg.count(context) for arg in self.args)

    def resolve(self, context: Mapping[str, Any]) -> Any:
        return [self.resolve_element(context, index) for index in range(self.count(context))]

    def resolve_element(self, context: Mapping[str, Any], index: int) -> Any:
        for arg in self.args:
            count = arg.count(context)
            if index < count:
                return arg.resolve_element(context, index)
            index -= count
        raise IndexError(index)


def _arguments(what: str, args: Sequence[Any]) -> list[XComArg]:
    for arg in args:
        if not isinstance(arg, XComArg):
            said = f"{what}() combines results of tasks, not {type(arg).__name__}: {arg!r}"
            raise errors.ValueProblem.of("not-a-result", f"{what}()", said, "return the value from a task of its own")
    return list(args)


def operators_of(value: Any) -> list[Any]:
    """The tasks behind one or several operators or results."""
    return [operator for thing in listed(value) for operator in getattr(thing, "roots", [thing])]
