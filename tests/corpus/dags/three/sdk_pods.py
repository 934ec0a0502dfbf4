"""Pods in a DAG of the SDK."""
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import DAG
from kubernetes.client import models as k8s

with DAG("sdk_pods", default_args={"namespace": "jobs", "image_pull_policy": "IfNotPresent"}):
    one = KubernetesPodOperator(
        task_id="one",
        image="registry.example.com/a:1",
        cmds=["sh", "-c"],
        arguments=["echo {{ ds }} > /airflow/xcom/return.json"],
        env_vars=[k8s.V1EnvVar(name="A", value="{{ run_id }}")],
        secrets=[Secret("env", None, "all")],
        do_xcom_push=True,
        on_finish_action="keep_pod",
    )
    KubernetesPodOperator(task_id="two", image="b", arguments=[one.output["x"]], pod_template_file=None)
    KubernetesPodOperator.partial(task_id="many", image="c", name="many").expand(arguments=[["a"], ["b"]])
