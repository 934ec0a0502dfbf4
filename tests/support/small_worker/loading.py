"""Loads a file by running it."""

from __future__ import annotations

import dataclasses
import os
import socket
import threading
from typing import Any

from tradewind.model.problem import Problem
from tradewind.protocol.work import LoadReport, LoadWork


@dataclasses.dataclass
class LoadedFile:
    """Its report and its names."""

    report: LoadReport
    names: dict[str, Any]


def load(work: LoadWork) -> LoadedFile:
    """Run it; an exception is a problem."""
    path = os.path.join(work.file.root, work.file.file)
    names: dict[str, Any] = {"__file__": path}
    problems: tuple[Problem, ...] = ()
    try:
        with open(path) as file:
            exec(compile(file.read(), path, "exec"), names)
    except Exception as error:  # noqa: BLE001
        problems = (Problem(code="load-error", message=repr(error)),)
    sockets = any(isinstance(value, socket.socket) for value in names.values())
    isolated = sockets or threading.active_count() > 1
    return LoadedFile(LoadReport(problems=problems, variables=(str(os.getpid()),), isolated=isolated), names)
