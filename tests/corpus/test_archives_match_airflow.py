"""DAG files in zip archives: which are found, under which names, and which fail, beside real Airflow."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
from typing import Any

import pytest

from tests.corpus import oracle
from tests.support import archives, server

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

_HEAD = "from airflow.sdk import DAG\n"
# Airflow forgets a DAG that no variable holds when another file of its archive fails: each has one here.
FILES = {
    "daily.py": _HEAD
    + 'from lib.names import NAME\nimport beside\n\nwith DAG(NAME + beside.MORE, schedule="@daily") as dag: ...\n',
    "weekly.py": _HEAD + 'weekly = DAG("weekly", schedule="@weekly")\n',
    "email.py": _HEAD + 'dag = DAG("called_like_a_module", schedule=None)\n',
    "fails.py": _HEAD + "1 / 0\n",
    "nested/deep.py": _HEAD + 'dag = DAG("not_at_the_root", schedule=None)\n',
    "lib/__init__.py": "",
    "lib/names.py": 'NAME = "dai"\n',
    "beside.py": 'MORE = "ly"\n',
    "old.py": "from airflow.models import DAG\n" + 'dag = DAG("without_safe_mode", schedule=None)\n',
    "notes.txt": "airflow dag",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    made = tmp_path_factory.mktemp("dags")
    (made / "team").mkdir()
    archives.pack(made / "etl.zip", FILES)
    archives.pack(made / "team" / "other.zip", {"one.py": _HEAD + 'dag = DAG("other", schedule=None)\n'})
    archives.pack(made / "ignored.zip", {"one.py": _HEAD + 'dag = DAG("ignored", schedule=None)\n'})
    archives.pack(made / "data.zip", {"rows.csv": "airflow,dag"})
    (made / "plain.py").write_text(_HEAD + 'dag = DAG("plain", schedule=None)\n')
    (made / ".airflowignore").write_text("ignored.zip\n")
    return made


def of_airflow(folder: pathlib.Path, home: pathlib.Path) -> dict[str, Any]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    program = pathlib.Path(__file__).with_name("oracle_archives.py")
    command = [str(one) for one in (oracle.interpreter(), program, home, folder)]
    ran = subprocess.run(command, capture_output=True, text=True, env=clean, timeout=200, check=True)
    return dict(json.loads(ran.stdout))


def test_archives_give_the_dags_file_names_and_errors_that_they_give_in_airflow(
    folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    done = server.tradewind("lint", "--output", "json", str(folder), check=False)
    found = json.loads(done.stdout)["files"]
    files = {os.path.relpath(one["path"], folder): one for one in found}
    dags = {dag_id: name for name, one in files.items() for dag_id in one["dag_ids"]}
    refused = sorted(name for name, one in files.items() if one["loaded"] == "refused")
    assert {"dags": dags, "errors": refused} == of_airflow(folder, tmp_path)
    assert dags["daily"] == "etl.zip/daily.py"
    assert refused == ["etl.zip/fails.py"]
