"""What the podlet, its root zygote, its file zygotes and the attempts' processes say to each other.

All of them are forks of one program, so these have no version. `Told` comes over one pipe that all attempts share:
each is shorter than PIPE_BUF, so the kernel keeps them whole.
"""

from __future__ import annotations

from typing import Union

import msgspec

from tradewind.protocol.work import CallbackWork, LoadReport, LoadWork, PythonWork, RenderWork


class Do(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="do"):
    """Podlet → file zygote: do this in a fork (itself, where it was spawned to do one thing).

    `folder` takes what comes out of it.
    """

    id: str
    folder: str
    group: str = ""
    """A cgroup to join, which limits its memory."""
    python: PythonWork | None = None
    render: RenderWork | None = None
    callback: CallbackWork | None = None


class Spawn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="spawn"):
    """Podlet → root zygote, with a socket and a pipe for its output: fork a process that loads a file.

    `once`: it does one thing in the same process and ends, because the file leaves behind what a fork must not inherit;
    `folder` is then that of its attempt.
    """

    number: int
    load: LoadWork
    once: bool = False
    folder: str = ""


class Spawned(msgspec.Struct, frozen=True, kw_only=True, tag="spawned"):
    """Root zygote → podlet."""

    number: int
    pid: int


class Exited(msgspec.Struct, frozen=True, kw_only=True, tag="exited"):
    """Root zygote → podlet: one of its children ended; `status` as of waitpid."""

    number: int
    pid: int
    status: int


class Loaded(msgspec.Struct, frozen=True, kw_only=True, tag="loaded"):
    """File zygote → podlet: it loaded its file, and takes work (or ends, where the report says isolated)."""

    report: LoadReport


class Forked(msgspec.Struct, frozen=True, kw_only=True, tag="forked"):
    """File zygote → podlet: the work has a process."""

    id: str
    pid: int


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """File zygote → podlet: that process ended."""

    id: str
    pid: int
    status: int


class Entered(msgspec.Struct, frozen=True, kw_only=True, tag="entered"):
    """Attempt → podlet: its fence is made, the user's code begins."""

    id: str
    pid: int
    at: float


class Unwritten(msgspec.Struct, frozen=True, kw_only=True, tag="unwritten"):
    """Attempt → podlet: a file of its own could not be written, so it cannot run, or its result is lost."""

    id: str
    message: str


FromRoot = Union[Spawned, Exited]
FromZygote = Union[Loaded, Forked, Done]
Told = Union[Entered, Unwritten]
