"""Files of Variables and Connections move both ways: Airflow reads what we export, and we read what Airflow exports."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import oracle
from tradewind.vault import connections, files

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(120)]

_PROGRAM = Path(__file__).with_name("oracle_secret_files.py")

KEPT = {
    "db": "postgres://ana:hun%2Fter2%20%C3%A9@db.test:5432/sales?api_key=k-123&mode=on",
    "api": "http://https://h:8080/?__extra__=%7B%22a%22%3A+%7B%22b%22%3A+%5B1%2C+null%5D%7D%7D",
    "aws": "aws://",
    "gcp": "google-cloud-platform://?keyfile_dict=%7B%22a%22%3A+1%7D",
    "socket": "postgres://%2Fvar%2Frun%2Fpg:5432/db",
}
VARIABLES = [
    ("text", "a\nb: c", ""),
    ("number", "5", ""),
    ("number_text", '"5"', ""),
    ("list", "[1,2]", ""),
    ("object", '{"value": 1}', ""),
    ("spaced", json.dumps({"a": [1, {"b": None}]}, indent=2), ""),
    ("told", "x", "what it is for"),
    ("empty", "", ""),
    ("é", "ü", ""),
    ("yes", "yes", ""),
    ("date", "2026-01-01", ""),
]


def ask(asked: dict[str, Any], home: Path) -> dict[str, Any]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    ran = subprocess.run(
        [oracle.interpreter(), _PROGRAM],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        env=clean | {"AIRFLOW_HOME": str(home)},
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


def kept() -> dict[str, Any]:
    return {name: files.connection(name, uri) for name, uri in KEPT.items()}


@pytest.mark.parametrize("form", ["json", "yaml", "env"])
def test_airflow_reads_the_connections_that_we_export(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"c.{form}"
    path.write_text(files.write_connections(list(kept().values()), form))
    read = ask({"connections": str(path)}, tmp_path)["connections"]
    assert read == {name: connections.to_fields(one) for name, one in kept().items()}


@pytest.mark.parametrize("form", ["json-json", "yaml-json", "env-uri"])
def test_we_read_the_connections_that_airflow_exports(tmp_path: Path, form: str) -> None:
    fields = {name: connections.to_fields(one) for name, one in kept().items()}
    written = ask({"write": fields}, tmp_path)["written"][form]
    path = tmp_path / f"c.{form.partition('-')[0]}"
    path.write_text(written)
    assert files.connections_of(files.read(path), path) == kept()


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_airflow_reads_the_variables_that_we_export(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"v.{form}"
    path.write_text(files.write_variables(VARIABLES, form))
    read = ask({"variables": str(path)}, tmp_path)["variables"]
    # What its import makes of them: the rule of `variables_import`, which is also ours.
    assert {key: value for key, (value, _) in files.variables_of(read, path).items()} == {
        key: value for key, value, _ in VARIABLES
    }
    assert {key: told for key, (_, told) in files.variables_of(read, path).items() if told} == {
        "told": "what it is for"
    }


def test_airflow_reads_the_lines_that_we_export(tmp_path: Path) -> None:
    path = tmp_path / "v.env"
    lines = [(key, value, told) for key, value, told in VARIABLES if value and "\n" not in value]
    path.write_text(files.write_variables(lines, "env"))
    assert ask({"variables": str(path)}, tmp_path)["variables"] == {key: value for key, value, _ in lines}
