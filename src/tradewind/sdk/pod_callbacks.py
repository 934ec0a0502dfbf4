"""`KubernetesPodOperatorCallback`: code of the user around a pod. It runs in the task's worker."""

from __future__ import annotations

from enum import Enum
from typing import Any


class ExecutionMode(str, Enum):
    """How the operator waits for its pod, as callbacks are told."""

    SYNC = "sync"
    ASYNC = "async"


class KubernetesPodOperatorCallback:
    """Override what you need. `client` is a `kubernetes.client.CoreV1Api` where pods are in a cluster."""

    @staticmethod
    def on_sync_client_creation(*, client: Any, operator: Any, **kwargs: Any) -> None:
        """The client was made."""

    @staticmethod
    def on_pod_manifest_created(
        *, pod_request: Any, client: Any, mode: str, operator: Any, context: Any, **kwargs: Any
    ) -> None:
        """The pod is built and not created yet; what is changed in it counts."""

    @staticmethod
    def on_pod_creation(*, pod: Any, client: Any, mode: str, operator: Any, context: Any, **kwargs: Any) -> None:
        """The pod was created."""

    @staticmethod
    def on_pod_starting(*, pod: Any, client: Any, mode: str, operator: Any, context: Any, **kwargs: Any) -> None:
        """Its main container has begun."""

    @staticmethod
    def on_pod_completion(*, pod: Any, client: Any, mode: str, operator: Any, context: Any, **kwargs: Any) -> None:
        """It has ended."""

    @staticmethod
    def on_pod_teardown(*, pod: Any, client: Any, mode: str, operator: Any, context: Any, **kwargs: Any) -> None:
        """It has ended and is not deleted yet."""

    @staticmethod
    def on_pod_cleanup(*, pod: Any, client: Any, mode: str, operator: Any, context: Any, **kwargs: Any) -> Any:
        """Everything is done with it."""

    @staticmethod
    def on_operator_resuming(
        *, pod: Any, event: Any, client: Any, mode: str, operator: Any, context: Any, **kwargs: Any
    ) -> None:
        """A deferrable operator goes on after its pod's end."""

    @staticmethod
    def progress_callback(
        *, line: str, client: Any, mode: str, container_name: str, timestamp: Any, pod: Any, **kwargs: Any
    ) -> None:
        """A line of its log."""
