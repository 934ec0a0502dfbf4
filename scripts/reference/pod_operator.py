"""The reference page of `KubernetesPodOperator`: what becomes of each of its parameters.

Names and defaults are the code's own; what is said of each is here, and a test holds the names to those of the real
provider.
"""

from __future__ import annotations

from tradewind.pods import arguments
from tradewind.sdk.operators import pod

_HEAD = """\
# KubernetesPodOperator

<!-- made by scripts/reference/pod_operator.py; do not edit -->

Every keyword parameter of `KubernetesPodOperator` in `apache-airflow-providers-cncf-kubernetes` 10.25.0, with its
default there and here. None is silently ignored: each is **honoured** as there, honoured **better**, **needs
nothing** because what it tunes is not there, or is **refused** with an error that says what to do. A parameter that
no operator has is refused when the DAG file is loaded, with the name that is near.

Values may be objects of `kubernetes.client.models` (versions 36 and 37), dicts as the API spells them, or the
provider's `Secret`, `Port` and the like. The pod is put together in this order, each over the one before: the
site's template (`runtime.kubernetes.pod_template_file`), the task's template (file or dict), `full_pod_spec`, the
parameters, `secrets`, the result's volume, our identity. Empty values leave what lies below; environment, mounts,
ports and volumes are joined. `restartPolicy` is always `Never`.

What an API server would refuse is refused when the file is loaded, with the field's path: a missing image, a volume
that is not there, a number where a text belongs, a field spelled `run_as_user` (the API would drop it without a
word). What rendering gives is looked at when the task starts. `tradewind render FILE TASK --runtime kubernetes`
prints the pod that would be sent; with `--server-dry-run` the API server says what it makes of it. Hundreds of
combinations of these parameters are compared with the provider's own pods in every test run.

| parameter | default | what becomes of it |
|---|---|---|
"""

_HONOURED = "**honoured**"
_IN_POD = f"{_HONOURED}, in the pod"
_POLLING = "**needs nothing**: nothing polls; a pod is watched, and every attempt is found again after a restart"
_PLACE = (
    f"{_HONOURED}: the pod goes to that cluster ([several clusters](../concepts/pods-in-a-cluster.md#several-clusters))"
)

TEXTS: dict[str, str] = {
    **dict.fromkeys(sorted(arguments.MANIFEST), _IN_POD),
    **dict.fromkeys(sorted(arguments.NOTHING_NEEDED), _POLLING),
    "name": f"{_HONOURED}; **better**: whatever it holds, the pod's name is a valid host name of at most 63 "
    "characters, and its suffix comes from the attempt, so that a create that was not answered is found again",
    "random_name_suffix": f"{_HONOURED}; with `False` a name that is taken by another attempt is an error that says "
    "whose it is",
    "namespace": f"{_HONOURED}; without one `runtime.kubernetes.namespace`, else that of the kubeconfig's context",
    "labels": f"{_HONOURED}; **better**: values that are no texts become texts, and our identity goes over them, so "
    "that no label hides a pod",
    "annotations": f"{_HONOURED}; the annotations `tradewind/…` are ours",
    "env_vars": f"{_HONOURED}; **better**: values of a dict that are no texts become texts (the API refuses numbers)",
    "arguments": f"{_HONOURED}; **better**: words that are no texts become texts (the API refuses numbers)",
    "cmds": f"{_HONOURED}; **better**: words that are no texts become texts (the API refuses numbers)",
    "secrets": f"{_HONOURED}, by reference: no value is read or shown here",
    "image_pull_secrets": f"{_HONOURED}; a text names several with `,` between",
    "pod_template_file": f"{_HONOURED}; **better**: a file that is not there is an error when the DAG file is loaded "
    "(there a warning, and a pod without it). A relative path is looked for beside the DAG file too",
    "full_pod_spec": f"{_HONOURED}; may be a dict too",
    "do_xcom_push": f"{_HONOURED}; **better**: a native sidecar hands the value over, without exec and without keeping "
    "the pod alive; see `runtime.kubernetes.result`",
    "termination_grace_period": f"{_HONOURED}, in the pod and when it is stopped",
    "startup_timeout_seconds": f"{_HONOURED}; **better**: the verdict says what was waited for",
    "schedule_timeout_seconds": f"{_HONOURED}: how long a node may be waited for",
    "get_logs": _HONOURED,
    "container_logs": f"{_HONOURED}; a container that the pod does not have is an error",
    "init_container_logs": f"{_HONOURED}; a container that the pod does not have is an error",
    "container_name_log_prefix_enabled": f"{_HONOURED} where several containers are logged",
    "log_events_on_startup": _HONOURED,
    "log_events_on_failure": _HONOURED,
    "log_pod_spec_on_failure": f"{_HONOURED}; **better**: what looks like a secret in it is hidden",
    "skip_on_exit_code": _HONOURED,
    "on_finish_action": f"{_HONOURED}; **better**: the pod goes only after its log is whole and stored",
    "on_kill_action": _HONOURED,
    "is_delete_operator_pod": "**better**: `False` keeps the pod, as in older providers (10.25.0 ignores it)",
    "reattach_on_restart": "**needs nothing**: an attempt is always found again after a restart of ours, and a new try "
    "never takes up the pod of an old one",
    "durable": "**needs nothing**: as `reattach_on_restart`",
    "deferrable": "**needs nothing**: waiting is always asynchronous, and no process waits for a plain pod",
    "trigger_kwargs": "**needs nothing**: there is no trigger",
    "logging_interval": "**needs nothing**: logs are live",
    "kubernetes_conn_id": f"{_PLACE}; its fields for the result's helper are read too. `kubernetes_default` need not "
    "be defined, and speaks for tasks that name none where it is. Of the fields, `disable_tcp_keepalive` needs nothing",
    "cluster_context": _PLACE,
    "config_file": _PLACE,
    "in_cluster": f"{_HONOURED} where Tradewind runs in a pod: its service account. Elsewhere the settings say how the "
    "cluster is reached, and the task's log that they do",
    "xcom_sidecar_container_security_context": f"{_HONOURED}, on the result's helper",
    "callbacks": f"{_HONOURED}, in a worker beside the pod that has the DAG file loaded, never in the control plane",
    "log_formatter": f"{_HONOURED}, in a worker beside the pod",
    "progress_callback": f"{_HONOURED}, in a worker beside the pod",
}


def pages() -> dict[str, str]:
    """Path under docs/ → text."""
    defaults = {"do_xcom_push": False, **pod.DEFAULTS}
    rows = [f"| `{name}` | `{defaults[name]!r}` | {TEXTS[name]} |" for name in sorted(defaults)]
    templated = ", ".join(f"`{name}`" for name in pod.KubernetesPodOperator.template_fields)
    return {
        "reference/kubernetes-pod-operator.md": f"{_HEAD}{chr(10).join(rows)}\n\n{_TAIL.format(templated=templated)}"
    }


_TAIL = """\
## Templates

These are templates: {templated}. Inside them, texts of lists and dicts are, and of Kubernetes' objects what the
provider renders: name and value of a `V1EnvVar`; limits and requests; name, claim and ConfigMap of a `V1Volume`;
name and `sub_path` of a `V1VolumeMount`; the ConfigMap's name of a `V1EnvFromSource`. The path of
`pod_template_file` is a template, what the file holds is taken as it stands.
"""
