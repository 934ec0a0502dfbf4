"""`KubernetesHook`: the official client's APIs for Python tasks, reached as the task's connection says.

The `kubernetes` package is that of the task's environment and no dependency of ours; where it is not installed, the
first use says so. Each client is configured by itself, never by a default that other code of the process would see.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import time
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from tradewind.sdk import errors
from tradewind.sdk.connection import Connection
from tradewind.sdk.hook import BaseHook

_TIMEOUT_SECONDS = 60
_OLD_PREFIX = "extra__kubernetes__"
_FINAL = ("Complete", "Failed")


class KubernetesHook(BaseHook):
    """One cluster. What is given here goes before what the connection says."""

    conn_name_attr = "kubernetes_conn_id"
    default_conn_name = "kubernetes_default"
    conn_type = "kubernetes"
    hook_name = "Kubernetes Cluster Connection"
    DEFAULT_NAMESPACE = "default"

    def __init__(
        self,
        conn_id: str | None = None,
        kubernetes_conn_id: str | None = default_conn_name,
        client_configuration: Any = None,
        cluster_context: str | None = None,
        config_file: str | None = None,
        config_dict: dict[str, Any] | None = None,
        in_cluster: bool | None = None,
        disable_verify_ssl: bool | None = None,
        disable_tcp_keepalive: bool | None = None,
    ) -> None:
        super().__init__()
        self.conn_id = conn_id or kubernetes_conn_id
        self.client_configuration = client_configuration
        self.cluster_context = cluster_context
        self.config_file = config_file
        self.config_dict = config_dict
        self.in_cluster = in_cluster
        self.disable_verify_ssl = disable_verify_ssl
        self.disable_tcp_keepalive = disable_tcp_keepalive
        self._is_in_cluster: bool | None = None

    # -- the connection --------------------------------------------------------------------------------------------

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """The connection; `kubernetes_default` need not be defined, and says nothing then."""
        try:
            return super().get_connection(conn_id)
        except errors.AirflowNotFoundException:
            if conn_id == cls.default_conn_name:
                return Connection(conn_id=conn_id, conn_type=cls.conn_type)
            raise

    @cached_property
    def conn_extras(self) -> dict[str, Any]:
        """The connection's fields."""
        return self.get_connection(self.conn_id).extra_dejson if self.conn_id else {}

    def _field(self, name: str, given: Any = None) -> Any:
        """What was given, else the connection's, by its name of today or of before Airflow 2.3."""
        if given is not None:
            return given
        return self.conn_extras.get(name) or self.conn_extras.get(_OLD_PREFIX + name) or None

    def get_namespace(self) -> str | None:
        """The connection's."""
        found: str | None = self._field("namespace") if self.conn_id else None
        return found

    def _namespace(self, given: str | None) -> str:
        return given or self.get_namespace() or self.DEFAULT_NAMESPACE

    def get_xcom_sidecar_container_image(self) -> Any:
        """The connection's image for the helper of results."""
        return self._field("xcom_sidecar_container_image")

    def get_xcom_sidecar_container_resources(self) -> Any:
        """The connection's resources for it."""
        found = self._field("xcom_sidecar_container_resources")
        return json.loads(found) if found else None

    def get_xcom_sidecar_container_security_context(self) -> Any:
        """The connection's security context for it."""
        found = self._field("xcom_sidecar_container_security_context")
        return json.loads(found) if found else None

    # -- clients ---------------------------------------------------------------------------------------------------

    def get_conn(self) -> Any:
        """A `kubernetes.client.ApiClient`."""
        config, client = _package("config"), _package("client")
        settings = self.client_configuration or client.Configuration()
        self._load(config, settings)
        if _truth(self._field("disable_verify_ssl", self.disable_verify_ssl)) is True:
            settings.verify_ssl = False
        return client.ApiClient(configuration=settings)

    def _load(self, config: Any, settings: Any) -> None:
        """Fill the client's configuration from the one source that is named, or from where we run."""
        context = self._field("cluster_context", self.cluster_context)
        path, text = self._field("kube_config_path", self.config_file), self._field("kube_config")
        inside = _truth(self._field("in_cluster", self.in_cluster))
        if sum(map(bool, (inside, path, text, self.config_dict))) > 1:
            raise errors.AirflowException(
                "kube_config_path, kube_config, in_cluster and config_dict exclude one another; name one of them"
            )
        self._is_in_cluster = bool(inside)
        if inside:
            config.load_incluster_config(client_configuration=settings)
        elif path:
            config.load_kube_config(config_file=path, client_configuration=settings, context=context)
        elif text or self.config_dict:
            found = self.config_dict or (json.loads(text) if isinstance(text, str) else text)
            config.load_kube_config_from_dict(found, client_configuration=settings, context=context)
        else:
            self._discover(config, settings, context)

    def _discover(self, config: Any, settings: Any, context: str | None) -> None:
        try:
            config.load_incluster_config(client_configuration=settings)
            self._is_in_cluster = True
        except config.ConfigException:
            config.load_kube_config(client_configuration=settings, context=context)

    @property
    def is_in_cluster(self) -> bool:
        """Whether the cluster is the one that we run in."""
        if self._is_in_cluster is None:
            _ = self.api_client
        return bool(self._is_in_cluster)

    @cached_property
    def api_client(self) -> Any:
        """The client, made once."""
        return self.get_conn()

    @cached_property
    def core_v1_client(self) -> Any:
        """Pods, ConfigMaps, Secrets, …"""
        return _package("client").CoreV1Api(api_client=self.api_client)

    @cached_property
    def apps_v1_client(self) -> Any:
        """Deployments, …"""
        return _package("client").AppsV1Api(api_client=self.api_client)

    @cached_property
    def batch_v1_client(self) -> Any:
        """Jobs."""
        return _package("client").BatchV1Api(api_client=self.api_client)

    @cached_property
    def custom_object_client(self) -> Any:
        """Objects of custom kinds."""
        return _package("client").CustomObjectsApi(api_client=self.api_client)

    def test_connection(self) -> tuple[bool, str]:
        """Whether the API server answers, and what it says."""
        try:
            found = _package("client").VersionApi(self.get_conn()).get_code(_request_timeout=_TIMEOUT_SECONDS)
        except Exception as error:  # noqa: BLE001 - told, as the provider does
            return False, str(error)
        return True, f"Connection successful. Version Info: {found.to_dict()}"

    # -- objects ---------------------------------------------------------------------------------------------------

    def create_custom_object(
        self, group: str, version: str, plural: str, body: Any, namespace: str | None = None
    ) -> Any:
        """Create an object, given as a dict or as YAML."""
        import yaml

        return self.custom_object_client.create_namespaced_custom_object(
            group, version, self._namespace(namespace), plural, yaml.safe_load(body) if isinstance(body, str) else body
        )

    def get_custom_object(self, group: str, version: str, plural: str, name: str, namespace: str | None = None) -> Any:
        """One object."""
        return self.custom_object_client.get_namespaced_custom_object(
            group, version, self._namespace(namespace), plural, name
        )

    def delete_custom_object(
        self, group: str, version: str, plural: str, name: str, namespace: str | None = None, **kwargs: Any
    ) -> Any:
        """Delete one."""
        return self.custom_object_client.delete_namespaced_custom_object(
            group, version, self._namespace(namespace), plural, name, **kwargs
        )

    def apply_from_yaml_file(
        self,
        api_client: Any = None,
        yaml_file: str | None = None,
        yaml_objects: list[dict[str, Any]] | None = None,
        verbose: bool = False,
        namespace: str = "default",
    ) -> None:
        """Create what a file or a list holds."""
        _package("utils").create_from_yaml(
            api_client or self.api_client,
            yaml_file=yaml_file,
            yaml_objects=yaml_objects,
            verbose=verbose,
            namespace=namespace or self.get_namespace(),
        )

    def get_pod(self, name: str, namespace: str) -> Any:
        """A V1Pod."""
        return self.core_v1_client.read_namespaced_pod(name, namespace)

    def get_namespaced_pod_list(
        self, label_selector: str | None = "", namespace: str | None = None, watch: bool = False, **kwargs: Any
    ) -> Any:
        """Pods, as the API's undecoded answer."""
        return self.core_v1_client.list_namespaced_pod(
            self._namespace(namespace), watch=watch, label_selector=label_selector, _preload_content=False, **kwargs
        )

    def get_pod_logs(self, pod_name: str, container: str | None = "", namespace: str | None = None) -> Any:
        """A container's log, as the API's undecoded answer."""
        return self.core_v1_client.read_namespaced_pod_log(
            pod_name, self._namespace(namespace), container=container, _preload_content=False
        )

    def get_pod_log_stream(
        self, pod_name: str, container: str | None = "", namespace: str | None = None
    ) -> tuple[Any, Iterator[str]]:
        """What ends the stream, and the lines as they come."""
        watcher = _package("watch").Watch()
        read = self.core_v1_client.read_namespaced_pod_log
        return watcher, watcher.stream(read, name=pod_name, container=container, namespace=self._namespace(namespace))

    def get_deployment_status(self, name: str, namespace: str = "default", **kwargs: Any) -> Any:
        """A V1Deployment."""
        return self.apps_v1_client.read_namespaced_deployment_status(name, namespace, **kwargs)

    # -- Jobs ------------------------------------------------------------------------------------------------------

    def create_job(self, job: Any, **kwargs: Any) -> Any:
        """Start a V1Job."""
        plain = self.api_client.sanitize_for_serialization(job)
        return self.batch_v1_client.create_namespaced_job(plain["metadata"]["namespace"], plain, **kwargs)

    def get_job(self, job_name: str, namespace: str) -> Any:
        """A V1Job."""
        return self.batch_v1_client.read_namespaced_job(job_name, namespace)

    def get_job_status(self, job_name: str, namespace: str) -> Any:
        """A V1Job with its status."""
        return self.batch_v1_client.read_namespaced_job_status(job_name, namespace)

    def list_jobs_all_namespaces(self) -> Any:
        """A V1JobList."""
        return self.batch_v1_client.list_job_for_all_namespaces()

    def list_jobs_from_namespace(self, namespace: str) -> Any:
        """A V1JobList."""
        return self.batch_v1_client.list_namespaced_job(namespace)

    def patch_namespaced_job(self, job_name: str, namespace: str, body: Any) -> Any:
        """Change fields of a Job."""
        return self.batch_v1_client.patch_namespaced_job(job_name, namespace, body)

    def wait_until_job_complete(self, job_name: str, namespace: str, job_poll_interval: float = 10) -> Any:
        """The Job when it is over. It keeps this process waiting, which `KubernetesJobOperator` does not."""
        while True:
            job = self.get_job_status(job_name, namespace)
            if self.is_job_complete(job):
                return job
            self.log.info("Job %s is not complete; looking again in %g s", job_name, job_poll_interval)
            time.sleep(job_poll_interval)

    def is_job_complete(self, job: Any) -> bool:
        """Whether it is over."""
        return any(_condition(job, kind) is not None for kind in _FINAL)

    @staticmethod
    def is_job_failed(job: Any) -> str | bool:
        """Why it failed; False where it did not."""
        found = _condition(job, "Failed")
        return False if found is None else (found.reason or True)

    @staticmethod
    def is_job_successful(job: Any) -> bool:
        """Whether it is complete."""
        return _condition(job, "Complete") is not None


def _condition(job: Any, kind: str) -> Any:
    conditions = (job.status.conditions if job.status else None) or []
    return next((one for one in conditions if one.type == kind and str(one.status) == "True"), None)


def _truth(value: Any) -> Any:
    """A flag of a connection may be a text."""
    if isinstance(value, str):
        with contextlib.suppress(KeyError):
            return {"true": True, "false": False}[value.strip().lower()]
        return None
    return value


def _package(name: str) -> Any:
    """A module of the `kubernetes` package, which the task's environment has or has not."""
    try:
        return importlib.import_module(f"kubernetes.{name}")
    except ImportError as error:
        raise errors.AirflowOptionalProviderFeatureException(
            "KubernetesHook needs the package kubernetes where its task runs: pip install kubernetes"
        ) from error
