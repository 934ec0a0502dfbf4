"""Pods, as the podlet starts and stops them: a process that supervises one, forked from the podlet.

It is in a session of its own and needs nobody after that: it outlives podlet and control plane.
"""

from __future__ import annotations

import os
import random
import signal
import traceback
from pathlib import Path
from typing import Any

from tradewind.podlet import child, limits, pod_folder, processes, system
from tradewind.podlet.messages import Unwritten
from tradewind.podlet.pod_folder import PodFolder
from tradewind.podlet.pod_supervisor import Supervisor, group_name, say
from tradewind.protocol.podlet import StartPod, Stop

OWN_FOLDER = pod_folder.NAME
"""In the attempt's folder: everything that only pods have."""
main_start = pod_folder.main_start
_STOP_MARGIN = 5.0


def launch(start: StartPod, folder: Path, told: int, *, bound: bool = False) -> int:
    """Fork the supervisor of a pod; its pid, which is also its session's. The caller reaps it.

    `told` is the pipe on which the podlet hears `Entered` and `Unwritten`. `bound`: it ends when the caller does.
    Raises `OSError` where the folder cannot be written.
    """
    (folder / OWN_FOLDER).mkdir()
    pid = os.fork()
    if pid:
        return pid
    status = child.BROKEN
    try:
        _leave_podlet(folder, told, bound=bound)
        try:
            status = Supervisor(start, folder, told).run()
        except OSError as error:
            traceback.print_exc()
            say(told, Unwritten(id=start.attempt_id, message=str(error)))
            status = child.UNWRITTEN
    except BaseException:  # noqa: BLE001 - this fork must never go on as the podlet
        traceback.print_exc()
    finally:
        os._exit(status)


def ask_to_stop(pid: int, folder: Path, stop: Stop) -> float:
    """Tell a supervisor to end its pod, which keeps to the grace; after so many seconds it may be killed itself."""
    own = PodFolder(folder)
    own.ask_to_stop(stop)
    processes.send(pid, signal.SIGTERM)
    grace = own.find_grace()
    return (stop.grace_seconds if grace is None else grace) + _STOP_MARGIN


def find_detail(folder: Path) -> dict[str, Any]:
    """What the supervisor saw of its containers; empty where it could not say."""
    return PodFolder(folder).find_detail()


def clean_up(attempt_id: str) -> None:
    """What a supervisor that was killed could not remove outside its folder."""
    limits.remove_left(group_name(attempt_id, ""))


def _leave_podlet(folder: Path, told: int, *, bound: bool) -> None:
    """Keep nothing of the podlet's: its sockets and its lock would outlive it in us."""
    os.closerange(3, told)
    os.closerange(told + 1, os.sysconf("SC_OPEN_MAX"))
    os.setsid()
    if bound:
        system.die_with_parent()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    random.seed()
    os.chdir(folder)
