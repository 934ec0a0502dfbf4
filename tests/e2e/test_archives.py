"""DAG files in zip archives, as a team deploys them: run, lint, render, a server that sees a new one, broken ones."""

from __future__ import annotations

import json
import pathlib

import pytest

from tests.support import archives, server
from tests.support.cluster_api import wait_until

ETL = """
import pathlib, time
from airflow.sdk import DAG, task
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
import words

with DAG("etl", schedule=None):
    @task
    def first():
        while not pathlib.Path(GO).exists():
            time.sleep(0.02)
    @task
    def second():
        import late
        return words.WORD + late.WORD
    first() >> second()

with DAG("pods", schedule=None):
    KubernetesPodOperator(task_id="pod", image=words.WORD, cmds=["true"])
"""


def pack(folder: pathlib.Path, word: str) -> pathlib.Path:
    go = f"GO = {str(folder.parent / 'go')!r}\n"
    files = {"etl.py": go + ETL, "words.py": f"WORD = {word!r}\n", "late.py": f"WORD = {'-' + word!r}\n"}
    return archives.pack(folder / "team.zip", files)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    made = tmp_path / "dags"
    made.mkdir()
    return made


def test_a_run_keeps_the_archive_it_began_with_and_the_next_has_the_new_one(folder: pathlib.Path) -> None:
    pack(folder, "old")
    home = folder.parent / "home"
    at = ("--home", str(home))
    with server.Server(home, folder) as running:
        running.trigger("etl", "first")
        wait_until(lambda: _state(running, "first") == "running", "the first task runs")
        pack(folder, "new")
        wait_until(lambda: len(_versions(home)) == 2, "the new archive is a version")
        running.trigger("etl", "second")
        (folder.parent / "go").touch()
        for run_id, word in (("first", "old-old"), ("second", "new-new")):
            assert running.wait_run("etl", run_id)["state"] == "success"
            assert running.run("etl", run_id, "--with-xcom")["xcom"]["second"]["return_value"] == word
        assert server.tradewind("dags", "source", "etl", *at).stdout.endswith(ETL)

        (folder / "team.zip").write_bytes(b"half of it")
        wait_until(lambda: bool(_import_errors(home)), "the broken archive is told")
        (error,) = _import_errors(home)
        assert (error["file"], error["code"]) == ("team.zip/etl.py", "broken-archive")
        assert "pack it anew" in error["hint"]
        running.trigger("etl", "third")
        assert running.wait_run("etl", "third")["state"] == "success"


def _state(running: server.Server, run_id: str) -> str:
    (first,) = [one for one in running.run("etl", run_id)["tasks"] if one["task_id"] == "first"]
    return str(first["state"])


def _versions(home: pathlib.Path) -> list[object]:
    return list(json.loads(server.tradewind("dags", "versions", "etl", "--output=json", "--home", str(home)).stdout))


def _import_errors(home: pathlib.Path) -> list[dict[str, str]]:
    done = server.tradewind("dags", "import-errors", "--output=json", "--home", str(home), check=False)
    return list(json.loads(done.stdout))


def test_an_archive_and_a_file_of_one_can_be_run_linted_tested_and_rendered(folder: pathlib.Path) -> None:
    archive = pack(folder, "alpine")
    (folder.parent / "go").touch()
    done = server.tradewind("run", str(archive), "--dag-id", "etl", "--output=json", "--with-xcom")
    assert json.loads(done.stdout)["xcom"]["second"] == {"return_value": "alpine-alpine"}
    shown = server.tradewind("render", str(archive / "etl.py"), "pod", "--dag-id", "pods").stdout
    assert "image: alpine" in shown
    server.tradewind("test", str(archive / "etl.py"), "--dag-id", "etl")
    (one,) = json.loads(server.tradewind("lint", "--output=json", str(archive)).stdout)["files"]
    assert (one["path"], one["loaded"], one["dag_ids"]) == (str(archive / "etl.py"), "native", ["etl", "pods"])
