"""What a task prints of its secrets is hidden: at rest, and where a person follows it."""

from __future__ import annotations

import base64
import json
import pathlib
from urllib.parse import quote

import pytest

from tests.support import server

PASSWORD = 'hunter2/"open sesame"&more'
TOKEN = "tok-5ae1c9b7"
PRINTER = """
import base64, json, os, subprocess, sys, textwrap
from urllib.parse import quote

from airflow.sdk import DAG, Connection, Variable, task
from airflow.sdk.log import mask_secret

at_load = Variable.get("load_token")

with DAG("printer"):
    @task
    def show():
        password = Connection.get("warehouse").password
        print("begin")
        print("plain", password)
        print("in JSON", json.dumps({"password": password}))
        print("quoted", quote(password, safe=""))
        print("base64", base64.b64encode(password.encode()).decode())
        print("basic", base64.b64encode(f"me:{password}".encode()).decode())
        print("lines", password[:9])
        print(password[9:])
        sys.stdout.write("writes " + password[:9])
        sys.stdout.flush()
        os.write(1, password[9:].encode() + b"\\n")
        print("wrapped", textwrap.fill(password, 9))
        subprocess.run(["echo", "child", password], check=True)
        print("extra", Connection.get("warehouse").extra_dejson["api_key"], Connection.get("warehouse").get_uri())
        print("variable", Variable.get("my_secret"), "at load", at_load)
        mask_secret("said-by-user-code")
        print("said", "said-by-user-code")
        print("end")
        raise ValueError(f"login with {password} refused")

    show()
"""


def test_what_a_task_prints_of_its_secrets_is_hidden_everywhere(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, home = tmp_path / "dags" / "printer.py", tmp_path / "home"
    file.parent.mkdir()
    file.write_text(PRINTER)
    environment = {
        "AIRFLOW_CONN_WAREHOUSE": json.dumps(
            {"conn_type": "postgres", "login": "me", "password": PASSWORD, "host": "h", "extra": {"api_key": TOKEN}}
        ),
        "AIRFLOW_VAR_MY_SECRET": "variable-value",
        "AIRFLOW_VAR_LOAD_TOKEN": "value-at-load",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = server.tradewind("run", str(file), "--home", str(home), check=False)
    assert done.returncode == 1, done.stderr
    logs = [path for path in (home / "logs").rglob("*") if path.is_file()]
    at_rest = "".join(path.read_text() for path in logs)
    forms = (
        PASSWORD,
        json.dumps(PASSWORD)[1:-1],
        quote(PASSWORD, safe=""),
        base64.b64encode(PASSWORD.encode()).decode(),
        base64.b64encode(f"me:{PASSWORD}".encode()).decode()[4:-4],
        PASSWORD[9:],
        TOKEN,
        "variable-value",
        "value-at-load",
        "said-by-user-code",
    )
    for place, text in (("log", at_rest), ("terminal", done.stdout + done.stderr)):
        for form in forms:
            assert form not in text, f"{form} in the {place}"
        assert "".join(PASSWORD.split()) not in "".join(line[41:] for line in text.splitlines())
    for word in ("begin", "plain ***", "in JSON", "quoted ***", "lines ***", "child ***", "said ***", "end"):
        assert word in at_rest
    assert "variable *** at load ***" in at_rest
    assert [path for path in home.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()] == []


def test_a_file_that_cannot_be_loaded_does_not_tell_its_secrets(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_MY_SECRET", "variable-value")
    file = tmp_path / "dags" / "broken.py"
    file.parent.mkdir()
    file.write_text('from airflow.sdk import Variable\nraise ValueError("with " + Variable.get("my_secret"))\n')
    done = server.tradewind("run", str(file), "--home", str(tmp_path / "home"), check=False)
    assert done.returncode == 2
    assert "with ***" in done.stderr
    assert "variable-value" not in done.stdout + done.stderr
