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


WITHOUT_NAMESPACES = (
    *("unshare", "--user", "--map-root-user", "sh", "-c"),
    'echo 0 >/proc/sys/user/max_mnt_namespaces && echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" "$@"',
)
"""Before a command: in its user namespace no more namespaces can be made."""


def run_demo(*options: str, around: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the demo's program to its end."""
    command = [*around, sys.executable, str(ROOT / "scripts" / "demo"), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)


def files_with(secret: str) -> list[Path]:
    """What the demo left that holds the secret's value."""
    left = [path for folder in ("home", "shared") for path in (STATE / folder).rglob("*")]
    return [path for path in left if path.is_file() and secret.encode() in path.read_bytes()]


def assert_kept_its_word(ran: subprocess.CompletedProcess[str]) -> str:
    """Whichever way it ran; returns what it said."""
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    said = re.sub(r"\033\[[0-9;]*m", "", ran.stdout)
    # 27,004 departures in January and 24,951 in February: the data set's own numbers.
    assert "51,955 departures" in said
    assert re.search(r"pandas 2\.[\d.]+ in etl-classic and pandas 3\.[\d.]+ in etl-modern, in one run", said)
    assert re.search(r"summarise\[1\] +success +try 1", said)
    assert re.search(r"sign +success +try 2", said)
    secret = (STATE / "secrets" / "flights-signing" / "key").read_text()
    assert secret not in ran.stdout + ran.stderr
    assert files_with(secret) == []
    return said


@pytest.mark.namespaces
@pytest.mark.timeout(300)
def test_the_demo_runs_on_real_data_with_both_versions_and_shows_no_secret() -> None:
    said = assert_kept_its_word(run_demo("--months", "1,2"))

    assert "Without mounts" not in said


@pytest.mark.namespaces
@pytest.mark.timeout(300)
def test_where_no_namespace_can_be_made_the_demo_says_what_it_goes_without_and_runs() -> None:
    tried = subprocess.run([*WITHOUT_NAMESPACES, "unshare", "--mount", "true"], capture_output=True, check=False)
    assert tried.returncode != 0, "this machine lets one make namespaces where it should not"

    said = assert_kept_its_word(run_demo("--months", "1,2", around=WITHOUT_NAMESPACES))

    assert "this user may make no mount namespaces" in said
    assert "So this run goes without:" in said
    for missing in ("volumes at their paths", "XCom by /airflow/xcom", "the secret as a mounted file"):
        assert missing in said


@pytest.mark.airflow
@pytest.mark.timeout(120)
def test_the_demos_dag_files_load_in_real_airflow_as_they_are(tmp_path: Path) -> None:
    program = (
        "import json, pathlib\n"
        "from airflow.dag_processing.dagbag import BundleDagBag\n"
        f"folder = pathlib.Path({str(ROOT / 'demo' / 'dags')!r})\n"
        "bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name='demo')\n"
        "tasks = {\n"
        "    dag_id: {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks}\n"
        "    for dag_id, dag in bag.dags.items()\n"
        "}\n"
        "pathlib.Path('found.json').write_text(json.dumps([bag.import_errors, tasks]))\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    env = {**clean, "AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    subprocess.run([oracle.interpreter(), "-c", program], cwd=tmp_path, env=env, capture_output=True, check=True)

    errors, tasks = json.loads((tmp_path / "found.json").read_text())
    assert errors == {}
    assert tasks["flights"]["summarise"] == ["plan"]
    assert tasks["flights"]["check"] == ["add_up", "choose", "sign", "split", "verify"]
    without = tasks["flights_without_mounts"]
    assert without["summarise"] == ["plan"]
    assert without["check"] == ["add_up", "choose", "sign_result", "split_result", "verify"]


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
