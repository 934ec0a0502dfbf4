"""A pod with secrets, resources and volumes as API objects."""
from datetime import datetime

from airflow import DAG
from airflow.models import Variable
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from kubernetes.client import models as k8s

password = Secret("env", "DB_PASSWORD", "db", "password")
certificate = Secret("volume", "/certs", "certs")
image = Variable.get("image_of_nothing", default_var="registry.example.com/loader:2")

with DAG("pod_secrets", start_date=datetime(2023, 9, 1), schedule_interval=None, catchup=False) as dag:
    KubernetesPodOperator(
        task_id="load",
        name="load",
        image=image,
        secrets=[password, certificate],
        container_resources=k8s.V1ResourceRequirements(
            requests={"cpu": "500m", "memory": "1Gi"}, limits={"memory": "2Gi"}
        ),
        volumes=[k8s.V1Volume(name="tmp", empty_dir=k8s.V1EmptyDirVolumeSource())],
        volume_mounts=[k8s.V1VolumeMount(name="tmp", mount_path="/tmp")],
        tolerations=[k8s.V1Toleration(key="batch", operator="Exists")],
        service_account_name="loader",
        image_pull_policy="Always",
        do_xcom_push=True,
        random_name_suffix=False,
    )
