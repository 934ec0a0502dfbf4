"""Control plane ↔ podlet. The control plane connects to the podlet's socket; one connection at a time is in charge.

Requests that have a `request_id` are answered once by the message named in their docstring; the others are idempotent
by attempt id and answered by events. After `Welcome` the podlet tells again every end that was not released.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Union

import msgspec

from tradewind.model.outcome import Result
from tradewind.model.problem import Problem
from tradewind.protocol.work import CallbackWork, LoadReport, LoadWork, PythonWork, RenderReport, RenderWork


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """First message of a control plane. A newer epoch takes over from an older connection."""

    version: int
    epoch: int
    supervisor_socket: str
    """Where workers ask for Variables, XComs and so on."""


class Welcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="welcome"):
    """Answer to Hello: what exists."""

    version: int
    pid: int
    release: str = ""
    """Of which program the podlet is; a control plane of another one replaces it."""
    alive: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    problem: Problem | None = None


class StartPython(msgspec.Struct, frozen=True, kw_only=True, tag="start_python"):
    """Fork a Python attempt."""

    work: PythonWork


class ImageRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands in for an image: exactly one of venv, root, path (a PATH)."""

    pattern: str
    venv: str = ""
    root: str = ""
    path: str = ""


class StartPod(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="start_pod"):
    """Run a pod's containers as processes.

    `images` maps every image of the manifest to what stands in for it; `secrets` and `configmaps` are directories
    of directories of files (name/key).
    """

    attempt_id: str
    manifest: dict[str, Any]
    images: dict[str, ImageRow] = {}
    secrets: str = ""
    configmaps: str = ""
    result: Literal["", "sidecar", "termination_message"] = ""
    """How the value of a task that pushes one is read: the directory /airflow/xcom, or the termination message."""
    base_container: str = "base"
    log_quota_bytes: int = 1 << 30
    masked: tuple[str, ...] = ()
    skip_exit_codes: tuple[int, ...] = ()
    logged: tuple[str, ...] = ("base",)
    """Containers whose output goes to the log."""
    prefixed: bool = True
    """Lines of other containers than the main one begin with their container's name."""
    rendered_map_index: str | None = None
    notes: tuple[str, ...] = ()
    """First lines of its log: what stood in, what cannot be honoured here."""


class Parse(msgspec.Struct, frozen=True, kw_only=True, tag="parse"):
    """Load a file in a fresh child that stays as its zygote. Answer: Parsed."""

    request_id: int
    work: LoadWork


class Parsed(msgspec.Struct, frozen=True, kw_only=True, tag="parsed"):
    """Answer to Parse."""

    request_id: int
    report: LoadReport


class Render(msgspec.Struct, frozen=True, kw_only=True, tag="render"):
    """Render in a child of the file's zygote. Answer: RenderedReply."""

    request_id: int
    work: RenderWork


class RenderedReply(msgspec.Struct, frozen=True, kw_only=True, tag="rendered"):
    """Answer to Render."""

    request_id: int
    report: RenderReport


class RunCallback(msgspec.Struct, frozen=True, kw_only=True, tag="callback"):
    """Run a callback in a child of the file's zygote. Answer: CallbackDone."""

    request_id: int
    work: CallbackWork


class CallbackDone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="callback_done"):
    """Answer to RunCallback."""

    request_id: int
    problem: Problem | None = None


class Stop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="stop"):
    """SIGTERM to the attempt's whole group, SIGKILL after the grace. Unknown ids are answered by Ended (Lost)."""

    attempt_id: str
    grace_seconds: float = 5
    reason: str = ""


class Release(msgspec.Struct, frozen=True, kw_only=True, tag="release"):
    """The ends are committed and the logs sealed: the attempts' directories may go."""

    attempt_ids: tuple[str, ...]


class Shutdown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="shutdown"):
    """End the podlet. `kill`: with everything that runs; otherwise only when nothing runs.

    `leave`: at once, whatever runs; that goes on, and a successor adopts it.
    """

    kill: bool = False
    leave: bool = False


class Started(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="started"):
    """The attempt's main code began (its fence was made)."""

    attempt_id: str
    at: datetime
    pid: int = 0
    detail: dict[str, Any] = {}


class Ended(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="ended"):
    """The attempt is over; told again after each Welcome until released.."""

    attempt_id: str
    at: datetime
    result: Result
    started_at: datetime | None = None
    log_bytes: int = 0
    detail: dict[str, Any] = {}


Request = Union[Hello, StartPython, StartPod, Parse, Render, RunCallback, Stop, Release, Shutdown]
Reply = Union[Welcome, Parsed, RenderedReply, CallbackDone, Started, Ended]
