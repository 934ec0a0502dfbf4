"""Renders and callbacks: work beside the attempts, each answered once by the request it came with.

Invariant: an answer goes to the connection that asked; when that is gone, nobody wants it and the process is ended.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Union

import msgspec

from tradewind.model.problem import Problem
from tradewind.podlet import endings, processes
from tradewind.podlet import loop as loops
from tradewind.podlet.messages import Do
from tradewind.podlet.reaper import Reaper
from tradewind.protocol import podlet as protocol
from tradewind.protocol.work import RenderReport

_MARGIN_SECONDS = 1.0
_Request = Union[protocol.Render, protocol.RunCallback]


class _Side:
    __slots__ = ("pid", "request", "too_slow")

    def __init__(self, request: _Request) -> None:
        self.request = request
        self.pid = 0
        self.too_slow = False


class Sides:
    """All that have no answer yet."""

    def __init__(self, loop: loops.Loop, folder: str, *, reaper: Reaper, tell: Callable[[Any], None]) -> None:
        self._loop = loop
        self._folder = folder
        self._reaper = reaper
        self._tell = tell
        self._numbers = count(1)
        self._sides: dict[str, _Side] = {}
        self._render = msgspec.msgpack.Decoder(RenderReport)
        self._problem: msgspec.msgpack.Decoder[Problem | None] = msgspec.msgpack.Decoder(Union[Problem, None])
        os.makedirs(folder, exist_ok=True)
        for left in os.listdir(folder):
            with suppress(OSError):
                os.unlink(f"{folder}/{left}")

    def start(self, request: _Request) -> Do:
        """What a zygote is to do."""
        one = f"side-{os.getpid()}-{next(self._numbers)}"
        side = self._sides[one] = _Side(request)
        seconds = request.work.timeout_seconds + _MARGIN_SECONDS
        self._loop.after(seconds, lambda: self._on_late(one, side))
        if isinstance(request, protocol.Render):
            return Do(id=one, folder=self._folder, render=request.work)
        return Do(id=one, folder=self._folder, callback=request.work)

    def knows(self, one: str) -> bool:
        """Whether this id is one of ours."""
        return one in self._sides

    def forked(self, one: str, pid: int) -> None:
        """It has a process."""
        side = self._sides[one]
        side.pid = pid
        if side.too_slow:
            self._kill(side)

    def done(self, one: str, status: int | None) -> None:
        """Its process ended; None: nobody knows how."""
        side = self._sides.pop(one)
        self._reaper.look_for_strays()
        path = f"{self._folder}/{one}"
        content = None
        with suppress(FileNotFoundError):
            with open(path, "rb") as file:
                content = file.read()
            os.unlink(path)
        if content is None:
            self._answer(side.request, self._died(side, status))
        elif isinstance(side.request, protocol.Render):
            report = self._render.decode(content)
            self._tell(protocol.RenderedReply(request_id=side.request.request_id, report=report))
        else:
            self._answer(side.request, self._problem.decode(content))

    def orphaned(self, one: str, pid: int) -> None:
        """Its zygote died."""
        if pid and self._reaper.has(pid):
            self._sides[one].pid = pid
            self._reaper.follow(pid, lambda status: self.done(one, status))
        else:
            self.done(one, None)

    def refused(self, one: str, problem: Problem) -> None:
        """It could not be begun."""
        self._answer(self._sides.pop(one).request, problem)

    def drop_all(self) -> None:
        """Nobody waits for an answer any more."""
        for side in self._sides.values():
            self._kill(side)
        self._sides.clear()

    def _on_late(self, one: str, side: _Side) -> None:
        if self._sides.get(one) is side:
            side.too_slow = True
            self._kill(side)

    @staticmethod
    def _kill(side: _Side) -> None:
        if side.pid:
            for pid in (side.pid, *processes.descendants(side.pid)):
                processes.send(pid, signal.SIGKILL)

    def _died(self, side: _Side, status: int | None) -> Problem:
        request = side.request
        what = "rendering its fields" if isinstance(request, protocol.Render) else f"its {request.work.which} callback"
        task = side.request.work.task
        name = "the DAG's callback" if task is None else f"task {task.task_id}"
        if side.too_slow:
            seconds = side.request.work.timeout_seconds
            return Problem(
                code="too-slow",
                object=name,
                message=f"{what} took longer than {seconds:g} s",
                hint="what it waits for belongs into a task",
            )
        return Problem(
            code="child-died",
            object=name,
            message=f"the process of {what} {endings.how(status)}",
            hint="the end of HOME/podlet.log has what it wrote",
        )

    def _answer(self, request: _Request, problem: Problem | None) -> None:
        if isinstance(request, protocol.Render):
            self._tell(protocol.RenderedReply(request_id=request.request_id, report=RenderReport(problem=problem)))
        else:
            self._tell(protocol.CallbackDone(request_id=request.request_id, problem=problem))
