"""What outlives whom: podlet, root zygote, file zygotes and attempts are killed one by one."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import time

import pytest

from tests.support.podlets import Podlet, is_running, kill, wait_until
from tradewind.model.outcome import Success
from tradewind.model.states import EndReason
from tradewind.podlet import fence
from tradewind.protocol import podlet as protocol
from tradewind.protocol.work import FileRef

UNTIL = """
import os, pathlib, time
HERE = pathlib.Path(__file__).parent

def until():
    with open(HERE / "ledger", "a") as file:
        file.write("entered\\n")
    print("begin", flush=True)
    while not (HERE / "go").exists():
        time.sleep(0.01)
    print("end", flush=True)
    return "done"

def crash():
    until()
    os.kill(os.getpid(), 11)
"""


def begin(podlet: Podlet, task: str = "until") -> tuple[str, int]:
    """An attempt that has entered, and its pid."""
    attempt = podlet.begin(podlet.write(UNTIL), task)
    return attempt, podlet.client.take(protocol.Started).pid


def go(podlet: Podlet) -> None:
    (podlet.files / "go").touch()


def entered(podlet: Podlet) -> int:
    return (podlet.files / "ledger").read_text().count("entered")


def test_an_attempt_goes_on_without_podlet_and_its_successor_tells_its_end(podlet: Podlet) -> None:
    attempt, pid = begin(podlet)
    podlet.kill()
    assert is_running(pid)
    podlet.start()
    assert podlet.client.welcome.alive == (attempt,)
    go(podlet)
    ended = podlet.client.end_of(attempt)
    assert isinstance(ended.result.outcome, Success)
    assert ended.started_at is not None
    assert (podlet.lines(attempt), entered(podlet)) == (["begin", "end"], 1)


def test_an_attempt_that_ended_while_there_was_no_podlet_is_told_with_its_result(podlet: Podlet) -> None:
    attempt, pid = begin(podlet)
    podlet.kill()
    go(podlet)
    wait_until(lambda: not is_running(pid))
    podlet.start()
    assert podlet.client.welcome.ended == (attempt,)
    assert podlet.client.end_of(attempt).result.xcoms[0].value == b'"done"'
    assert podlet.lines(attempt) == ["begin", "end"]


@pytest.mark.parametrize("when", ["while away", "afterwards"])
def test_how_an_attempt_crashed_is_known_although_its_podlet_was_dead(podlet: Podlet, when: str) -> None:
    attempt, pid = begin(podlet, "crash")
    podlet.kill()
    if when == "while away":
        go(podlet)
        wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists())
        podlet.start()
    else:
        podlet.start()
        go(podlet)
    failed = podlet.client.failure_of(attempt)
    assert (failed.reason, failed.signal) == (EndReason.KILLED, signal.SIGSEGV)


def test_how_an_attempt_crashed_is_known_although_its_podlet_died_before_it_was_told(podlet: Podlet) -> None:
    attempt, pid = begin(podlet, "crash")
    kill(podlet.pid, signal.SIGSTOP)
    go(podlet)
    wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists())
    podlet.kill()
    podlet.start()
    assert podlet.client.failure_of(attempt).signal == signal.SIGSEGV


def test_an_attempt_whose_whole_tree_was_killed_is_lost_and_not_run_again(podlet: Podlet) -> None:
    attempt, pid = begin(podlet)
    zygotes = [podlet.root_pid(), *podlet.zygote_pids()]
    podlet.kill()
    for one in [*zygotes, pid]:
        with contextlib.suppress(ProcessLookupError):
            kill(one)
    podlet.start()
    failed = podlet.client.failure_of(attempt)
    assert (failed.reason, failed.entered) == (EndReason.LOST, True)
    assert entered(podlet) == 1


def test_an_attempt_that_never_began_is_not_known_and_begins_when_it_is_asked_for_again(podlet: Podlet) -> None:
    podlet.kill()
    podlet.folder("early").mkdir()
    podlet.start()
    assert (podlet.client.welcome.alive, podlet.client.welcome.ended) == ((), ())
    go(podlet)
    podlet.client.send(protocol.StartPython(work=podlet.work(podlet.write(UNTIL), "until", "early")))
    assert isinstance(podlet.client.end_of("early").result.outcome, Success)
    assert entered(podlet) == 1


def test_one_that_never_began_is_stopped_for_good(podlet: Podlet) -> None:
    podlet.kill()
    podlet.folder("early").mkdir()
    podlet.start()
    podlet.client.send(protocol.Stop(attempt_id="early", reason="cancelled"))
    failed = podlet.client.failure_of("early")
    assert (failed.reason, failed.entered) == (EndReason.STOPPED, False)
    assert not fence.enter(str(podlet.folder("early")), 0)


def killed_before_the_fork(podlet: Podlet) -> tuple[FileRef, int, str]:
    """The file, its zygote and the attempt: the zygote, stopped, has heard of it, and a new podlet is there."""
    file = podlet.write(UNTIL)
    podlet.parse(file)
    (zygote,) = podlet.zygote_pids()
    kill(zygote, signal.SIGSTOP)
    attempt = podlet.begin(file, "until")
    wait_until(podlet.folder(attempt).exists)
    time.sleep(0.1)
    podlet.kill()
    podlet.start()
    return file, zygote, attempt


def test_of_a_late_fork_and_a_new_one_the_first_enters_and_its_end_is_told(podlet: Podlet) -> None:
    file, zygote, attempt = killed_before_the_fork(podlet)
    podlet.client.send(protocol.StartPython(work=podlet.work(file, "until", attempt)))
    kill(zygote, signal.SIGCONT)
    wait_until((podlet.files / "ledger").exists)
    go(podlet)
    assert isinstance(podlet.client.end_of(attempt).result.outcome, Success)
    time.sleep(0.2)
    assert entered(podlet) == 1


def test_a_late_fork_that_was_first_is_followed_by_the_new_podlet(podlet: Podlet) -> None:
    _, zygote, attempt = killed_before_the_fork(podlet)
    slow = podlet.write(UNTIL + "time.sleep(0.5)\n")
    podlet.client.send(protocol.StartPython(work=podlet.work(slow, "until", attempt)))
    kill(zygote, signal.SIGCONT)
    wait_until((podlet.files / "ledger").exists)
    time.sleep(0.8)
    go(podlet)
    assert isinstance(podlet.client.end_of(attempt).result.outcome, Success)
    assert (entered(podlet), podlet.lines(attempt)) == (1, ["begin", "end"])


def test_a_process_that_has_the_pid_of_a_dead_attempt_is_not_taken_for_it(podlet: Podlet) -> None:
    podlet.kill()
    folder = podlet.folder("old")
    folder.mkdir()
    (folder / "fence").write_text(f"{os.getpid()} 1 another-boot 1000 0\n")
    podlet.start()
    failed = podlet.client.failure_of("old")
    assert (failed.reason, failed.entered) == (EndReason.LOST, True)


def test_a_stop_reaches_an_adopted_attempt_and_what_it_left(podlet: Podlet) -> None:
    file = podlet.write(
        "import os, signal, subprocess, time\n"
        "def deaf():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    child = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "    print(child.pid, flush=True)\n"
        "    time.sleep(1000)\n"
    )
    attempt = podlet.begin(file, "deaf")
    wait_until(lambda: podlet.lines(attempt))
    podlet.kill()
    podlet.start()
    podlet.client.send(protocol.Stop(attempt_id=attempt, grace_seconds=0.1))
    assert podlet.client.failure_of(attempt).reason is EndReason.STOPPED
    wait_until(lambda: not is_running(int(podlet.lines(attempt)[0])))


def test_an_attempt_outlives_its_zygote_and_is_still_followed(podlet: Podlet) -> None:
    attempt, pid = begin(podlet)
    (zygote,) = podlet.zygote_pids()
    kill(zygote)
    wait_until(lambda: not is_running(zygote))
    assert is_running(pid)
    go(podlet)
    assert isinstance(podlet.client.end_of(attempt).result.outcome, Success)
    assert entered(podlet) == 1


def test_how_an_attempt_crashed_is_known_although_its_zygote_was_dead(podlet: Podlet) -> None:
    attempt, _ = begin(podlet, "crash")
    (zygote,) = podlet.zygote_pids()
    kill(zygote)
    wait_until(lambda: not is_running(zygote))
    go(podlet)
    assert podlet.client.failure_of(attempt).signal == signal.SIGSEGV


def test_attempts_and_file_zygotes_outlive_the_root(podlet: Podlet) -> None:
    attempt, pid = begin(podlet)
    root = podlet.root_pid()
    zygotes = podlet.zygote_pids()
    kill(root)
    wait_until(lambda: not is_running(root))
    time.sleep(0.5)
    assert is_running(pid)
    assert all(map(is_running, zygotes))
    go(podlet)
    assert isinstance(podlet.client.end_of(attempt).result.outcome, Success)
    again = podlet.begin(podlet.write(UNTIL, "another.py"), "until")
    assert isinstance(podlet.client.end_of(again).result.outcome, Success)


def test_a_load_that_died_with_the_root_is_done_again(podlet: Podlet) -> None:
    file = podlet.write("import time\ntime.sleep(0.3)\ndef one():\n    return 1\n")
    attempt = podlet.begin(file, "one")
    wait_until(podlet.zygote_pids)
    kill(podlet.root_pid())
    assert isinstance(podlet.client.end_of(attempt).result.outcome, Success)


def test_an_attempt_waiting_for_a_zygote_that_is_killed_while_it_loads_waits_for_another(podlet: Podlet) -> None:
    file = podlet.write("import time\ntime.sleep(0.5)\ndef one():\n    return 1\n")
    attempt = podlet.begin(file, "one")
    wait_until(podlet.zygote_pids)
    kill(podlet.zygote_pids()[0])
    assert isinstance(podlet.client.end_of(attempt).result.outcome, Success)


def test_a_load_that_is_killed_again_and_again_never_started(podlet: Podlet) -> None:
    file = podlet.write("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    failed = podlet.client.failure_of(podlet.begin(file, "one"))
    assert (failed.reason, failed.entered) == (EndReason.NEVER_STARTED, False)
    assert "SIGKILL" in podlet.parse(file).report.problems[0].message


def test_without_a_podlet_its_zygotes_end_and_nothing_but_attempts_stays(podlet: Podlet) -> None:
    _, pid = begin(podlet)
    idle = podlet.write("def one():\n    pass\n", "idle.py")
    podlet.parse(idle)
    root, zygotes = podlet.root_pid(), podlet.zygote_pids()
    podlet.kill()
    busy = [one for one in zygotes if pid in _children(one)]
    wait_until(lambda: not any(map(is_running, [root, *set(zygotes) - set(busy)])))
    assert is_running(pid)
    go(podlet)
    wait_until(lambda: not any(map(is_running, [pid, *busy])))
    podlet.start()


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(one) for one in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
