"""`KubernetesPodOperator` from the DAG file to the end of its run on one machine, and `tradewind render` of it."""

from __future__ import annotations

import json
import pathlib
import textwrap
from typing import Any

import pytest

from tests.support import server

pytestmark = pytest.mark.namespaces

HEAD = """
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import DAG, task
from kubernetes.client import models as k8s
"""
SETTINGS = """
[[runtime.local.images]]
pattern = "tools:*"
path = "/usr/local/bin:/usr/bin:/bin"

[[runtime.local.images]]
pattern = "entry:*"
path = "/usr/local/bin:/usr/bin:/bin"
entrypoint = ["echo", "from the row"]

[runtime.local.secrets]
directory = "secrets"
"""


class Place:
    """A folder with a DAG file, settings, secrets and a home."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.file = folder / "dags" / "dag.py"
        self.file.parent.mkdir()
        (folder / "tradewind.toml").write_text(SETTINGS)
        (folder / "secrets" / "db").mkdir(parents=True)
        (folder / "secrets" / "db" / "password").write_text("hunter2")

    def write(self, body: str) -> None:
        """The DAG file: `body` is what stands inside `with DAG("pods")`."""
        self.file.write_text(
            HEAD + '\nwith DAG("pods", schedule=None):\n' + textwrap.indent(textwrap.dedent(body), "    ")
        )

    def run(self, *options: str, code: int = 0) -> dict[str, Any]:
        """Run it; what it told."""
        at = ("--home", str(self.folder / "home"), "--settings", str(self.folder / "tradewind.toml"))
        done = server.tradewind("run", str(self.file), *at, "--output", "json", "--with-xcom", *options, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def log(self, told: dict[str, Any], task: str) -> list[str]:
        """A task's log, without its times."""
        where = ("--home", str(self.folder / "home"), "--no-timestamps")
        done = server.tradewind("tasks", "logs", "pods", told["run_id"], task, *where)
        return done.stdout.splitlines()


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Place:
    return Place(tmp_path)


def verdict(told: dict[str, Any], task: str) -> str:
    """The sentence of a task."""
    return str(next(one for one in told["tasks"] if one["task_id"] == task)["verdict"])


def state(told: dict[str, Any], task: str, map_index: int = -1) -> str:
    """The state of a task."""
    return str(next(one for one in told["tasks"] if (one["task_id"], one["map_index"]) == (task, map_index))["state"])


def test_values_go_from_python_tasks_through_pods_and_back(place: Place) -> None:
    place.write(
        """
        @task
        def ask():
            return {"n": 20}

        double = KubernetesPodOperator(
            task_id="double",
            image="tools:{{ dag.dag_id }}",
            cmds=["sh", "-c"],
            arguments=["echo doubling $N; echo $((N * 2)) > /airflow/xcom/return.json; true"],
            env_vars={"N": "{{ ti.xcom_pull(task_ids='ask')['n'] }}"},
            do_xcom_push=True,
        )

        @task
        def answer(n):
            return n + 2

        asked = ask()
        asked >> double
        answer(double.output)
        """
    )
    told = place.run()
    assert told["xcom"]["double"]["return_value"] == 40
    assert told["xcom"]["answer"]["return_value"] == 42
    assert place.log(told, "double") == [
        "image tools:pods: stood in by path /usr/local/bin:/usr/bin:/bin",
        "doubling 20",
    ]


def test_a_mapped_pod_runs_once_for_each_element(place: Place) -> None:
    place.write(
        """
        @task
        def words():
            return [["one"], ["two"], ["three"]]

        KubernetesPodOperator.partial(
            task_id="say", image="tools:1", do_xcom_push=True,
            cmds=["sh", "-c", 'echo "\\\\"$1\\\\"" > /airflow/xcom/return.json; true', "sh"],
        ).expand(arguments=words())
        """
    )
    told = place.run()
    assert [told["xcom"][f"say[{n}]"]["return_value"] for n in range(3)] == ["one", "two", "three"]


def test_a_secret_is_given_by_reference_and_is_in_no_file_of_the_home(place: Place) -> None:
    place.write(
        """
        KubernetesPodOperator(
            task_id="use", image="tools:1", cmds=["sh", "-c"],
            arguments=['test "$PASSWORD" = "$(cat /etc/db/password)" && echo they are one'],
            secrets=[Secret("env", "PASSWORD", "db", "password"), Secret("volume", "/etc/db", "db")],
        )
        """
    )
    told = place.run()
    assert place.log(told, "use")[1:] == ["they are one"]
    files = [path for path in (place.folder / "home").rglob("*") if path.is_file()]
    assert [path for path in files if b"hunter2" in path.read_bytes()] == []


def test_codes_that_skip_and_codes_that_fail(place: Place) -> None:
    place.write(
        """
        common = {"image": "tools:1", "cmds": ["sh", "-c"], "skip_on_exit_code": 99}
        KubernetesPodOperator(task_id="skips", arguments=["exit 99"], **common)
        KubernetesPodOperator(task_id="fails", arguments=["exit 7"], **common)
        """
    )
    told = place.run(code=1)
    assert (state(told, "skips"), state(told, "fails")) == ("skipped", "failed")
    assert verdict(told, "fails") == "Container 'base' failed with exit code 7."


def test_what_this_machine_cannot_honour_is_refused_before_it_starts_with_a_hint(place: Place) -> None:
    place.write(
        """
        KubernetesPodOperator(task_id="row", image="elsewhere:1", cmds=["true"], retries=3, retry_delay=0)
        KubernetesPodOperator(task_id="command", image="tools:1")
        KubernetesPodOperator(
            task_id="claim", image="tools:1", cmds=["true"],
            volumes=[k8s.V1Volume(name="v", persistent_volume_claim={"claimName": "c"})],
        )
        KubernetesPodOperator(task_id="gpu", image="tools:1", cmds=["true"],
            container_resources=k8s.V1ResourceRequirements(limits={"nvidia.com/gpu": "1"}))
        KubernetesPodOperator(
            task_id="secret", image="tools:1", cmds=["true"], secrets=[Secret("env", "A", "none", "a")])
        KubernetesPodOperator(task_id="template", image="tools:1", cmds=["{{ no.such.thing }}"])
        """
    )
    told = place.run(code=1)
    assert {one["state"] for one in told["tasks"]} == {"failed"}
    assert "nothing stands in for image 'elsewhere:1' on this machine" in verdict(told, "row")
    assert "hint: add a row [[runtime.local.images]]" in verdict(told, "row")
    assert next(one for one in told["tasks"] if one["task_id"] == "row")["try_number"] == 1
    assert "names no command" in verdict(told, "command")
    assert "persistentVolumeClaim" in verdict(told, "claim")
    assert "nvidia.com/gpu" in verdict(told, "gpu")
    assert "Secret 'none': there is none" in verdict(told, "secret")
    assert "no" in verdict(told, "template")
    assert "undefined" in verdict(told, "template")


def test_an_images_row_may_name_what_the_image_runs_by_itself(place: Place) -> None:
    place.write("""KubernetesPodOperator(task_id="run", image="entry:1", arguments=["with", "words"])""")
    told = place.run()
    assert place.log(told, "run")[1:] == ["from the row with words"]


def test_the_log_holds_what_the_operator_asks_for_of_each_container(place: Place) -> None:
    place.write(
        """
        init = k8s.V1Container(name="prepare", image="tools:1", command=["echo", "prepared"])
        common = {"image": "tools:1", "cmds": ["echo", "main"], "init_containers": [init]}
        KubernetesPodOperator(task_id="plain", **common)
        KubernetesPodOperator(task_id="both", init_container_logs=True, **common)
        KubernetesPodOperator(task_id="none", get_logs=False, **common)
        """
    )
    told = place.run()
    assert place.log(told, "plain")[1:] == ["main"]
    assert place.log(told, "both")[1:] == ["[prepare] prepared", "main"]
    assert place.log(told, "none")[1:] == []


def test_render_prints_the_manifest_as_it_would_be_sent(place: Place) -> None:
    place.write(
        """
        KubernetesPodOperator(
            task_id="pod", image="tools:{{ ds }}", cmds=["echo"], arguments=["{{ params.word }}"], do_xcom_push=True,
            secrets=[Secret("env", "PASSWORD", "db", "password")], params={"word": "hello"},
        )
        """
    )
    done = server.tradewind("render", str(place.file), "pod", "--output", "json", "--logical-date", "2026-02-03")
    pod = json.loads(done.stdout)
    (container,) = pod["spec"]["containers"]
    assert (pod["kind"], container["image"], container["args"]) == ("Pod", "tools:2026-02-03", ["hello"])
    assert container["env"] == [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]
    assert container["volumeMounts"] == [{"name": "xcom", "mountPath": "/airflow/xcom"}]


def test_render_prints_the_fields_of_another_task_without_sensitive_values(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_API_PASSWORD", "s3cr3t-w0rd")
    place.write(
        """
        from airflow.providers.standard.operators.bash import BashOperator

        BashOperator(task_id="say", bash_command="echo {{ ds }} {{ var.value.api_password }}")
        BashOperator(task_id="typo", bash_command="echo {{ nothing.there }}")
        """
    )
    at = ("render", str(place.file))
    done = server.tradewind(*at, "say", "--output", "json", "--logical-date", "2026-02-03")
    assert json.loads(done.stdout)["bash_command"] == "echo 2026-02-03 ***"
    failed = server.tradewind(*at, "typo", check=False)
    assert failed.returncode == 2
    assert "'nothing' is undefined" in failed.stderr
    assert "s3cr3t-w0rd" not in done.stdout + done.stderr
