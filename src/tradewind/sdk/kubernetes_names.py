"""Small things of Airflow's Kubernetes provider that DAG files import: exceptions, names of phases, makers of names.

They do nothing by themselves; what a file catches here is never raised by the control plane, whose verdicts say more.
"""

from __future__ import annotations

import abc
import importlib
import secrets
import socket
import string
from typing import Any

from tradewind.pods import identity, naming
from tradewind.sdk import errors
from tradewind.sdk.configuration import conf

EMPTY_XCOM_RESULT = "__airflow_xcom_result_empty__"
POD_NAME_MAX_LENGTH = naming.LONGEST
MAX_LABEL_LEN = 63
_KEEPALIVE = (
    ("TCP_KEEPIDLE", "tcp_keep_idle", 120),
    ("TCP_KEEPINTVL", "tcp_keep_intvl", 30),
    ("TCP_KEEPCNT", "tcp_keep_cnt", 6),
)
"""Options of a socket, Airflow's names and values for them."""
_LETTERS = string.ascii_lowercase + string.digits


class PodLaunchFailedException(errors.AirflowException):
    """A pod could not be started."""


class PodLaunchTimeoutException(errors.AirflowException):
    """A pod did not start in time."""


class PodNotFoundException(errors.AirflowException):
    """A pod is not there."""


class PodCommandException(errors.AirflowException):
    """A command in a pod failed."""


class XComRetrievalError(errors.AirflowException):
    """A pod's value could not be taken."""


class KubernetesApiException(errors.AirflowException):
    """The API server refused."""


class KubernetesApiError(errors.AirflowException):
    """The API server refused."""


class KubernetesApiPermissionError(errors.AirflowException):
    """A right is missing."""


class PodMutationHookException(errors.AirflowException):
    """A site's hook failed."""


class PodReconciliationError(errors.AirflowException):
    """Two pods could not be laid over one another."""


class PodPhase:
    """Phases of a pod."""

    PENDING = "Pending"
    RUNNING = "Running"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"
    terminal_states = frozenset({FAILED, SUCCEEDED})


class K8SModel(abc.ABC):
    """Something that changes a pod; a file's own subclasses are used as they are."""

    @abc.abstractmethod
    def attach_to_pod(self, pod: Any) -> Any:
        """The pod with it."""


def append_to_pod(pod: Any, k8s_objects: list[Any] | None) -> Any:
    """The pod with all of them."""
    for one in k8s_objects or []:
        pod = one.attach_to_pod(pod)
    return pod


def rand_str(num: int) -> str:
    """So many random letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(num))


def add_unique_suffix(*, name: str, rand_len: int = 8, max_len: int = POD_NAME_MAX_LENGTH) -> str:
    """The name with a random end, not longer than `max_len`."""
    return f"{name[: max_len - rand_len - 1].strip('-.')}-{rand_str(rand_len)}"


def create_unique_id(
    dag_id: str | None = None, task_id: str | None = None, *, max_length: int = POD_NAME_MAX_LENGTH, unique: bool = True
) -> str:
    """A name for a pod out of the ids."""
    if not (dag_id or task_id):
        raise ValueError("a pod is named after dag_id, task_id or both; neither is given")
    name = naming.slug("-".join(part for part in (dag_id, task_id) if part)).lower()[:max_length].strip("-.")
    return add_unique_suffix(name=name, rand_len=8, max_len=max_length) if unique else name


def make_safe_label_value(text: str) -> str:
    """The text as a label's value."""
    return identity.safe_label(text)


def get_kube_client(
    in_cluster: bool | None = None, cluster_context: str | None = None, config_file: str | None = None
) -> Any:
    """A client of the core API."""
    from tradewind.sdk.hooks.kubernetes import KubernetesHook

    hook = KubernetesHook(in_cluster=in_cluster, cluster_context=cluster_context, config_file=config_file)
    return hook.core_v1_client


def configure_tcp_keepalive(configuration: Any) -> None:
    """Have a client's idle connections probed, so that one which a load balancer dropped is noticed.

    Seconds before the first probe, between two, and their number are Airflow's options; tcp(7) for what they mean.
    """
    ours = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *(
            (socket.IPPROTO_TCP, getattr(socket, name), conf.getint("kubernetes_executor", key, fallback))
            for name, key, fallback in _KEEPALIVE
            if hasattr(socket, name)
        ),
    ]
    before = configuration.socket_options
    if before is None:
        before = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]  # what urllib3 does by itself, where nothing is said
    said = {option[:2] for option in ours}
    configuration.socket_options = [option for option in before if tuple(option[:2]) not in said] + ours


def __getattr__(name: str) -> Any:
    """What the environment's own `kubernetes` package decides."""
    if name not in ("ApiException", "has_kubernetes"):
        raise AttributeError(name)
    try:
        found = importlib.import_module("kubernetes.client.rest")
    except ImportError:
        return BaseException if name == "ApiException" else False
    return found.ApiException if name == "ApiException" else True
