"""A server as its operator meets it: probes, metrics, lines, the service manager, a port that is taken."""

from __future__ import annotations

import json
import pathlib
import signal
import socket
import textwrap
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.support import podlets, postgres, server
from tradewind.monitoring import metrics

DAGS = """
from airflow.sdk import DAG, task

with DAG("fan", schedule=None):
    @task
    def one(n):
        return n
    one.expand(n=[1, 2, 3])

with DAG("unpooled", schedule=None):
    @task(pool="gpu")
    def train():
        return 1
    train()
"""

LONG = """
from airflow.sdk import DAG, task

with DAG("long", schedule=None):
    @task
    def wait():
        import time
        time.sleep(300)
    wait()
"""

CHAIN = """
from airflow.sdk import DAG, task

with DAG("chain", schedule=None):
    @task
    def first():
        import pathlib, time
        folder = pathlib.Path(FOLDER)
        (folder / "first").touch()
        while not (folder / "go").exists():
            time.sleep(0.01)

    @task
    def second():
        return 1

    first() >> second()
"""


@pytest.fixture
def dags(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "dags.py").write_text(textwrap.dedent(DAGS))
    (folder / "broken.py").write_text("from airflow.sdk import DAG\nimport not_there_at_all\n")
    return folder


def get(running: server.Server, path: str) -> tuple[int, str]:
    told = json.loads((running.home / "standalone.json").read_text())
    url = told["health"].removesuffix("/health") + path
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def values(running: server.Server) -> dict[str, float]:
    lines = get(running, "/metrics")[1].splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def lines_of(running: server.Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in running.log.read_text().splitlines()]


def test_a_server_that_is_stopped_when_nothing_runs_leaves_no_process(tmp_path: pathlib.Path) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "dags.py").write_text(DAGS)
    with server.Server(tmp_path / "home", dags) as running:
        running.trigger("fan", "one")
        assert running.wait_run("fan", "one")["state"] == "success"
        assert running.podlet_pid is not None
        processes = [running.podlet_pid, *podlets.list_below(running.podlet_pid)]
        assert running.process is not None
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(10) == 0
        assert [pid for pid in processes if podlets.is_running(pid)] == []


def test_probes_metrics_and_lines_tell_the_same_story(tmp_path: pathlib.Path, dags: pathlib.Path) -> None:
    with server.Server(tmp_path / "home", dags, "--log-format", "json") as running:
        assert get(running, "/livez")[0] == 200
        assert get(running, "/readyz")[0] == 200
        running.trigger("fan", "r")
        assert running.wait_run("fan", "r")["state"] == "success"
        running.trigger("unpooled", "r")
        while values(running).get('tradewind_ready_queue_length{held_by="pool"}') != 1:
            time.sleep(0.05)

        types = [line.split()[2] for line in get(running, "/metrics")[1].splitlines() if line.startswith("# TYPE")]
        assert set(types) == set(metrics.METRICS)

        found = values(running)
        assert found['tradewind_runs_created_total{run_type="manual"}'] == 2
        assert found['tradewind_run_ends_total{state="success"}'] == 1
        assert found['tradewind_task_ends_total{state="success"}'] == 3
        assert found["tradewind_launch_seconds_count"] == 3
        assert found['tradewind_dag_runs{state="running"}'] == 1
        assert found['tradewind_task_instances{state="scheduled"}'] == 1
        assert found['tradewind_files{status="broken"}'] == 1
        assert found["tradewind_commit_seconds_count"] > 0
        assert found["tradewind_lease_epoch"] == 1

        report = json.loads(get(running, "/health")[1])
        assert report["missing_pools"] == {"gpu": ["unpooled"]}
        assert [file["file"] for file in report["broken_files"]] == ["broken.py"]
        assert {name for name, check in report["checks"].items() if not check["ok"]} == set()
    told = lines_of(running)
    ended = [line for line in told if line.get("dag") == "fan" and "state" in line]
    assert [(line["run"], line["state"]) for line in ended] == [("r", "success")]
    broken = [line for line in told if line.get("file") == "broken.py"]
    assert len(broken) == 1
    assert "not_there_at_all" in broken[0]["message"]
    assert broken[0]["hint"]


def test_a_draining_server_is_live_but_not_ready(tmp_path: pathlib.Path, dags: pathlib.Path) -> None:
    (dags / "dags.py").write_text(textwrap.dedent(LONG))
    with server.Server(tmp_path / "home", dags) as running:
        running.trigger("long", "r")
        while not values(running).get("tradewind_attempts_alive"):
            time.sleep(0.05)
        assert running.process is not None
        running.process.terminate()
        while get(running, "/readyz")[0] == 200:
            time.sleep(0.05)
        failed = [name for name, check in json.loads(get(running, "/readyz")[1])["checks"].items() if not check["ok"]]
        assert failed == ["draining"]
        assert get(running, "/livez")[0] == 200
        assert json.loads(get(running, "/health")[1])["status"] == "draining"


def test_signals_that_come_while_a_server_ends_do_not_make_its_end_a_kill(
    tmp_path: pathlib.Path, dags: pathlib.Path
) -> None:
    with server.Server(tmp_path / "home", dags) as running:
        process = running.process
        assert process is not None
        while process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.returncode == 0


def test_a_draining_server_ends_with_what_ran_and_does_not_wait_for_what_comes_after_it(
    tmp_path: pathlib.Path, dags: pathlib.Path
) -> None:
    (dags / "dags.py").write_text(CHAIN.replace("FOLDER", repr(str(tmp_path))))
    with server.Server(tmp_path / "home", dags, "--set", "scheduler.drain_seconds=3600") as running:
        running.trigger("chain", "r")
        while not (tmp_path / "first").exists():
            time.sleep(0.02)
        assert running.process is not None
        running.process.terminate()
        while get(running, "/health")[0] == 200:
            time.sleep(0.02)
        (tmp_path / "go").touch()

        assert running.process.wait(60) == 0
        states = {one["task_id"]: one["state"] for one in running.run("chain", "r")["tasks"]}
        running.process = None
        assert states["first"] == "success"
        assert states["second"] != "success"


def test_the_service_manager_hears_when_it_is_ready_alive_and_stopping(
    tmp_path: pathlib.Path, dags: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        with server.Server(tmp_path / "home", dags):
            heard = [manager.recv(4096).decode() for _ in range(4)]
            assert heard[0] == "STATUS=starting"
            assert heard[1].startswith("READY=1\n")
            assert heard[2:] == ["WATCHDOG=1", "WATCHDOG=1"]
        told = ""
        while "STOPPING=1" not in told:
            told = manager.recv(4096).decode()


def test_a_port_in_use_is_an_error_that_says_who_has_it(tmp_path: pathlib.Path, dags: pathlib.Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        home = tmp_path / "home"
        home.mkdir()
        (home / "tradewind.toml").write_text(f"[server]\nhealth_port = {port}\n")
        done = server.tradewind("standalone", "--home", str(home), "--dags", str(dags), check=False)
    server.end_podlet(home)
    assert done.returncode == 2
    assert f"port {port}" in done.stderr
    assert "by pid" in done.stderr
    assert "hint: " in done.stderr
    assert not (home / "standalone.json").exists()


def test_a_file_of_a_server_that_was_killed_does_not_stop_the_next_although_its_number_lives_on(
    tmp_path: pathlib.Path, dags: pathlib.Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    # As after a reboot: the number now belongs to some other process.
    told = {"pid": 1, "holder": "elsewhere:1:00000000:1", "health": "http://127.0.0.1:9/health"}
    (home / "standalone.json").write_text(json.dumps(told))
    with server.Server(home, dags) as running:
        assert get(running, "/readyz")[0] == 200


def test_a_server_whose_database_is_away_is_live_but_not_ready_until_it_is_back(
    tmp_path: pathlib.Path, dags: pathlib.Path, postgres_cluster: postgres.Cluster
) -> None:
    with postgres_cluster.database() as database:
        home = tmp_path / "home"
        home.mkdir()
        (home / "tradewind.toml").write_text(f'[database]\nurl = "{database.url}"\n')
        with server.Server(home, dags) as running:
            postgres_cluster.stop(immediate=True)
            try:
                status, body = get(running, "/readyz")
                assert (status, json.loads(body)["checks"]["database"]["ok"]) == (503, False)
                assert get(running, "/livez")[0] == 200
                assert json.loads(get(running, "/health")[1])["status"] == "unhealthy"
                assert values(running)["tradewind_ready"] == 0
            finally:
                postgres_cluster.launch()
            running.wait_healthy()


@pytest.mark.namespaces
def test_a_server_that_gets_no_file_events_looks_by_itself_and_says_so(
    tmp_path: pathlib.Path, dags: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In a user namespace of its own, the limits are its own.
    script = 'echo 0 > /proc/sys/user/max_inotify_watches; exec "$@"'
    monkeypatch.setattr(
        server, "COMMAND", ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh", *server.COMMAND]
    )
    with server.Server(tmp_path / "home", dags) as running:
        assert json.loads(get(running, "/health")[1])["files"] == {"loaded": 1, "broken": 1}
        assert "no file events, looking every 60 s instead" in running.log.read_text()
