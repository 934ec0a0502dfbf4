"""Upkeep of a home over its command line: backup beside a server, restore, check, clean, deleted DAGs, bad disks."""

from __future__ import annotations

import json
import pathlib
import shlex
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import pytest

from tests.support import server

DAG = textwrap.dedent(
    """
    import pathlib, time
    from airflow.sdk import dag, task

    @dag(dag_id="one")
    def one():
        @task
        def hello(n):
            print("a line of", n)
            while pathlib.Path({gate!r}).exists():
                time.sleep(0.05)
            return n

        hello.expand(n=[1, 2, 3])

    one()
    """
)


@pytest.fixture
def dags(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with one DAG whose tasks wait while the file `gate` is there."""
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "one.py").write_text(DAG.format(gate=str(tmp_path / "gate")))
    return folder


def _run(home: pathlib.Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return server.tradewind(*arguments, "--home", str(home), check=check)


def _ids(home: pathlib.Path) -> list[str]:
    return sorted(run["run_id"] for run in json.loads(_run(home, "runs", "list", "-o", "json").stdout))


def _refused(done: subprocess.CompletedProcess[str], *says: str) -> None:
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr
    for part in says:
        assert part in done.stderr


def test_a_backup_of_a_running_home_comes_back_whole(tmp_path: pathlib.Path, dags: pathlib.Path) -> None:
    home, other, target = tmp_path / "home", tmp_path / "other", tmp_path / "all.tar.gz"
    with server.Server(home, dags) as running:
        running.trigger("one", "first")
        running.wait_run("one", "first")
        made = _run(home, "db", "backup", str(target), "--with-logs", "-o", "json")
        assert "key of Variables and Connections is not in it" in made.stderr
        running.trigger("one", "second")
        running.wait_run("one", "second")
        _refused(_run(home, "db", "restore", str(target), "--replace", check=False), "a server runs", "kill")
    _run(other, "db", "restore", str(target))
    assert (_ids(home), _ids(other)) == (["first", "second"], ["first"])
    assert "a line of 2" in _run(other, "tasks", "logs", "one", "first", "hello[1]").stdout
    assert "all is well" in _run(other, "db", "check").stderr
    assert not list(tmp_path.glob("**/other*.key"))
    with server.Server(other, dags) as again:
        again.trigger("one", "third")
        assert again.wait_run("one", "third")["state"] == "success"


def test_a_restore_over_a_home_keeps_what_was_there(tmp_path: pathlib.Path, dags: pathlib.Path) -> None:
    home, target = tmp_path / "home", tmp_path / "one.tar"
    with server.Server(home, dags) as running:
        running.trigger("one", "first")
        running.wait_run("one", "first")
    _run(home, "db", "backup", str(target))
    _run(home, "db", "clean", "--keep-last", "0", "--yes")
    assert _ids(home) == []
    _refused(_run(home, "db", "restore", str(target), check=False), "--replace")
    told = json.loads(_run(home, "db", "restore", str(target), "--replace", "-o", "json").stdout)
    assert _ids(home) == ["first"]
    with sqlite3.connect(pathlib.Path(told["old_kept_in"]) / "tradewind.db") as kept:
        assert kept.execute("select count(*) from dag_run").fetchone() == (0,)
    kept.close()


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_a_half_written_backup_is_refused_and_the_home_stays(tmp_path: pathlib.Path, cut: float) -> None:
    home, target = tmp_path / "home", tmp_path / "one.tar"
    home.mkdir()
    _run(home, "db", "migrate")
    _run(home, "db", "backup", str(target))
    whole = target.read_bytes()
    target.write_bytes(whole[: int(len(whole) * cut)])
    before = (home / "tradewind.db").read_bytes()
    _refused(_run(home, "db", "restore", str(target), "--replace", check=False), "is not whole", "another backup")
    assert (home / "tradewind.db").read_bytes() == before
    assert [path.name for path in home.iterdir()] == ["tradewind.db"]


def test_a_backup_that_was_changed_since_is_refused(tmp_path: pathlib.Path) -> None:
    home, target = tmp_path / "home", tmp_path / "one.tar"
    home.mkdir()
    _run(home, "db", "migrate")
    _run(home, "db", "backup", str(target))
    whole = bytearray(target.read_bytes())
    whole[20_000] ^= 1
    target.write_bytes(whole)
    _refused(_run(home, "db", "restore", str(target), "--replace", check=False), "otherwise than its manifest")
    target.write_bytes(b"not a tar at all")
    _refused(_run(home, "db", "restore", str(target), "--replace", check=False), "is not whole")
    _refused(_run(home, "db", "restore", str(tmp_path / "none.tar"), "--replace", check=False), "does not exist")


@pytest.mark.parametrize("command", [("runs", "list"), ("db", "migrate"), ("db", "check"), ("standalone",)])
def test_a_database_newer_than_the_program_is_refused(tmp_path: pathlib.Path, command: tuple[str, ...]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    _run(home, "db", "migrate")
    raw = sqlite3.connect(home / "tradewind.db")
    with raw:
        raw.execute("update alembic_version set version_num = '9999'")
    raw.close()
    done = _run(home, *command, check=False)
    _refused(done, "'9999'", "run that release, or a newer one")


def test_a_backup_newer_than_the_program_is_refused(tmp_path: pathlib.Path) -> None:
    home, other, target = tmp_path / "home", tmp_path / "other", tmp_path / "one.tar"
    home.mkdir()
    _run(home, "db", "migrate")
    raw = sqlite3.connect(home / "tradewind.db")
    with raw:
        raw.execute("update alembic_version set version_num = '9999'")
    raw.close()
    _run(home, "db", "backup", str(target))
    _refused(_run(other, "db", "restore", str(target), check=False), "'9999'", "or a newer one")


def test_clean_tells_first_and_asks_and_then_takes_rows_and_logs(tmp_path: pathlib.Path, dags: pathlib.Path) -> None:
    home = tmp_path / "home"
    with server.Server(home, dags) as running:
        for run_id in ("first", "second", "third"):
            running.trigger("one", run_id)
            running.wait_run("one", run_id)
        _refused(_run(home, "db", "clean", check=False), "--before 30d")
        _refused(_run(home, "db", "clean", "--before", "soon", check=False), "30d, 12h, 4w")
        _refused(_run(home, "db", "clean", "--dag", "ones", "--keep-last", "1", check=False), "one")
        dry = json.loads(_run(home, "db", "clean", "--keep-last", "1", "--dry-run", "-o", "json").stdout)
        assert (dry["runs"], dry["task_instances"], dry["attempts"], dry["logs"]) == (2, 6, 6, 6)
        _refused(_run(home, "db", "clean", "--keep-last", "1", check=False), "add --yes")
        assert len(_ids(home)) == 3
        went = json.loads(_run(home, "db", "clean", "--keep-last", "1", "--yes", "-o", "json").stdout)
        assert (went["runs"], went["task_instances"], went["attempts"], went["logs"]) == (2, 6, 6, 6)
        assert went["facts"] > 0
        assert _ids(home) == ["third"]
        assert len(list((home / "logs").iterdir())) == 1
        assert "all is well" in _run(home, "db", "check").stderr
        running.trigger("one", "fourth")
        assert running.wait_run("one", "fourth")["state"] == "success"


def test_a_dag_that_runs_is_not_deleted_and_one_without_its_file_goes_whole(
    tmp_path: pathlib.Path, dags: pathlib.Path
) -> None:
    home, gate = tmp_path / "home", tmp_path / "gate"
    gate.touch()
    with server.Server(home, dags) as running:
        running.trigger("one", "first")
        _refused(_run(home, "dags", "delete", "one", "--yes", check=False), "active runs", "runs cancel")
        gate.unlink()
        running.wait_run("one", "first")
        _run(home, "dags", "delete", "one", "--yes")
        _until(lambda: _ids(home) == [] and not list((home / "logs").iterdir()))
        assert [dag["dag_id"] for dag in json.loads(_run(home, "dags", "list", "-o", "json").stdout)] == ["one"]
        running.trigger("one", "again")
        assert running.wait_run("one", "again")["state"] == "success"
    (dags / "one.py").unlink()
    with server.Server(home, dags):
        _run(home, "dags", "delete", "one", "--yes")
        _until(lambda: "one" not in _run(home, "dags", "list", "-o", "json").stdout and _ids(home) == [])


def test_without_a_server_a_deleted_dag_is_gone_when_the_command_ends(
    tmp_path: pathlib.Path, dags: pathlib.Path
) -> None:
    home = tmp_path / "home"
    with server.Server(home, dags) as running:
        running.trigger("one", "first")
        running.wait_run("one", "first")
    _run(home, "dags", "delete", "one", "--yes")
    assert _ids(home) == []
    assert list((home / "logs").iterdir()) == []


# -- homes on bad disks --------------------------------------------------------------------------------------------


def _on_disk(mount: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a mount namespace of its own; `tw` in it is our program."""
    program = shlex.join(server.COMMAND)
    text = f'set -e; {mount}; tw() {{ {program} "$@"; }}; {script}'
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", text], capture_output=True, text=True, timeout=90, check=False
    )


@pytest.mark.namespaces
@pytest.mark.parametrize("command", ["standalone", "db migrate", "db clean --keep-last 0 --yes", "dags list"])
def test_a_home_that_cannot_be_written_is_told(tmp_path: pathlib.Path, command: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if command == "db clean --keep-last 0 --yes":
        _run(home, "db", "migrate")
    place = shlex.quote(str(home))
    done = _on_disk(f"mount --bind {place} {place} && mount -o remount,ro,bind {place}", f"tw {command} --home {place}")
    _refused(done, str(home))


@pytest.mark.namespaces
@pytest.mark.parametrize("command", ["standalone", "db migrate"])
def test_a_home_on_a_full_disk_is_told(tmp_path: pathlib.Path, command: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    place = shlex.quote(str(home))
    fill = f"dd if=/dev/zero of={place}/filler bs=4k 2>/dev/null || true"
    done = _on_disk(f"mount -t tmpfs -o size=2m tmpfs {place}", f"{fill}; tw {command} --home {place}")
    _refused(done, str(home), "space")


@pytest.mark.namespaces
def test_a_backup_to_a_full_disk_is_told_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    home, disk = tmp_path / "home", tmp_path / "disk"
    home.mkdir()
    disk.mkdir()
    _run(home, "db", "migrate")
    place = shlex.quote(str(disk))
    script = f"tw db backup {place}/one.tar --home {shlex.quote(str(home))} || ls -A {place} >&2; false"
    done = _on_disk(f"mount -t tmpfs -o size=64k tmpfs {place}", script)
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr
    assert "one.tar" not in done.stderr.splitlines()[-1]


@pytest.mark.namespaces
def test_tasks_wait_while_the_disk_is_almost_full_and_go_on_with_room(
    tmp_path: pathlib.Path, dags: pathlib.Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    settings = tmp_path / "tradewind.toml"
    settings.write_text("[retention]\nmin_free_mb = 50\n")
    steps = pathlib.Path(__file__).with_name("almost_full.py")
    place = shlex.quote(str(home))
    script = shlex.join([sys.executable, str(steps), str(home), str(dags), str(settings)])
    done = _on_disk(f"mount -t tmpfs -o size=80m tmpfs {place}", f"PYTHONPATH=. {script}")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert "less than retention.min_free_mb" in told["held_for"]
    assert told["states_while_full"] == ["scheduled", "scheduled", "scheduled"]
    assert told["state_at_the_end"] == "success"


def _until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
