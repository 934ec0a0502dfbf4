"""Exceptions that DAG files raise and catch, named as Airflow names them, and `DagProblem`: what loading found wrong.

Which class a task's code raises decides how its try ends, so the tree here is a contract: a task that raises
`AirflowSkipException` must be skipped whichever of Airflow's paths it was imported from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tradewind.model.dagspec import NativeBody
from tradewind.model.outcome import Failed
from tradewind.model.problem import Problem

_Problem = TypeVar("_Problem", bound="DagProblem")  # typing.Self is newer than the worker side's Python


class AirflowException(Exception):
    """The root of what tasks raise on purpose; by itself it fails the try."""

    status_code = 500


class AirflowBadRequest(AirflowException):
    """A request that makes no sense."""

    status_code = 400


class AirflowNotFoundException(AirflowException):
    """Something that was asked for by name does not exist."""

    status_code = 404


class AirflowConfigException(AirflowException):
    """A configuration option that is missing or makes no sense."""


class AirflowFailException(AirflowException):
    """The task failed, and another try would not help."""


class AirflowSkipException(AirflowException):
    """The task is to be skipped."""


class AirflowRescheduleException(AirflowException):
    """A sensor gives its place up until `reschedule_date`."""

    def __init__(self, reschedule_date: datetime) -> None:
        super().__init__()
        self.reschedule_date = reschedule_date


class AirflowSensorTimeout(AirflowException):
    """A sensor waited longer than its timeout; not tried again."""


class AirflowPokeFailException(AirflowFailException):
    """A sensor found that waiting is useless."""


class AirflowTaskTimeout(BaseException):
    """The task ran longer than its `execution_timeout`."""


class AirflowTaskTerminated(BaseException):
    """The task was told to stop."""


class TaskDeferred(BaseException):
    """The task gives its place up until a trigger fires, then goes on in `method_name`."""

    def __init__(
        self,
        *,
        trigger: Any,
        method_name: str,
        kwargs: dict[str, Any] | None = None,
        timeout: timedelta | float | None = None,
    ) -> None:
        super().__init__()
        self.trigger = trigger
        self.method_name = method_name
        self.kwargs = kwargs
        self.timeout = timedelta(seconds=timeout) if isinstance(timeout, (int, float)) else timeout


class LeftToEngine(BaseException):
    """The rest of the try needs no process: the engine does what `body` says."""

    def __init__(self, body: NativeBody) -> None:
        super().__init__()
        self.body = body


class TaskDeferralError(AirflowException):
    """The trigger that a task waited for failed."""


class TaskDeferralTimeout(AirflowException):
    """The trigger that a task waited for did not fire in time."""


class DownstreamTasksSkipped(AirflowException):
    """The task succeeded, and these of its downstreams are to be skipped."""

    def __init__(self, *, tasks: Collection[str | tuple[str, int]]) -> None:
        super().__init__()
        self.tasks = tasks


class DagRunTriggerException(AirflowException):
    """The task wants a run of another DAG."""

    def __init__(self, **wanted: Any) -> None:
        super().__init__()
        self.__dict__.update(wanted)


class XComNotFound(AirflowException):
    """A reference to an XCom that was never pushed."""

    def __init__(self, dag_id: str, task_id: str, key: str) -> None:
        super().__init__()
        self.dag_id = dag_id
        self.task_id = task_id
        self.key = key

    def __str__(self) -> str:
        return f"task {self.task_id!r} of DAG {self.dag_id!r} has pushed no XCom with key {self.key!r}"


class XComForMappingNotPushed(TypeError):
    """A mapped task's upstream returned nothing to map over."""


class UnmappableXComTypePushed(TypeError):
    """A mapped task's upstream returned something that is no list or dict."""


class AirflowRuntimeError(Exception):
    """The control plane refused what a task asked for."""

    def __init__(self, error: Any) -> None:
        super().__init__(str(error))
        self.error = error


class AirflowOptionalProviderFeatureException(AirflowException):
    """A feature of a provider that is not installed."""


class AirflowInactiveAssetInInletOrOutletException(AirflowFailException):
    """The task reads or writes an asset that is not active."""


class AirflowTimetableInvalid(AirflowException):
    """A schedule that cannot be kept."""


class AirflowClusterPolicyViolation(AirflowException):
    """A DAG that the site's policy refuses."""


class AirflowDagDuplicatedIdException(AirflowException):
    """Two files define a DAG of one name."""


class SerializationError(AirflowException):
    """A value that cannot be written down."""


class TaskNotFound(AirflowNotFoundException):
    """A DAG has no such task; `hint` names the one that may be meant."""

    hint = ""

    @classmethod
    def among(cls, message: str, name: object, known: Collection[str]) -> TaskNotFound:
        """Build the error, with a near name or what ids look like."""
        import difflib

        made = cls(message)
        near = difflib.get_close_matches(str(name), known, n=1)
        made.hint = f"is {near[0]!r} meant?" if near else "inside a group the id begins with the group's"
        return made


class NodeNotFound(TaskNotFound, KeyError):
    """A group has no such task or group."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class DagNotFound(AirflowNotFoundException):
    """There is no such DAG."""


class DagRunNotFound(AirflowNotFoundException):
    """There is no such run."""


class TaskInstanceNotFound(AirflowNotFoundException):
    """There is no such task in that run."""


class TaskAlreadyRunningError(AirflowException):
    """The task runs elsewhere already."""


class AirflowSecretsBackendAccessDenied(PermissionError):
    """A secrets backend refuses to answer, and no other may be asked instead."""


class PoolNotFound(AirflowNotFoundException):
    """There is no such pool."""


class DagRunAlreadyExists(AirflowBadRequest):
    """The DAG has a run of that name or logical date already."""


class DagProblem(AirflowException):
    """A DAG that cannot be taken as it is. `problem` says what is wrong with which object, and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem

    @classmethod
    def of(cls: type[_Problem], code: str, about: str, message: str, hint: str) -> _Problem:  # noqa: PYI019 - see there
        """Make one from its parts."""
        return cls(Problem(code=code, message=message, object=about, hint=hint))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem,)


class DuplicateTaskIdFound(DagProblem):
    """Two tasks or groups of a DAG have one id."""


class AirflowDagCycleException(DagProblem):
    """Tasks of a DAG wait for each other in a circle."""


class TaskAlreadyInTaskGroup(DagProblem):
    """A task was put into a second group."""


class FailFastDagInvalidTriggerRule(DagProblem):
    """A DAG with `fail_fast` has a task with another trigger rule than all_success."""


class ParamValidationError(DagProblem, ValueError):
    """A parameter does not keep to its schema."""


class ArgumentProblem(DagProblem, TypeError):
    """An argument has a wrong type, or there is no such argument."""


class ValueProblem(DagProblem, ValueError):
    """An argument has a value that makes no sense."""


class PodFailed(AirflowException):
    """The pod that the task handed over failed; `failed` says how, with its verdict's sentence."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.message)
        self.failed = failed


class NotHereYet(AirflowFailException):
    """Something that loads, and whose running is a later step of this program."""

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(f"{what} cannot run here yet\nhint: {instead}")
        self.problem = Problem(code="not-here-yet", message=f"{what} cannot run here yet", hint=instead)


class NotForDagFiles(AirflowFailException):
    """Something of Airflow's inside that files may name and that has no counterpart here."""

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(f"{what} has no counterpart here\nhint: {instead}")
        self.problem = Problem(code="no-counterpart", message=f"{what} has no counterpart here", hint=instead)


class RemovedInAirflow3Warning(DeprecationWarning):
    """Something that Airflow 3 took away."""


class RemovedInAirflow4Warning(DeprecationWarning):
    """Something that Airflow 4 takes away."""


class AirflowProviderDeprecationWarning(DeprecationWarning):
    """Something that a provider takes away."""


class DeserializingResultError(ValueError):
    """A child interpreter's answer cannot be read."""


def expect(code: str, about: str, name: str, value: Any, kinds: tuple[type, ...], *, words: str, hint: str) -> None:
    """Refuse a value that is neither None nor of these types."""
    if value is None or (isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)):
        return
    got = f"{name} must be {words}, got {type(value).__name__}: {_short(value)}"
    raise ArgumentProblem.of(code, about, got, hint)


def unknown_arguments(about: str, given: Mapping[str, Any], known: Collection[str]) -> ArgumentProblem:
    """Build the error for arguments that nothing takes, with near names."""
    import difflib

    near = {name: difflib.get_close_matches(name, known, n=1) for name in given}
    hints = [f"is {found[0]!r} meant by {name!r}?" for name, found in near.items() if found]
    names = ", ".join(repr(name) for name in given)
    hint = " ".join(hints) or "take the argument away, or give it to the operator that knows it"
    return ArgumentProblem.of("unknown-argument", about, f"there is no argument {names}", hint)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
