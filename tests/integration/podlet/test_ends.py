"""How attempts end, and what is said about it."""

from __future__ import annotations

import json
import os
import pathlib
import resource

import pytest

from tests.support.podlets import Podlet, is_running, kill, wait_until
from tradewind.model.outcome import Success
from tradewind.model.states import EndReason
from tradewind.protocol import podlet as protocol

DAEMON = """
import os, pathlib, subprocess, sys, time
HERE = pathlib.Path(__file__).parent

def daemonise(name):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            (HERE / name).write_text(str(os.getpid()))
            time.sleep(1000)
        os._exit(0)
    while not (HERE / name).exists() or not (HERE / name).read_text():
        time.sleep(0.005)

def program():
    "One that has neither our environment nor our session nor our output."
    subprocess.Popen(
        ["env", "-i", "sleep", "1000"], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
"""


def test_what_a_function_returned_is_its_result(podlet: Podlet) -> None:
    file = podlet.write("def one():\n    return {'a': [1, 2]}\n")
    ended = podlet.client.end_of(podlet.begin(file, "one"))
    assert isinstance(ended.result.outcome, Success)
    assert [(push.key, json.loads(push.value)) for push in ended.result.xcoms] == [("return_value", {"a": [1, 2]})]
    assert ended.started_at is not None
    assert ended.started_at <= ended.at


def test_asking_twice_for_an_attempt_runs_it_once(podlet: Podlet) -> None:
    ledger = podlet.files / "ledger"
    file = podlet.write(f"def one():\n    open({str(ledger)!r}, 'a').write('x')\n")
    start = protocol.StartPython(work=podlet.work(file, "one", "a1"))
    podlet.client.send(start, start)
    podlet.client.end_of("a1")
    podlet.client.send(start)
    podlet.client.end_of(podlet.begin(file, "one"))
    assert ledger.read_text() == "xx"


def test_an_end_is_told_again_until_it_is_released_and_then_nothing_is_left(podlet: Podlet) -> None:
    file = podlet.write("def one():\n    print('hi')\n")
    attempt = podlet.begin(file, "one")
    podlet.client.end_of(attempt)
    podlet.client.close()
    again = podlet.client = podlet.connect()
    assert again.welcome.ended == (attempt,)
    again.end_of(attempt)
    again.send(protocol.Release(attempt_ids=(attempt,)))
    wait_until(lambda: not podlet.folder(attempt).exists())
    assert podlet.connect(epoch=5).welcome.ended == ()


def test_a_long_attempt_is_told_to_have_started(podlet: Podlet) -> None:
    file = podlet.write("import time\ndef long():\n    time.sleep(1000)\n")
    attempt = podlet.begin(file, "long")
    started = podlet.client.take(protocol.Started)
    assert started.attempt_id == attempt
    assert is_running(started.pid)


def test_a_process_that_is_killed_says_by_which_signal(podlet: Podlet) -> None:
    file = podlet.write("import os, time\ndef long():\n    time.sleep(1000)\ndef crash():\n    os.abort()\n")
    attempt = podlet.begin(file, "long")
    kill(podlet.client.take(protocol.Started).pid)
    failed = podlet.client.failure_of(attempt)
    assert (failed.reason, failed.signal, failed.entered) == (EndReason.KILLED, 9, True)
    assert failed.message == "Its process was killed by SIGKILL."
    assert podlet.client.failure_of(podlet.begin(file, "crash")).message == "Its process was killed by SIGABRT."


def test_os_exit_is_an_error_with_its_code(podlet: Podlet) -> None:
    file = podlet.write("import os\ndef leave():\n    os._exit(3)\ndef leave_0():\n    os._exit(0)\n")
    failed = podlet.client.failure_of(podlet.begin(file, "leave"))
    assert (failed.reason, failed.exit_code) == (EndReason.ERROR, 3)
    assert "os._exit" in failed.message
    assert podlet.client.failure_of(podlet.begin(file, "leave_0")).exit_code == 0


def test_a_stop_ends_the_whole_group_at_once(podlet: Podlet) -> None:
    file = podlet.write(
        "import pathlib, subprocess, time\n"
        "def long():\n"
        "    child = subprocess.Popen(['sleep', '1000'])\n"
        "    pathlib.Path(__file__).with_name('child').write_text(str(child.pid))\n"
        "    time.sleep(1000)\n"
    )
    attempt = podlet.begin(file, "long")
    child = podlet.files / "child"
    wait_until(lambda: child.exists() and child.read_text())
    podlet.client.send(protocol.Stop(attempt_id=attempt, grace_seconds=1000, reason="cancelled"))
    failed = podlet.client.failure_of(attempt)
    assert failed.reason is EndReason.STOPPED
    assert failed.message == "It was stopped on request (cancelled): ended by SIGTERM."
    wait_until(lambda: not is_running(int(child.read_text())))


def test_what_ignores_sigterm_is_killed_after_the_grace_with_everything_it_started(podlet: Podlet) -> None:
    file = podlet.write(
        DAEMON + "import signal\n"
        "def deaf():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    daemonise('daemon')\n"
        "    time.sleep(1000)\n"
    )
    attempt = podlet.begin(file, "deaf")
    daemon = podlet.files / "daemon"
    wait_until(lambda: daemon.exists() and daemon.read_text())
    podlet.client.send(protocol.Stop(attempt_id=attempt, grace_seconds=0.2))
    failed = podlet.client.failure_of(attempt)
    assert failed.reason is EndReason.STOPPED
    assert "SIGKILL" in failed.message
    wait_until(lambda: not is_running(int(daemon.read_text())))


def test_a_stop_before_its_file_is_loaded_means_that_it_never_runs(podlet: Podlet) -> None:
    ledger = podlet.files / "ledger"
    file = podlet.write(f"import time\ntime.sleep(0.5)\ndef one():\n    open({str(ledger)!r}, 'a').write('x')\n")
    attempt = podlet.begin(file, "one")
    podlet.client.send(protocol.Stop(attempt_id=attempt))
    failed = podlet.client.failure_of(attempt)
    assert (failed.reason, failed.entered) == (EndReason.STOPPED, False)
    podlet.parse(file)
    assert not ledger.exists()


def test_a_stop_of_an_unknown_attempt_is_answered(podlet: Podlet) -> None:
    podlet.client.send(protocol.Stop(attempt_id="nobody"))
    assert podlet.client.failure_of("nobody").reason is EndReason.LOST


@pytest.mark.parametrize("how", ["return 1", "os._exit(1)", "os.kill(os.getpid(), 9)", "raise ValueError"])
def test_a_daemon_does_not_outlive_its_attempt(podlet: Podlet, how: str) -> None:
    file = podlet.write(DAEMON + f"def one():\n    daemonise('daemon')\n    {how}\n")
    podlet.client.end_of(podlet.begin(file, "one"))
    pid = int((podlet.files / "daemon").read_text())
    wait_until(lambda: not is_running(pid))


def test_a_program_without_any_mark_of_ours_does_not_outlive_its_attempt(podlet: Podlet) -> None:
    file = podlet.write(DAEMON + "def one():\n    program()\n    os._exit(1)\n")
    podlet.client.end_of(podlet.begin(file, "one"))
    wait_until(lambda: not _programs(podlet.pid))


def test_a_daemon_of_one_attempt_is_ended_and_another_attempt_goes_on_with_its_own(podlet: Podlet) -> None:
    file = podlet.write(
        DAEMON + "def keeps():\n    daemonise('kept')\n    time.sleep(1000)\n"
        "def leaves():\n    daemonise('left')\n    os._exit(0)\n"
    )
    podlet.begin(file, "keeps")
    kept = podlet.files / "kept"
    wait_until(lambda: kept.exists() and kept.read_text())
    podlet.client.end_of(podlet.begin(file, "leaves"))
    wait_until(lambda: not is_running(int((podlet.files / "left").read_text())))
    assert is_running(int(kept.read_text()))


def test_more_memory_than_its_limit_ends_an_attempt_with_that_reason(podlet: Podlet) -> None:
    file = podlet.write("def greedy():\n    return len(bytearray(512 << 20))\n")
    failed = podlet.client.failure_of(podlet.begin(file, "greedy", memory_bytes=200 << 20))
    assert failed.reason is EndReason.OOM_KILLED
    assert "limit of 200 MiB" in failed.message


def test_a_limit_of_memory_works_without_a_cgroup_too(podlet: Podlet, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support.podlets import make_run, make_task
    from tests.support.small_worker import loading
    from tradewind.podlet import child
    from tradewind.podlet.messages import Do
    from tradewind.protocol.work import LoadWork, PythonWork

    file = podlet.write("def greedy():\n    return len(bytearray(512 << 20))\n")
    loaded = loading.load(LoadWork(file=file))
    folder = podlet.files / "attempt"
    folder.mkdir()
    mapped = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = mapped + (200 << 20)
    work = PythonWork(attempt_id="x", file=file, run=make_run(), task=make_task("greedy"), memory_bytes=limit)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        child.run(Do(id="x", folder=str(folder), python=work), loaded, "tests.support.small_worker", write)
    os.waitpid(pid, 0)
    os.close(read)
    os.close(write)
    assert b"OOMKilled" in (folder / "result").read_bytes()
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


def test_a_full_disk_is_named_and_the_attempt_did_not_begin(podlet: Podlet) -> None:
    file = podlet.write("def one():\n    return 1\n")
    podlet.parse(file)
    attempts = podlet.home / "attempts"
    attempts.rmdir()
    attempts.write_text("no folder: what is made in it fails")
    failed = podlet.client.failure_of(podlet.begin(file, "one"))
    assert (failed.reason, failed.entered) == (EndReason.NEVER_STARTED, False)
    assert "could not be written" in failed.message


def _programs(podlet: int) -> list[int]:
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == podlet and (entry / "comm").read_text().strip() == "sleep":
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
