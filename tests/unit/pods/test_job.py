"""A Job out of its operator's arguments: what stands where, whose name and labels, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tradewind.pods import job
from tradewind.pods.identity import Identity
from tradewind.pods.problems import BadPod

_IDENTITY = Identity(attempt_id="a" * 20, dag_id="etl", task_id="load", run_id="r1", try_number=2)
_POD = {"image": "tools:1", "cmds": ["true"]}


def build(**arguments: Any) -> dict[str, Any]:
    return job.build({**_POD, **arguments}, _IDENTITY)


def problems(**arguments: Any) -> list[str]:
    given = {**_POD, **arguments}
    return [one.object for one in job.check(job.build(given, _IDENTITY), given)]


def test_a_plain_job_is_one_pod_in_parallel() -> None:
    made = build(namespace="jobs")
    assert (made["apiVersion"], made["kind"]) == ("batch/v1", "Job")
    assert made["metadata"]["namespace"] == "jobs"
    assert {name: value for name, value in made["spec"].items() if name != "template"} == {"parallelism": 1}
    template = made["spec"]["template"]
    assert template["spec"]["restartPolicy"] == "Never"
    assert template["spec"]["containers"][0]["image"] == "tools:1"
    assert problems(namespace="jobs") == []


def test_fields_of_the_job_are_the_operators_arguments() -> None:
    made = build(
        backoff_limit=0, completion_mode="Indexed", completions=5, parallelism=2, suspend=True, manual_selector=True,
        selector={"matchLabels": {"a": "b"}}, ttl_seconds_after_finished=0, active_deadline_seconds=60,
    )  # fmt: skip
    spec = made["spec"]
    assert spec == {
        "activeDeadlineSeconds": 60, "backoffLimit": 0, "completionMode": "Indexed", "completions": 5,
        "manualSelector": True, "parallelism": 2, "selector": {"matchLabels": {"a": "b"}}, "suspend": True,
        "ttlSecondsAfterFinished": 0, "template": spec["template"],
    }  # fmt: skip
    assert "activeDeadlineSeconds" not in spec["template"]["spec"]


def test_the_job_is_ours_and_its_pods_are_its_own() -> None:
    made = build(labels={"team": "data"})
    metadata, template = made["metadata"], made["spec"]["template"]["metadata"]
    assert metadata["labels"]["app.kubernetes.io/managed-by"] == "tradewind"
    assert metadata["annotations"]["tradewind/attempt-id"] == "a" * 20
    assert (metadata["labels"]["team"], template["labels"]["team"]) == ("data", "data")
    assert (template["labels"]["dag_id"], template["labels"]["try_number"]) == ("etl", "2")
    marks = {**template["labels"], **template.get("annotations", {})}
    assert not [key for key in marks if key.startswith("tradewind/") or key == "app.kubernetes.io/managed-by"]
    assert "name" not in template
    assert "namespace" not in template


@pytest.mark.parametrize(
    ("arguments", "begins", "longest"),
    [
        ({}, "job-load-", 63),
        ({"name": "My Name"}, "job-my-name-", 63),
        ({"name": "x" * 80}, "job-xxx", 63),
        ({"name": "x" * 80, "completion_mode": "Indexed", "completions": 1000}, "job-xxx", 59),
        ({"name": "exact", "random_name_suffix": False}, "job-exact", 63),
    ],
)
def test_names_are_short_enough_for_the_job_and_its_pods(arguments: dict[str, Any], begins: str, longest: int) -> None:
    name = build(**arguments)["metadata"]["name"]
    assert name.startswith(begins)
    assert len(name) <= longest


def test_template_full_spec_and_arguments_lie_over_one_another() -> None:
    lower = {
        "metadata": {"name": "low", "labels": {"a": "1", "b": "1"}},
        "spec": {
            "backoffLimit": 9, "completions": 4,
            "template": {"metadata": {"labels": {"t": "1"}}, "spec": {
                "serviceAccountName": "low", "containers": [{"name": "base", "image": "low:1", "workingDir": "/w"}],
            }},
        },
    }  # fmt: skip
    upper = {"metadata": {"labels": {"b": "2"}}, "spec": {"backoffLimit": 3, "template": {"spec": {"priority": 5}}}}
    made = job.build(
        {"job_template_file": lower, "full_job_spec": upper, "image": "top:1", "labels": {"c": "3"}}, _IDENTITY
    )
    spec = made["spec"]
    assert {name: made["metadata"]["labels"][name] for name in "abc"} == {"a": "1", "b": "2", "c": "3"}
    assert (spec["backoffLimit"], spec["completions"]) == (3, 4)
    pod = spec["template"]["spec"]
    assert (pod["serviceAccountName"], pod["priority"]) == ("low", 5)
    assert (pod["containers"][0]["image"], pod["containers"][0]["workingDir"]) == ("top:1", "/w")
    assert made["metadata"]["name"].startswith("job-low-")
    assert spec["template"]["metadata"]["labels"]["t"] == "1"


def test_a_template_that_is_no_object_is_refused() -> None:
    with pytest.raises(BadPod, match="must be a Job, not str"):
        build(job_template_file="job.yaml")


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({"completions": -1}, "spec.completions"),
        ({"backoff_limit": "three"}, "spec.backoffLimit"),
        ({"completion_mode": "Sorted"}, "spec.completionMode"),
        ({"completion_mode": "Indexed"}, "spec.completions"),
        ({"manual_selector": True}, "spec.selector"),
        ({"node_selectors": {}}, "argument 'node_selectors'"),
    ],
)
def test_what_the_cluster_would_refuse_is_told_before(arguments: dict[str, Any], where: str) -> None:
    assert where in problems(**arguments)
