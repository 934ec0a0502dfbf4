"""What a pod gives back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.pods.conftest import Pods, Ran
from tradewind.model.outcome import Success

pytestmark = pytest.mark.namespaces


def push(pods: Pods, script: str, **options: Any) -> Ran:
    """A pod with the result's folder."""
    return pods.run(
        script,
        spec={"volumes": [{"name": "xcom", "emptyDir": {}}]},
        volumeMounts=[{"name": "xcom", "mountPath": "/airflow/xcom"}],
        start={"result": "sidecar"},
        **options,
    )


def test_the_file_in_the_results_folder_is_the_value(pods: Pods) -> None:
    ran = push(pods, """echo '{"rows": [1, 2, 3], "name": "ü"}' > /airflow/xcom/return.json""")
    assert isinstance(ran.outcome, Success)
    assert ran.values["return_value"] == {"rows": [1, 2, 3], "name": "ü"}
    assert ran.values["pod_namespace"] == "team"
    value = ran.ended.result.xcoms[-1]
    assert (value.kind, value.length) == ("dict", 2)


@pytest.mark.parametrize("script", ["true", ": > /airflow/xcom/return.json", "echo null > /airflow/xcom/return.json"])
def test_no_file_an_empty_one_and_null_are_no_value(pods: Pods, script: str) -> None:
    ran = push(pods, script)
    assert isinstance(ran.outcome, Success)
    assert "return_value" not in ran.values


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo '{not json' > /airflow/xcom/return.json", "is not JSON"),
        ("head -c 5242880 /dev/zero | tr '\\0' 1 > /airflow/xcom/return.json", "5.0 MiB, over the limit of 4.0 MiB"),
        ("mkdir /airflow/xcom/return.json", "is no regular file"),
        ("ln -s /etc/passwd /airflow/xcom/return.json", "cannot be read"),
        ("mkfifo /airflow/xcom/return.json", "is no regular file"),
    ],
)
def test_what_cannot_be_taken_fails_the_attempt_and_says_why(pods: Pods, script: str, says: str) -> None:
    ran = push(pods, script)
    assert says in ran.failed.message
    assert ran.failed.exit_code == 0
    assert "return_value" not in ran.values


def test_a_value_of_almost_4_mib_arrives_whole(pods: Pods) -> None:
    ran = push(
        pods, """{ printf '"'; head -c 4194000 /dev/zero | tr '\\0' a; printf '"'; } > /airflow/xcom/return.json"""
    )
    assert ran.values["return_value"] == "a" * 4194000


def test_a_failed_pod_gives_no_value(pods: Pods) -> None:
    ran = push(pods, "echo 1 > /airflow/xcom/return.json; exit 1")
    assert ran.failed.exit_code == 1
    assert "return_value" not in ran.values


def test_the_termination_message_is_the_value_where_that_was_chosen(pods: Pods) -> None:
    start = {"result": "termination_message"}
    assert pods.run("echo '[1]' > /dev/termination-log", start=start).values["return_value"] == [1]
    cut = pods.run("head -c 5000 /dev/zero | tr '\\0' 1 > /dev/termination-log", start=start)
    assert "longer than 4096 bytes" in cut.failed.message
