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


class DagIsPaused(AirflowException):
    """A run of a paused DAG was asked for."""

    def __init__(self, dag_id: str) -> None:
        super().__init__(dag_id)
        self.dag_id = dag_id

    def __str__(self) -> str:
        return f"Dag {self.dag_id} is paused"
