"""`KubernetesPodExecOperator`: a command in a container of a pod that is there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tradewind.model import dagspec
from tradewind.sdk import errors
from tradewind.sdk.operators.cluster import ClusterOperator

_LONGEST_OUTPUT = 49_344


class KubernetesPodExecOperator(ClusterOperator):
    """The command runs without a shell; with `do_xcom_push` its output is the task's value."""

    act: ClassVar[dagspec.Act] = "exec"
    template_fields: ClassVar[Sequence[str]] = (
        "pod_name", "command", "namespace", "container_name", "kubernetes_conn_id", "cluster_context", "config_file",
    )  # fmt: skip
    template_fields_renderers: ClassVar[Mapping[str, str]] = {"command": "py"}
    argument_names: ClassVar[tuple[str, ...]] = (
        "pod_name", "command", "namespace", "container_name", "kubernetes_conn_id", "in_cluster", "cluster_context",
        "config_file", "max_xcom_output_size", "do_xcom_push",
    )  # fmt: skip

    def __init__(
        self,
        *,
        pod_name: str,
        command: Any,
        namespace: str | None = None,
        container_name: str | None = None,
        kubernetes_conn_id: str | None = "kubernetes_default",
        in_cluster: bool | None = None,
        cluster_context: str | None = None,
        config_file: str | None = None,
        do_xcom_push: bool = False,
        max_xcom_output_size: Any = _LONGEST_OUTPUT,
        **kwargs: Any,
    ) -> None:
        super().__init__(do_xcom_push=do_xcom_push, **kwargs)
        size = max_xcom_output_size
        if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
            said = f"max_xcom_output_size must be a number of bytes over 0, got {size!r}"
            raise errors.ValueProblem.of("bad-size", self._about, said, f"leave it away for {_LONGEST_OUTPUT}")
        if isinstance(command, str) and "{{" not in command:
            said = f"command must be a list of words, got one text: {command!r}"
            raise errors.ArgumentProblem.of(
                "wrong-type", self._about, said, "write command=['sh', '-c', ...]; no shell reads it otherwise"
            )
        self.pod_name = pod_name
        self.command = command
        self.namespace = namespace
        self.container_name = container_name
        self.kubernetes_conn_id = kubernetes_conn_id
        self.in_cluster = in_cluster
        self.cluster_context = cluster_context
        self.config_file = config_file
        self.max_xcom_output_size = max_xcom_output_size

    @property
    def _about(self) -> str:
        return f"task {self.task_id!r} ({type(self).__name__})"
