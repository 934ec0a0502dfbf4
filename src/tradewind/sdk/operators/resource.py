"""`KubernetesCreateResourceOperator` and `KubernetesDeleteResourceOperator`: any objects, given as YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tradewind.model import dagspec
from tradewind.sdk import errors
from tradewind.sdk.operators import cluster
from tradewind.sdk.operators.cluster import ClusterOperator


class KubernetesResourceBaseOperator(ClusterOperator):
    """The objects stand in `yaml_conf`, or in the file `yaml_conf_file`."""

    template_fields: ClassVar[Sequence[str]] = ("yaml_conf", "yaml_conf_file", "kubernetes_conn_id")
    template_fields_renderers: ClassVar[Mapping[str, str]] = {"yaml_conf": "yaml"}

    def __init__(
        self,
        *,
        yaml_conf: Any = None,
        yaml_conf_file: Any = None,
        namespace: str | None = None,
        kubernetes_conn_id: str | None = "kubernetes_default",
        custom_resource_definition: bool = False,
        namespaced: bool = True,
        config_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not yaml_conf and not yaml_conf_file:
            about = f"task {self.task_id!r} ({type(self).__name__})"
            said = "neither yaml_conf nor yaml_conf_file is given"
            raise errors.ArgumentProblem.of("no-objects", about, said, "give the objects as YAML, or a file with them")
        self._namespace = namespace
        self.kubernetes_conn_id = kubernetes_conn_id
        self.yaml_conf = yaml_conf
        self.yaml_conf_file = yaml_conf_file
        self.custom_resource_definition = custom_resource_definition
        self.namespaced = namespaced
        self.config_file = config_file

    def cluster_arguments(self) -> dict[str, Any]:
        """The objects as text, and where they go."""
        found: dict[str, Any] = {
            "namespace": self._namespace,
            "kubernetes_conn_id": self.kubernetes_conn_id,
            "config_file": self.config_file,
        }
        if self.yaml_conf:
            found["objects"] = self.yaml_conf
        elif not cluster.is_open(self.yaml_conf_file):
            found["objects"] = cluster.read_beside(self, self.yaml_conf_file, "yaml_conf_file")
        return {name: value for name, value in found.items() if value is not None}


class KubernetesCreateResourceOperator(KubernetesResourceBaseOperator):
    """Creates the objects, in order."""

    act: ClassVar[dagspec.Act] = "create_resources"


class KubernetesDeleteResourceOperator(KubernetesResourceBaseOperator):
    """Deletes the objects, in order."""

    act: ClassVar[dagspec.Act] = "delete_resources"
