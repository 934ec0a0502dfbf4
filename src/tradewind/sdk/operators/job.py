"""`KubernetesJobOperator` and its kin: a Job that the cluster's own controller runs, deleted or changed by others.

Plain, they are data: the control plane starts the Job, watches it and reads its pods' logs. A subclass with code of
its own has a worker, which hands the Job over as pod operators do their pods. Names and defaults are those of
`apache-airflow-providers-cncf-kubernetes` 10.25.0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from tradewind.model import dagspec
from tradewind.sdk import errors, kubernetes, registry
from tradewind.sdk.operators import cluster
from tradewind.sdk.operators.cluster import ClusterOperator
from tradewind.sdk.operators.pod import KubernetesPodOperator
from tradewind.sdk.operators.pod_steps import NEVER_CALLED, STEPS

_POLICIES = ("Foreground", "Background", "Orphan")
_STATUSES = ("Complete", "Failed")
_PLACE = ("kubernetes_conn_id", "config_file", "in_cluster", "cluster_context")
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"


class KubernetesJobOperator(KubernetesPodOperator):
    """A Job. Without `wait_until_job_complete` the task is done as soon as the Job is there."""

    act: ClassVar[dagspec.Act] = "start_job"
    template_fields: ClassVar[Sequence[str]] = ("job_template_file", *KubernetesPodOperator.template_fields)

    def __init__(
        self,
        *,
        job_template_file: str | None = None,
        full_job_spec: Any = None,
        backoff_limit: int | None = None,
        completion_mode: str | None = None,
        completions: int | None = None,
        manual_selector: bool | None = None,
        parallelism: Any = 1,
        selector: Any = None,
        suspend: bool | None = None,
        ttl_seconds_after_finished: int | None = None,
        wait_until_job_complete: bool = False,
        job_poll_interval: float = 10,
        on_kill_propagation_policy: str = "Foreground",
        discover_pods_retry_number: int = 3,
        unwrap_single: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        about = f"task {self.task_id!r} ({type(self).__name__})"
        if parallelism is None:
            registry.note(f"{about}: parallelism is None, so it is 1")
            parallelism = 1
        if wait_until_job_complete and isinstance(parallelism, int) and parallelism < 1:
            said = f"parallelism is {parallelism}, and a Job without pods is never complete"
            raise errors.ValueProblem.of("no-parallelism", about, said, "set parallelism=1 or more")
        if on_kill_propagation_policy not in _POLICIES:
            said = f"there is no on_kill_propagation_policy {on_kill_propagation_policy!r}"
            raise errors.ValueProblem.of("bad-policy", about, said, f"one of {', '.join(_POLICIES)}")
        if self.do_xcom_push and not wait_until_job_complete:  # type: ignore[attr-defined]
            registry.note(f"{about}: do_xcom_push has no value to take without wait_until_job_complete=True")
        self.job_template_file = job_template_file
        self.full_job_spec = kubernetes.plain(full_job_spec)
        self.backoff_limit = backoff_limit
        self.completion_mode = completion_mode
        self.completions = completions
        self.manual_selector = manual_selector
        self.parallelism = parallelism
        self.selector = kubernetes.plain(selector)
        self.suspend = suspend
        self.ttl_seconds_after_finished = ttl_seconds_after_finished
        self.wait_until_job_complete = wait_until_job_complete
        self.job_poll_interval = job_poll_interval
        self.on_kill_propagation_policy = on_kill_propagation_policy
        self.discover_pods_retry_number = discover_pods_retry_number
        self.unwrap_single = unwrap_single

    def cluster_arguments(self) -> dict[str, Any]:
        """The pod's arguments and the Job's, where they differ from their defaults, as plain JSON."""
        found = self.pod_arguments()
        for name, default in _JOB_DEFAULTS.items():
            if (value := getattr(self, name)) not in (None, default):
                found[name] = value
        if self.job_template_file:
            found["job_template_file"] = self._job_template()
        return found

    def _job_template(self) -> Any:
        """The file's contents. Its path may be a template; what it holds is taken as it stands, as of a pod's."""
        given: Any = self.job_template_file
        if cluster.is_open(given):
            return given
        return cluster.read_yaml(self, cluster.read_beside(self, given, "job_template_file"), "job_template_file")

    def execute(self, context: Any) -> Any:
        """For a subclass: have the Job started as the attributes are now, and give what its pods gave.

        Raises how it ended.
        """
        seen = self.hand_job_over(context)
        for key, value in seen.values().items():
            if key != "return_value":
                context["ti"].xcom_push(key=key, value=json.loads(value))
        seen.raise_failed()
        return json.loads(seen.values().get("return_value", b"null"))

    @staticmethod
    def body(task: Any) -> dagspec.Body:
        """The task as data, or (where code of the user's belongs to it) a worker that hands its Job over."""
        kind = task.operator_class if task.is_mapped else type(task)
        own = [one for one in kind.__mro__[: kind.__mro__.index(KubernetesJobOperator)] if not _is_ours(one)]
        if names := [name for name in _NEVER_CALLED if any(name in vars(one) for one in own)]:
            reason = _REFUSED.format(kind=kind.__name__, names=", ".join(names), steps=", ".join(cluster.OWN_CODE))
            return dagspec.OpaqueBody(classpath=f"{kind.__module__}.{kind.__qualname__}", reason=reason)
        if any(name in vars(one) for one in own for name in cluster.OWN_CODE):
            return dagspec.PythonBody(pod=True)
        return cluster.cluster_body(task, kind, KubernetesJobOperator)


_NEVER_CALLED = (
    "build_job_request_obj", "create_job", "deserialize_job_template_file", "execute_complete", "execute_deferrable",
    "get_pods", "job_client", "reconcile_job_specs", "reconcile_jobs",
    *(name for name in (*STEPS, *NEVER_CALLED) if name not in cluster.OWN_CODE),
)  # fmt: skip
"""What the provider has beside what may be overridden: nothing here would call it."""
_REFUSED = (
    "its Job operator {kind} overrides {names}, which nothing here would call: the control plane builds, starts and "
    "follows the Job; override one of {steps}, and set attributes (self.labels, self.full_job_spec) before "
    "super().execute(context)"
)


def _is_ours(kind: type[Any]) -> bool:
    return kind.__module__ == __name__


_JOB_DEFAULTS: dict[str, Any] = {
    "full_job_spec": None, "backoff_limit": None, "completion_mode": None, "completions": None,
    "manual_selector": None, "parallelism": 1, "selector": None, "suspend": None, "ttl_seconds_after_finished": None,
    "wait_until_job_complete": False, "on_kill_propagation_policy": "Foreground", "unwrap_single": True,
}  # fmt: skip


class KubernetesDeleteJobOperator(ClusterOperator):
    """Deletes a Job, whatever its state or only when it ended in one."""

    act: ClassVar[dagspec.Act] = "delete_job"
    template_fields: ClassVar[Sequence[str]] = (
        "config_file",
        "name",
        "namespace",
        "cluster_context",
        "kubernetes_conn_id",
    )
    argument_names: ClassVar[tuple[str, ...]] = (
        "name", "namespace", "delete_on_status", "wait_for_completion", "poll_interval", *_PLACE,
    )  # fmt: skip

    def __init__(
        self,
        *,
        name: str,
        namespace: str,
        kubernetes_conn_id: str | None = "kubernetes_default",
        config_file: str | None = None,
        in_cluster: bool | None = None,
        cluster_context: str | None = None,
        delete_on_status: str | None = None,
        wait_for_completion: bool = False,
        poll_interval: float = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if delete_on_status not in (None, *_STATUSES):
            about = f"task {self.task_id!r} ({type(self).__name__})"
            said = f"there is no delete_on_status {delete_on_status!r}"
            raise errors.ValueProblem.of("bad-status", about, said, "it is 'Complete', 'Failed' or None")
        self.name = name
        self.namespace = namespace
        self.kubernetes_conn_id = kubernetes_conn_id
        self.config_file = config_file
        self.in_cluster = in_cluster
        self.cluster_context = cluster_context
        self.delete_on_status = delete_on_status
        self.wait_for_completion = wait_for_completion
        self.poll_interval = poll_interval


class KubernetesPatchJobOperator(ClusterOperator):
    """Changes a Job by a patch of its fields; returns the Job as it is then."""

    act: ClassVar[dagspec.Act] = "patch_job"
    template_fields: ClassVar[Sequence[str]] = (
        "config_file", "name", "namespace", "body", "cluster_context", "kubernetes_conn_id",
    )  # fmt: skip
    argument_names: ClassVar[tuple[str, ...]] = ("name", "namespace", "patch", *_PLACE)

    def __init__(
        self,
        *,
        name: str,
        namespace: str,
        body: Any,
        kubernetes_conn_id: str | None = "kubernetes_default",
        config_file: str | None = None,
        in_cluster: bool | None = None,
        cluster_context: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.namespace = namespace
        self.__dict__["body"] = kubernetes.plain(body)  # the provider's name for the patch; of the class it is another
        self.kubernetes_conn_id = kubernetes_conn_id
        self.config_file = config_file
        self.in_cluster = in_cluster
        self.cluster_context = cluster_context

    @property
    def patch(self) -> Any:
        """The fields to be changed."""
        return self.__dict__["body"]


class KubernetesStartKueueJobOperator(KubernetesJobOperator):
    """A Job that waits in a queue of Kueue, suspended until Kueue admits it."""

    template_fields: ClassVar[Sequence[str]] = ("queue_name", *KubernetesJobOperator.template_fields)

    def __init__(self, *, queue_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.queue_name = queue_name
        if self.suspend is False:
            about = f"task {self.task_id!r} ({type(self).__name__})"
            raise errors.ValueProblem.of("not-suspended", about, "suspend is False", "Kueue starts what is suspended")
        self.suspend = True

    def cluster_arguments(self) -> dict[str, Any]:
        """Those of the Job, with the queue on it."""
        found = super().cluster_arguments()
        for name in ("labels", "annotations"):
            found[name] = {**(found.get(name) or {}), QUEUE_LABEL: self.queue_name}
        return found


class KubernetesInstallKueueOperator(ClusterOperator):
    """Loads, and says when run that it is not done here: it would need every right in the cluster."""

    template_fields: ClassVar[Sequence[str]] = ("kueue_version", "kubernetes_conn_id")

    def __init__(self, *, kueue_version: str, kubernetes_conn_id: str = "kubernetes_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kueue_version = kueue_version
        self.kubernetes_conn_id = kubernetes_conn_id

    @staticmethod
    def body(_task: Any) -> dagspec.Body:
        """Opaque."""
        return dagspec.OpaqueBody(
            classpath=f"{__name__}.KubernetesInstallKueueOperator",
            reason=(
                "installing Kueue makes cluster-wide roles, webhooks and definitions, which no control plane of tasks "
                "should be able to; install it once with kubectl or Helm, and start Jobs with "
                "KubernetesStartKueueJobOperator"
            ),
        )
