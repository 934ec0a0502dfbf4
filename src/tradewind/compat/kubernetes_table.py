"""Airflow's names of its Kubernetes provider (10.25.0), and the paths of Airflow 1.10 and 2 that files still have."""

from __future__ import annotations

from tradewind.compat.entries import Table, at, operators, things

_POD = {
    **at("operators.pod", "KubernetesPodOperator"),
    **things("its place is in a cluster", "PodReattachFailure", "PodCredentialsExpiredFailure"),
}
_SECRET = at("kubernetes", "Secret")
_JOBS = "it needs a cluster, which is a later step of this program"

TABLE: Table = {
    "airflow.providers.cncf.kubernetes.decorators.kubernetes": at("operators.pod_function", "kubernetes_task"),
    "airflow.providers.cncf.kubernetes.decorators.kubernetes_cmd": at("operators.pod_function", "kubernetes_cmd_task"),
    "airflow.providers.cncf.kubernetes": {},
    "airflow.providers.cncf.kubernetes.operators.pod": _POD,
    "airflow.providers.cncf.kubernetes.operators.kubernetes_pod": _POD,
    "airflow.providers.cncf.kubernetes.operators.job": at(
        "operators.job", "KubernetesJobOperator", "KubernetesDeleteJobOperator", "KubernetesPatchJobOperator"
    ),
    "airflow.providers.cncf.kubernetes.operators.kueue": at(
        "operators.job", "KubernetesInstallKueueOperator", "KubernetesStartKueueJobOperator"
    ),
    "airflow.providers.cncf.kubernetes.operators.pod_exec": at("operators.pod_exec", "KubernetesPodExecOperator"),
    "airflow.providers.cncf.kubernetes.operators.resource": at(
        "operators.resource",
        "KubernetesCreateResourceOperator",
        "KubernetesDeleteResourceOperator",
        "KubernetesResourceBaseOperator",
    ),
    "airflow.providers.cncf.kubernetes.operators.spark_kubernetes": operators(_JOBS, "SparkKubernetesOperator"),
    "airflow.providers.cncf.kubernetes.sensors.spark_kubernetes": operators(_JOBS, "SparkKubernetesSensor"),
    "airflow.providers.cncf.kubernetes.callbacks": at(
        "pod_callbacks", "KubernetesPodOperatorCallback", "ExecutionMode"
    ),
    "airflow.providers.cncf.kubernetes.secret": _SECRET,
    "airflow.providers.cncf.kubernetes.utils.pod_manager": at("kubernetes", "OnFinishAction", "OnKillAction"),
    "airflow.providers.cncf.kubernetes.backcompat.pod": at("kubernetes", "Port", "Resources"),
    "airflow.providers.cncf.kubernetes.backcompat.pod_runtime_info_env": at("kubernetes", "PodRuntimeInfoEnv"),
    "airflow.providers.cncf.kubernetes.backcompat.volume": at("kubernetes", "Volume"),
    "airflow.providers.cncf.kubernetes.backcompat.volume_mount": at("kubernetes", "VolumeMount"),
    "airflow.kubernetes.secret": {**_SECRET, **things("a type", "K8SModel")},
    "airflow.kubernetes.pod": at("kubernetes", "Port", "Resources"),
    "airflow.kubernetes.pod_runtime_info_env": at("kubernetes", "PodRuntimeInfoEnv"),
    "airflow.kubernetes.volume": at("kubernetes", "Volume"),
    "airflow.kubernetes.volume_mount": at("kubernetes", "VolumeMount"),
    "airflow.contrib.kubernetes.secret": _SECRET,
    "airflow.contrib.kubernetes.volume": at("kubernetes", "Volume"),
    "airflow.contrib.kubernetes.volume_mount": at("kubernetes", "VolumeMount"),
    "airflow.contrib.operators.kubernetes_pod_operator": _POD,
}
