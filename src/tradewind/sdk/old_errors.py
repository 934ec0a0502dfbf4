"""Exceptions and warnings that nothing here raises and that files may catch, raise or filter."""

from __future__ import annotations

from tradewind.sdk.errors import AirflowException, AirflowNotFoundException, FailFastDagInvalidTriggerRule


class InvalidStatsNameException(AirflowException):
    """A metric with a name that cannot be sent."""


class AirflowInternalRuntimeError(BaseException):
    """Something in Airflow's inside went wrong."""


class AirflowWebServerTimeout(AirflowException):
    """The web server did not answer."""


class UnmappableOperator(AirflowException):
    """An operator that cannot be mapped."""


class UnmappableXComLengthPushed(AirflowException):
    """More elements to map over than are allowed."""


class AirflowDagInconsistent(AirflowException):
    """A DAG that is at odds with itself."""


class AirflowClusterPolicySkipDag(AirflowException):
    """A policy leaves a DAG out."""


class AirflowClusterPolicyError(AirflowException):
    """A policy that failed."""


class DagCodeNotFound(AirflowNotFoundException):
    """The source of a DAG is not kept."""


class DagFileExists(AirflowException):
    """A file of that name is there already."""


class NoAvailablePoolSlot(AirflowException):
    """A pool is full."""


class DagConcurrencyLimitReached(AirflowException):
    """A DAG has as many tasks as it may."""


class TaskConcurrencyLimitReached(AirflowException):
    """A task runs as often as it may."""


class BackfillUnfinished(AirflowException):
    """Not all runs of a backfill succeeded."""


class FileSyntaxError(AirflowException):
    """A file of connections or variables that cannot be read."""


class AirflowFileParseException(AirflowException):
    """The same, with what is wrong."""


class ConnectionNotUnique(AirflowException):
    """Several connections of one id."""


class UnknownExecutorException(ValueError):
    """An executor that nobody has."""


class AirflowContextDeprecationWarning(DeprecationWarning):
    """A key of the context that goes away."""


class DeprecatedImportWarning(FutureWarning):
    """An import path that goes away."""


FailStopDagInvalidTriggerRule = FailFastDagInvalidTriggerRule
