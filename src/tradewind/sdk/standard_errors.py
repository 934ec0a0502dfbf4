"""Exceptions of Airflow's standard provider that no sensor of ours owns."""

from __future__ import annotations

from tradewind.sdk.errors import AirflowException, AirflowFailException


class AirflowExternalTaskSensorException(AirflowException):
    """Waiting for another DAG failed."""


class HITLTriggerEventError(AirflowException):
    """An answer could not be taken."""


class HITLTimeoutError(HITLTriggerEventError):
    """Nobody answered in time."""


class HITLRejectException(AirflowFailException):
    """Somebody said no."""
