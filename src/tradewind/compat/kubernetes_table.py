"""Airflow's names of its Kubernetes provider (10.25.0), and the paths of Airflow 1.10 and 2 that files still have."""

from __future__ import annotations

from tradewind.compat.entries import Table, at, operators, things

_POD = {
    **at("operators.pod", "KubernetesPodOperator"),
    # What its module only imports is imported from it, too.
    **at("pod_callbacks", "KubernetesPodOperatorCallback", "ExecutionMode"),
    **at("hooks.kubernetes", "KubernetesHook"),
    **at("kubernetes", "OnFinishAction", "OnKillAction"),
    **at("kubernetes_names", "EMPTY_XCOM_RESULT", "PodPhase", "PodLaunchFailedException", "PodNotFoundException"),
    **things("its place is in a cluster", "PodReattachFailure", "PodCredentialsExpiredFailure"),
}
_SECRET = at("kubernetes", "Secret")
_SPARK = (
    "it makes a SparkApplication and watches the Spark operator's pods, which is a later step of this program; create "
    "one with KubernetesCreateResourceOperator, or run spark-submit in a KubernetesPodOperator"
)
_INSIDE = "pods are built and watched by the control plane here; a task that asks the API itself uses KubernetesHook"
_TRIGGERS = "nothing defers here, since waiting needs no process; the operators wait by themselves"

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
    "airflow.providers.cncf.kubernetes.operators.spark_kubernetes": operators(_SPARK, "SparkKubernetesOperator"),
    "airflow.providers.cncf.kubernetes.sensors.spark_kubernetes": operators(_SPARK, "SparkKubernetesSensor"),
    "airflow.providers.cncf.kubernetes.callbacks": at(
        "pod_callbacks", "KubernetesPodOperatorCallback", "ExecutionMode"
    ),
    "airflow.providers.cncf.kubernetes.secret": {**_SECRET, **at("kubernetes_names", "K8SModel")},
    "airflow.providers.cncf.kubernetes.utils.pod_manager": {
        **at("kubernetes", "OnFinishAction", "OnKillAction"),
        **at("kubernetes_names", "EMPTY_XCOM_RESULT", "PodPhase"),
        **things(_INSIDE, "PodManager", "AsyncPodManager", "PodLogsConsumer", "PodLoggingStatus"),
        **at(
            "kubernetes_names",
            "PodLaunchFailedException",
            "PodLaunchTimeoutException",
            "PodNotFoundException",
            "PodCommandException",
            "XComRetrievalError",
        ),
    },
    "airflow.providers.cncf.kubernetes.exceptions": at(
        "kubernetes_names",
        "PodMutationHookException",
        "PodReconciliationError",
        "KubernetesApiError",
        "KubernetesApiPermissionError",
    ),
    "airflow.providers.cncf.kubernetes.hooks.kubernetes": {
        **at("hooks.kubernetes", "KubernetesHook"),
        **things("triggers use it, and nothing defers here; use KubernetesHook", "AsyncKubernetesHook"),
    },
    "airflow.providers.cncf.kubernetes.kube_client": at(
        "kubernetes_names", "get_kube_client", "configure_tcp_keepalive", "ApiException", "has_kubernetes"
    ),
    "airflow.providers.cncf.kubernetes.kube_config": things(
        "its options are settings here, runtime.kubernetes", "KubeConfig"
    ),
    "airflow.providers.cncf.kubernetes.k8s_model": at("kubernetes_names", "K8SModel", "append_to_pod"),
    "airflow.providers.cncf.kubernetes.kubernetes_helper_functions": {
        **at("kubernetes_names", "add_unique_suffix", "create_unique_id", "rand_str", "POD_NAME_MAX_LENGTH"),
        **at("kubernetes_names", "PodLaunchFailedException", "KubernetesApiException"),
    },
    "airflow.providers.cncf.kubernetes.pod_generator": {
        **at("kubernetes_names", "make_safe_label_value", "MAX_LABEL_LEN"),
        **things(_INSIDE, "PodGenerator", "merge_objects", "extend_object_field"),
    },
    "airflow.providers.cncf.kubernetes.triggers.pod": things(_TRIGGERS, "KubernetesPodTrigger", "ContainerState"),
    "airflow.providers.cncf.kubernetes.triggers.job": things(_TRIGGERS, "KubernetesJobTrigger"),
    "airflow.providers.cncf.kubernetes.utils.xcom_sidecar": things(
        "the helper of results is a setting here, runtime.kubernetes.result", "PodDefaults", "add_xcom_sidecar"
    ),
    "airflow.providers.cncf.kubernetes.backcompat.pod": at("kubernetes", "Port", "Resources"),
    "airflow.providers.cncf.kubernetes.backcompat.pod_runtime_info_env": at("kubernetes", "PodRuntimeInfoEnv"),
    "airflow.providers.cncf.kubernetes.backcompat.volume": at("kubernetes", "Volume"),
    "airflow.providers.cncf.kubernetes.backcompat.volume_mount": at("kubernetes", "VolumeMount"),
    "airflow.kubernetes.secret": {**_SECRET, **at("kubernetes_names", "K8SModel")},
    "airflow.kubernetes.k8s_model": at("kubernetes_names", "K8SModel", "append_to_pod"),
    "airflow.kubernetes.kube_client": at("kubernetes_names", "get_kube_client"),
    "airflow.kubernetes.pod": at("kubernetes", "Port", "Resources"),
    "airflow.kubernetes.pod_runtime_info_env": at("kubernetes", "PodRuntimeInfoEnv"),
    "airflow.kubernetes.volume": at("kubernetes", "Volume"),
    "airflow.kubernetes.volume_mount": at("kubernetes", "VolumeMount"),
    "airflow.contrib.kubernetes.secret": _SECRET,
    "airflow.contrib.kubernetes.volume": at("kubernetes", "Volume"),
    "airflow.contrib.kubernetes.volume_mount": at("kubernetes", "VolumeMount"),
    "airflow.contrib.operators.kubernetes_pod_operator": _POD,
}
