"""`DeadlineAlert`: by when a run is to have ended, and what is called when it has not.

Callbacks are called in a process that loaded the DAG file, as all callbacks are. What is awaitable is awaited there, so
`AsyncCallback` and `SyncCallback` differ in what they take alone.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from tradewind.model.dagspec import Deadline
from tradewind.sdk import errors, timezone
from tradewind.sdk.variable import Variable


class BaseDeadlineReference:
    """What a deadline counts from. Those of one's own load; their deadlines are not watched."""

    reference: ClassVar[Any] = ""
    """As `Deadline.reference` has it; empty where the engine does not know it."""

    @property
    def reference_name(self) -> str:
        """The class's name."""
        return type(self).__name__

    def settings(self) -> dict[str, Any]:
        """What `Deadline` needs to know besides."""
        return {}

    def serialize_reference(self) -> dict[str, Any]:
        """The reference as data."""
        return {"reference_type": self.reference_name, **self.settings()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BaseDeadlineReference) and self.serialize_reference() == other.serialize_reference()

    def __hash__(self) -> int:
        return hash(self.reference_name)


class DagRunLogicalDateDeadline(BaseDeadlineReference):
    """The run's logical date; a run without one has no such deadline."""

    reference = "logical_date"


class DagRunQueuedAtDeadline(BaseDeadlineReference):
    """When the run was queued, the last time if it was cleared."""

    reference = "queued_at"


@dataclass(eq=False)
class FixedDatetimeDeadline(BaseDeadlineReference):
    """One moment for all runs."""

    _datetime: datetime
    reference: ClassVar[str] = "fixed_datetime"

    def settings(self) -> dict[str, Any]:
        return {"fixed": timezone.convert_to_utc(self._datetime)}


@dataclass(eq=False)
class AverageRuntimeDeadline(BaseDeadlineReference):
    """The run's creation and how long its last successful runs took; none before there are `min_runs` of them."""

    DEFAULT_LIMIT: ClassVar[int] = 10
    max_runs: int
    min_runs: int | None = None
    reference: ClassVar[str] = "average_runtime"

    def __post_init__(self) -> None:
        self.min_runs = self.max_runs if self.min_runs is None else self.min_runs
        if self.min_runs < 1:
            raise ValueError(f"min_runs is {self.min_runs}; an average needs one run or more")

    def settings(self) -> dict[str, Any]:
        return {"max_runs": self.max_runs, "min_runs": self.min_runs}


class DeadlineReference:
    """The references there are."""

    class TYPES:
        """When each is settled."""

        DAGRUN_CREATED: tuple[type, ...] = (DagRunLogicalDateDeadline, FixedDatetimeDeadline, AverageRuntimeDeadline)
        DAGRUN_QUEUED: tuple[type, ...] = (DagRunQueuedAtDeadline,)
        DAGRUN: tuple[type, ...] = (*DAGRUN_CREATED, *DAGRUN_QUEUED)

    DAGRUN_LOGICAL_DATE: ClassVar[BaseDeadlineReference] = DagRunLogicalDateDeadline()
    DAGRUN_QUEUED_AT: ClassVar[BaseDeadlineReference] = DagRunQueuedAtDeadline()

    @classmethod
    def AVERAGE_RUNTIME(cls, max_runs: int = 0, min_runs: int | None = None) -> BaseDeadlineReference:  # noqa: N802
        """Of the last `max_runs` successful runs (10), as soon as there are `min_runs` of them (as many)."""
        return AverageRuntimeDeadline(max_runs or AverageRuntimeDeadline.DEFAULT_LIMIT, min_runs)

    @classmethod
    def FIXED_DATETIME(cls, dt: datetime) -> BaseDeadlineReference:  # noqa: N802
        """One moment for all runs."""
        return FixedDatetimeDeadline(dt)

    @classmethod
    def register_custom_reference(cls, reference_class: type, deadline_reference_type: Any = None) -> type:  # noqa: ARG003 - none is settled here
        """Make a class known by its name. Raises ValueError where it is no reference."""
        if not issubclass(reference_class, BaseDeadlineReference):
            raise ValueError(  # noqa: TRY004 - as Airflow raises
                f"{reference_class.__name__} is no BaseDeadlineReference; make it a subclass"
            )
        setattr(cls, reference_class.__name__, reference_class())
        return reference_class


def deadline_reference(deadline_reference_type: Any = None) -> Any:
    """Decorate a class to make it known as a reference, with or without parentheses."""
    if isinstance(deadline_reference_type, type):
        return DeadlineReference.register_custom_reference(deadline_reference_type)
    return lambda cls: DeadlineReference.register_custom_reference(cls, deadline_reference_type)


@dataclass(frozen=True)
class VariableInterval:
    """An interval of as many seconds as a Variable says. It is read when the file is loaded, again when it changes."""

    key: str

    def resolve(self) -> timedelta:
        """The interval. Raises KeyError where there is no such Variable, ValueProblem where it is no whole number."""
        value = Variable.get(self.key)
        try:
            return timedelta(seconds=int(value))
        except ValueError:
            said = f"it is {value!r}, and an interval is a whole number of seconds"
            raise errors.ValueProblem.of("bad-interval", f"Variable {self.key!r}", said, "for example 3600") from None


class Callback:
    """A function, or the path of one, with the arguments to call it with; `context` is added if it takes that."""

    def __init__(self, callback_callable: Callable[..., Any] | str, kwargs: Mapping[str, Any] | None = None) -> None:
        if kwargs and "context" in kwargs:
            raise ValueError("kwargs of a callback cannot have a context: that is given to it")
        self._given = callback_callable if callable(callback_callable) else None
        self.path = self._path(callback_callable)
        self.kwargs: dict[str, Any] = dict(kwargs or {})
        if self._given is not None:
            self.verify_callable(self._given)

    @staticmethod
    def _path(given: Any) -> str:
        if callable(given):
            return f"{given.__module__}.{getattr(given, '__qualname__', type(given).__qualname__)}"
        if isinstance(given, str) and all(part.isidentifier() for part in given.strip().split(".")):
            return given.strip()
        raise ImportError(f"{given!r} is neither a function nor the dotted path of one")

    @classmethod
    def verify_callable(cls, callback: Callable[..., Any]) -> None:
        """Raise AttributeError where it cannot be called as its class says."""

    def find(self) -> Callable[..., Any]:
        """What is called. Raises ImportError."""
        if self._given is not None:
            return self._given
        module, _, name = self.path.rpartition(".")
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return found

    def call(self, context: Any) -> Any:
        """Call it; what it returns may have to be awaited."""
        callback = self.find()
        more = {"context": context} if _takes_context(callback) else {}
        return callback(**self.kwargs, **more)

    def serialize(self) -> dict[str, Any]:
        """The callback as data."""
        return {"path": self.path, "kwargs": self.kwargs}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Callback) and type(other) is type(self) and self.serialize() == other.serialize()

    def __hash__(self) -> int:
        return hash(self.path)


class AsyncCallback(Callback):
    """One that is awaited: a coroutine function, or a notifier with `async_notify`."""

    @classmethod
    def verify_callable(cls, callback: Callable[..., Any]) -> None:
        if not (inspect.iscoroutinefunction(callback) or hasattr(callback, "__await__")):
            raise AttributeError(f"{callback} cannot be awaited; make it `async def`, or write SyncCallback")


class SyncCallback(Callback):
    """One that is called. `executor` is taken, and names nothing here."""

    def __init__(
        self,
        callback_callable: Callable[..., Any] | str,
        kwargs: Mapping[str, Any] | None = None,
        executor: str | None = None,
    ) -> None:
        super().__init__(callback_callable, kwargs)
        self.executor = executor

    def serialize(self) -> dict[str, Any]:
        return {**super().serialize(), "executor": self.executor}


class DeadlineAlert:
    """A run is to have ended `interval` after what `reference` says, else `callback` is called, once. It goes on."""

    def __init__(
        self,
        reference: BaseDeadlineReference,
        interval: timedelta | VariableInterval,
        callback: Callback,
        name: str | None = None,
    ) -> None:
        if not isinstance(callback, (AsyncCallback, SyncCallback)):
            raise ValueError(  # noqa: TRY004 - as Airflow raises
                f"callback is a {type(callback).__name__}; write AsyncCallback(function) or SyncCallback(function)"
            )
        self.reference = reference
        self.interval = interval
        self.callback = callback
        self.name = name

    def spec(self, about: str) -> Deadline:
        """The deadline as the engine watches it. Raises ArgumentProblem, ValueError, KeyError."""
        kinds = (timedelta, VariableInterval)
        errors.expect(
            "wrong-type", about, "interval", self.interval, kinds,
            words="a timedelta or a VariableInterval", hint="for example timedelta(hours=1)",
        )  # fmt: skip
        interval = self.interval.resolve() if isinstance(self.interval, VariableInterval) else self.interval
        return Deadline(
            reference=self.reference.reference,
            interval_seconds=interval.total_seconds(),
            name=self.name or "",
            **self.reference.settings(),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DeadlineAlert):
            return NotImplemented
        mine, theirs = (self.reference, self.interval, self.callback), (other.reference, other.interval, other.callback)
        return mine == theirs

    def __hash__(self) -> int:
        return hash((self.reference, self.callback))


def watched(dag: Any) -> list[DeadlineAlert]:
    """Those of a DAG that the engine can watch, in order. Raises ArgumentProblem where one is no DeadlineAlert."""
    return [alert for alert in _alerts(dag) if alert.reference.reference]


def notes(dag: Any) -> list[str]:
    """About those that it cannot."""
    return [
        f"DAG {dag.dag_id!r}: its deadline {alert.name or number} counts from {alert.reference.reference_name}, "
        "a reference of its own, and is not watched"
        for number, alert in enumerate(_alerts(dag), 1)
        if not alert.reference.reference
    ]


def slas(dag: Any) -> dict[str, timedelta]:
    """Of its tasks that have one, in order."""
    given = {one.task_id: one.partial_kwargs.get("sla") if one.is_mapped else one.sla for one in dag.tasks}
    return {task_id: sla for task_id, sla in given.items() if sla is not None}


def specs(dag: Any) -> tuple[Deadline, ...]:
    """All deadlines of a DAG as data: those of its runs, then the SLAs of its tasks. Raises as `DeadlineAlert.spec`."""
    about = f"a deadline of DAG {dag.dag_id!r}"
    return (
        *(alert.spec(about) for alert in watched(dag)),
        *(
            Deadline(reference="run_after", interval_seconds=sla.total_seconds(), task_id=task_id)
            for task_id, sla in slas(dag).items()
        ),
    )


def _alerts(dag: Any) -> list[DeadlineAlert]:
    given = dag.deadline or ()
    alerts = list(given) if isinstance(given, (list, tuple)) else [given]
    for alert in alerts:
        errors.expect(
            "wrong-type", f"DAG {dag.dag_id!r}", "deadline", alert, (DeadlineAlert,),
            words="a DeadlineAlert, or a list of them", hint="write deadline=DeadlineAlert(reference=…, …)",
        )  # fmt: skip
        errors.expect(
            "wrong-type", f"a deadline of DAG {dag.dag_id!r}", "reference", alert.reference, (BaseDeadlineReference,),
            words="one of DeadlineReference", hint="for example DeadlineReference.DAGRUN_QUEUED_AT",
        )  # fmt: skip
    return alerts


@dataclass
class SlaMiss:
    """A task that missed its SLA, as `sla_miss_callback` gets it: a value, not a row."""

    task_id: str
    dag_id: str
    execution_date: datetime | None = None
    email_sent: bool = False
    timestamp: datetime | None = None
    description: str | None = None
    notification_sent: bool = False


def _takes_context(callback: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(callback).parameters
    except (ValueError, TypeError):
        return True
    return "context" in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())
