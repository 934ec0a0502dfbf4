"""Calls the user's callbacks: beside a body that just ended, or in a process of its own for what the engine decided."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from tradewind.model.problem import Problem
from tradewind.protocol.work import CallbackWork
from tradewind.sdk import callables, supervision
from tradewind.sdk import context as sdk_context
from tradewind.sdk.supervision import Supervisor
from tradewind.worker import deadlines, output, secrets, tracebacks
from tradewind.worker.loading import LoadedFile
from tradewind.worker.scene import Scene
from tradewind.worker.supervisor import SocketSupervisor

_log = logging.getLogger("airflow.task")


def call(thing: Any, which: str, context: Any) -> list[BaseException]:
    """Call all callbacks of a kind ("on_success", ...); a failing one is logged, and the others are called still."""
    given = getattr(thing, f"{which}_callback", None) or ()
    return _failures(
        which, [partial(one, context) for one in (given if isinstance(given, (list, tuple)) else (given,))]
    )


def run(loaded: LoadedFile, work: CallbackWork, supervisor: Supervisor | None = None) -> Problem | None:
    """Run one callback of a task or of a DAG; what went wrong, None where nothing did. Never raises."""
    supervision.install(supervisor or SocketSupervisor(work.supervisor_socket, purpose="callback"))
    output.use_descriptor_one()
    try:
        scene = Scene(loaded, work, supervision.current())
        with sdk_context.set_current(scene.context):
            scene.context["reason"] = work.reason
            if work.deadlines:
                failures = _failures(work.which, deadlines.calls(scene.dag, work, scene.context))
            elif work.task is None:
                failures = call(scene.dag, work.which, scene.context)
            else:
                scene.unmap()
                failures = call(scene.task, work.which, scene.context)
    except Exception as error:  # noqa: BLE001 - told as a problem
        failures = [error]
    finally:
        output.flush()
    if not failures:
        return None
    first = failures[0]
    return Problem(
        code="callback-failed",
        object=f"{work.which}_callback of {_about(work)}",
        message=secrets.OWN.hide(tracebacks.first_line(first)),
        hint="its own code raised it; the traceback shows where. The task's state stays as it is",
        traceback=secrets.OWN.hide(tracebacks.show(first)),
    )


def _failures(which: str, calls: Iterable[Callable[[], Any]]) -> list[BaseException]:
    called = [_failure(which, one) for one in calls]
    return [error for error in called if error is not None]


def _failure(which: str, call: Callable[[], Any]) -> BaseException | None:
    try:
        result = call()
        if callables.is_awaitable(result):
            callables.run_to_end(result)
    except Exception as error:  # noqa: BLE001 - a callback's failure changes nothing about the task
        _log.error("%s_callback failed: %s", which, tracebacks.tell(error))
        return error
    return None


def _about(work: CallbackWork) -> str:
    where = f"DAG {work.run.dag_id!r}"
    return where if work.task is None else f"task {work.task.task_id!r} of {where}"
