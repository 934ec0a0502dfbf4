"""The demo does what its page says: real data, two versions of pandas in one run, a retry, a secret nobody sees."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpus import oracle

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".demo"


def run_demo(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the demo's program to its end."""
    command = [sys.executable, str(ROOT / "scripts" / "demo"), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.namespaces
@pytest.mark.timeout(300)
def test_the_demo_runs_on_real_data_with_both_versions_and_shows_no_secret() -> None:
    ran = run_demo("--months", "1,2")

    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    said = re.sub(r"\033\[[0-9;]*m", "", ran.stdout)
    # 27,004 departures in January and 24,951 in February: the data set's own numbers.
    assert "51,955 departures" in said
    assert re.search(r"pandas 2\.[\d.]+ in etl-classic and pandas 3\.[\d.]+ in etl-modern, in one run", said)
    assert re.search(r"summarise\[1\] +success +try 1", said)
    assert re.search(r"sign +success +try 2", said)
    secret = (STATE / "secrets" / "flights-signing" / "key").read_text()
    assert secret not in ran.stdout + ran.stderr
    assert [
        path for path in (STATE / "home").rglob("*") if path.is_file() and secret.encode() in path.read_bytes()
    ] == []


@pytest.mark.airflow
@pytest.mark.timeout(120)
def test_the_demos_dag_file_loads_in_real_airflow_as_it_is(tmp_path: Path) -> None:
    program = (
        "import json, pathlib\n"
        "from airflow.dag_processing.dagbag import BundleDagBag\n"
        f"folder = pathlib.Path({str(ROOT / 'demo' / 'dags')!r})\n"
        "bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name='demo')\n"
        "tasks = {task.task_id: sorted(task.upstream_task_ids) for task in bag.dags['flights'].tasks}\n"
        "pathlib.Path('found.json').write_text(json.dumps([bag.import_errors, tasks]))\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    env = {**clean, "AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    subprocess.run([oracle.interpreter(), "-c", program], cwd=tmp_path, env=env, capture_output=True, check=True)

    errors, tasks = json.loads((tmp_path / "found.json").read_text())
    assert errors == {}
    assert tasks["summarise"] == ["plan"]
    assert tasks["check"] == ["add_up", "choose", "sign", "split", "verify"]


def test_the_demos_packages_are_pinned_by_hash_and_conflict() -> None:
    pinned = {}
    for image in ("classic", "modern", "build"):
        text = (ROOT / "demo" / f"constraints-{image}.txt").read_text()
        assert "://" not in text
        names = re.findall(r"^([a-z0-9-]+)==([\d.]+)", text, re.MULTILINE)
        assert len(re.findall(r"--hash=sha256:", text)) >= len(names)
        pinned[image] = dict(names)
    assert pinned["classic"]["pandas"].split(".")[0] == "2"
    assert pinned["modern"]["pandas"].split(".")[0] == "3"
