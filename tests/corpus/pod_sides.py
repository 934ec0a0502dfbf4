"""The two sides that are compared: the real provider in a process of Airflow's, and our operator in this one."""

from __future__ import annotations

import datetime as dt
import json
import os
import pathlib
import subprocess
from typing import Any

import kubernetes.client

from tests.corpus import oracle, pod_values
from tradewind.pods import manifest, validity
from tradewind.pods.identity import Identity
from tradewind.pods.problems import BadPod
from tradewind.sdk import DAG, errors
from tradewind.sdk import kubernetes as sdk_kubernetes
from tradewind.sdk.operators import pod as pod_operator

Json = dict[str, Any]


class Provider:
    """The real provider, in a process of its own."""

    def __init__(self) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
        program = pathlib.Path(__file__).with_name("oracle_pods.py")
        self._process = subprocess.Popen(
            [oracle.interpreter(), program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=clean,
        )  # fmt: skip

    def ask(self, question: Any) -> Json:
        """Its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        answer: Json = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def ours(asked: Json, folder: pathlib.Path) -> Json:
    """What our operator makes of the question: `pod`, or the `error` with which it is refused."""
    try:
        pod = build(asked, folder)
    except (errors.DagProblem, BadPod) as error:
        return {"error": str(error)}
    found = validity.check(pod)
    return {"error": "; ".join(map(str, found))} if found else {"pod": pod}


def build(asked: Json, folder: pathlib.Path) -> Json:
    """The manifest that we would send. Raises where none can be built."""

    def find(name: str) -> Any:
        return sdk_kubernetes.Secret if name == "Secret" else getattr(kubernetes.client, name)

    with DAG("etl", schedule=None, start_date=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) as dag:
        operator: Any = pod_operator.KubernetesPodOperator(
            task_id=asked["task_id"], **pod_values.decode(asked["arguments"], find, str(folder))
        )
    body = operator.body(operator)
    arguments = body.arguments
    if body.templated:
        operator.render_template_fields({"dag": dag, **asked["context"]})
        arguments = operator.pod_arguments()
    who = Identity(
        attempt_id="a" * 32, dag_id="etl", task_id=operator.task_id, run_id=asked["context"]["run_id"], try_number=2
    )
    return json.loads(json.dumps(manifest.build(arguments, who)))  # type: ignore[no-any-return]
