"""Run by Airflow's interpreter: for each line of JSON with an operator's arguments, the pod that the provider builds.

A line in: `{"task_id": ..., "arguments": {...}, "context": {...}}` (see `pod_values`); a line out: `{"pod": {...}}` or
`{"error": "..."}`.
"""

import json
import os
import sys
import tempfile
import types
import warnings
from typing import Any

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp()
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "CRITICAL"
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # what Airflow prints is no answer
warnings.simplefilter("ignore")

import kubernetes.client  # noqa: E402
import pod_values  # type: ignore[import-not-found]  # noqa: E402
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator  # noqa: E402
from airflow.providers.cncf.kubernetes.secret import Secret  # noqa: E402
from airflow.sdk import DAG  # noqa: E402


class Hook:
    """What the operator asks of its connection; none is set up."""

    is_in_cluster = False

    def get_namespace(self) -> None:
        return None

    get_xcom_sidecar_container_image = get_namespace
    get_xcom_sidecar_container_resources = get_namespace
    get_xcom_sidecar_container_security_context = get_namespace


def find(name: str) -> Any:
    """A class by its name."""
    return Secret if name == "Secret" else getattr(kubernetes.client, name)


def pod_of(asked: dict[str, Any]) -> Any:
    """The pod as plain JSON, all of it as the operator builds it when its task runs."""
    with tempfile.TemporaryDirectory() as folder, DAG("etl") as dag:
        operator = KubernetesPodOperator(
            task_id=asked["task_id"], **pod_values.decode(asked["arguments"], find, folder)
        )
        operator.__dict__["hook"] = Hook()
        instance = types.SimpleNamespace(dag_id="etl", task_id=operator.task_id, map_index=-1, try_number=2)
        context = {"ti": instance, "dag": dag, **asked["context"]}
        operator.render_template_fields(context)
        return kubernetes.client.ApiClient().sanitize_for_serialization(operator.build_pod_request_obj(context))


def signature() -> dict[str, Any]:
    """The operator's parameters with their defaults, and its template fields."""
    import inspect

    init = inspect.signature(KubernetesPodOperator.__init__.__wrapped__)
    named = [one for one in init.parameters.values() if one.kind is one.KEYWORD_ONLY]
    return {
        "parameters": {one.name: one.default for one in named},
        "templated": list(KubernetesPodOperator.template_fields),
    }


for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = signature() if request == "signature" else {"pod": pod_of(request)}
    except Exception as error:  # noqa: BLE001 - whatever it raises is its answer
        answer = {"error": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
