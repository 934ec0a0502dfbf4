"""Three real provider packages run on our names: PostgreSQL, Amazon's S3, HTTP. Of Airflow nothing else is there."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import postgres

pytestmark = [pytest.mark.providers, pytest.mark.timeout(120)]

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[2]
_DAGS = _HERE / "dags"


@pytest.fixture(scope="module")
def interpreter() -> str:
    """The Python of the environment that has the packages."""
    ran = subprocess.run([_ROOT / "scripts" / "providers-env"], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.fixture
def s3(interpreter: str) -> Iterator[str]:
    """The address of a server that speaks S3."""
    with subprocess.Popen(
        [interpreter, _HERE / "moto_process.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        yield server.stdout.readline().strip()
        server.stdin.close()


@pytest.fixture
def web() -> Iterator[str]:
    """The address of a server that answers what it was asked."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Say the path."""
        self._answer({"asked": self.path})

    def do_POST(self) -> None:
        """Say the body."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer({"got": [json.loads(body), self.headers["X-Run"].partition("__")[0]]})

    def _answer(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _tradewind(interpreter: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS", "PYTHON"))}
    return subprocess.run(
        [interpreter, "-m", "tradewind.cli", *arguments],
        env={**clean, "PYTHONPATH": str(_ROOT / "src"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.postgresql
def test_hooks_operators_and_sensors_of_three_packages_do_their_work(
    interpreter: str, s3: str, web: str, postgres_database: postgres.Database
) -> None:
    connections = {
        "AIRFLOW_CONN_PG": {
            "conn_type": "postgres", "host": str(postgres_database.cluster.socket_dir),
            "schema": postgres_database.name, "login": postgres_database.cluster.user,
        },
        "AIRFLOW_CONN_AWS": {
            "conn_type": "aws", "login": "key", "password": "word",
            "extra": {"endpoint_url": s3, "region_name": "us-east-1"},
        },
        "AIRFLOW_CONN_WEB": {"conn_type": "http", "host": web.partition(":")[0], "port": int(web.partition(":")[2])},
    }  # fmt: skip

    ran = _tradewind(
        interpreter, "run", str(_DAGS / "hooks.py"), "--logical-date", "2026-01-02", "--output", "json", "--with-xcom",
        **{name: json.dumps(value) for name, value in connections.items()},
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-6000:]
    said = {task: keys.get("return_value") for task, keys in json.loads(ran.stdout)["xcom"].items()}
    assert said["fill"] == 7
    assert said["by_type"] == ["PostgresHook", [_tuple(3), _tuple(4)]]
    assert said["asked"] == [_tuple(4)]
    assert said["composed"] == [_tuple(14)]
    assert said["land"] == ["day/a.csv"]
    found, size, path = said["through_paths"]
    assert (found, size) == ({"a.csv": "1,2\n", "2026-01-02.csv": "of 2026-01-02", "c.csv": "c"}, 1)
    assert path["__data__"] == {"path": "s3://aws@landing/day/d.csv", "conn_id": "aws", "kwargs": {}}
    assert said["path_of_a_task"] == _tuple("c", "c")
    assert said["fetch"] == {"asked": "/rates?day=x"}
    assert said["posted"] == [{"day": "2026-01-02"}, "manual"]


def test_what_is_installed_is_native_and_what_is_not_is_told_when_the_file_loads(interpreter: str) -> None:
    ran = _tradewind(interpreter, "lint", str(_DAGS), "--output", "json")
    files = {Path(file["path"]).stem: file for file in json.loads(ran.stdout)["files"]}
    assert {name: file["loaded"] for name, file in files.items()} == {"hooks": "native", "lacking": "native"}
    assert files["hooks"]["warnings"] == []
    (told,) = [text for text in files["lacking"]["warnings"] if "GCSHook is not here" in text]
    assert "install apache-airflow-providers-google" in told


def test_of_airflow_itself_nothing_is_installed_there(interpreter: str) -> None:
    asked = "import airflow, os; print([os.listdir(one) for one in airflow.__path__])"
    ran = subprocess.run([interpreter, "-c", asked], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout.strip() == "[['providers']]"


def _tuple(*values: Any) -> dict[str, Any]:
    return {"__classname__": "builtins.tuple", "__version__": 1, "__data__": list(values)}
