"""The process of one attempt (or render, or callback): from its fork to its exit.

Invariant: user code runs only behind a fence that this process made, and what it left running is ended before the
process ends. The result is on disk before the exit, so it survives the podlet.
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec

from tradewind.model.outcome import Failed, Result
from tradewind.model.states import EndReason
from tradewind.podlet import fence, limits, processes
from tradewind.podlet.messages import Do, Entered, Unwritten
from tradewind.protocol import frames
from tradewind.protocol.work import PythonWork

BARRED = 71
"""Exit code of a process whose fence was there already."""
UNWRITTEN = 74
BROKEN = 70


def run(do: Do, loaded: Any, worker: str, told: int) -> None:
    """Do it and exit; never returns. `told`: the pipe to the podlet."""
    status = BROKEN
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the file's top level may have blocked some
        processes.become_subreaper()
        _reseed()
        if do.python is not None:
            status = _attempt(do, do.python, loaded, worker, _Teller(told))
        else:
            status = _side(do, loaded, worker)
    except BaseException:  # noqa: BLE001 - whatever it is, this process ends here and the exit code tells
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _reseed() -> None:
    """Siblings must not draw the same. The standard library does that itself after a fork, numpy does not."""
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()


class _Teller:
    """The pipe to the podlet. User code may have closed it and opened something else by its number."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._inode = os.fstat(descriptor).st_ino

    def tell(self, message: Entered | Unwritten) -> None:
        with suppress(OSError):  # no podlet is there to be told; its successor reads the files
            if os.fstat(self._descriptor).st_ino == self._inode:
                os.write(self._descriptor, frames.pack(message))


def _attempt(do: Do, work: PythonWork, loaded: Any, worker: str, teller: _Teller) -> int:
    try:
        base = _redirect(do.folder)
        if do.group:
            _join(do.group)
        entered = fence.enter(do.folder, work.log_quota_bytes, base)
    except OSError as error:
        teller.tell(Unwritten(id=do.id, message=str(error)))
        return UNWRITTEN
    if not entered:
        return BARRED
    os.environ["TRADEWIND_ATTEMPT_ID"] = do.id
    os.environ["TRADEWIND_ATTEMPT_DIR"] = do.folder
    teller.tell(Entered(id=do.id, pid=os.getpid(), at=time.time()))
    with _address_space(0 if do.group else work.memory_bytes):
        result: Result = importlib.import_module(f"{worker}.attempt").run(loaded, work)
    if work.memory_bytes:
        result = _named_for_memory(result, work.memory_bytes)
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    try:
        write(f"{do.folder}/result", msgspec.msgpack.encode(result))
    except OSError as error:
        teller.tell(Unwritten(id=do.id, message=str(error)))
        return UNWRITTEN
    finally:
        _end_children()
    return 0


def _side(do: Do, loaded: Any, worker: str) -> int:
    os.environ["TRADEWIND_ATTEMPT_ID"] = do.id
    if do.render is not None:
        content: Any = importlib.import_module(f"{worker}.render").render(loaded, do.render)
    else:
        content = importlib.import_module(f"{worker}.callback").run(loaded, do.callback)
    write(f"{do.folder}/{do.id}", msgspec.msgpack.encode(content))
    _end_children()
    return 0


def _redirect(folder: str) -> int:
    """Output to one file, both streams in order; no input. Where in the file the output will begin."""
    out = os.open(f"{folder}/out", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    base = os.fstat(out).st_size
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    os.close(null)
    return base


def _join(group: str) -> None:
    descriptor = os.open(f"{group}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, limits.JOIN)
    finally:
        os.close(descriptor)


@contextmanager
def _address_space(limit: int) -> Iterator[None]:
    """Limit what this process may map; 0: no limit."""
    if not limit:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _end_children() -> None:
    if processes.children(os.getpid()):
        processes.end_tree_below(os.getpid())


def _named_for_memory(result: Result, limit: int) -> Result:
    """Python reports a limit on its address space as MemoryError; people look for a kill by memory."""
    ended = result.outcome
    if not isinstance(ended, Failed) or ended.error.rpartition(".")[2] != "MemoryError":
        return result
    message = f"It needed more memory than its limit of {limit >> 20} MiB."
    return msgspec.structs.replace(
        result, outcome=msgspec.structs.replace(ended, message=message, reason=EndReason.OOM_KILLED)
    )


def write(path: str, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    temporary = f"{path}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size > len(content):  # one of a spare directory
            os.ftruncate(descriptor, len(content))
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)
    os.rename(temporary, path)
