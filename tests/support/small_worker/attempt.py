"""Calls the function that has the task's name."""

from __future__ import annotations

import json
import signal
import sys

from tests.support.small_worker.loading import LoadedFile
from tradewind.model.outcome import Failed, Result, Success, XComPush
from tradewind.model.states import EndReason
from tradewind.protocol.work import PythonWork


def run(loaded: LoadedFile, work: PythonWork) -> Result:
    """As `tradewind.worker.attempt.run`."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        value = loaded.names[work.task.task_id]()
    except SystemExit as error:
        return Result(outcome=Failed(message=f"sys.exit({error.code})", reason=EndReason.ERROR))
    except KeyboardInterrupt:
        return Result(outcome=Failed(message="stopped", reason=EndReason.KILLED, signal=int(signal.SIGTERM)))
    except BaseException as error:  # noqa: BLE001
        name = f"{type(error).__module__}.{type(error).__qualname__}"
        return Result(outcome=Failed(message=repr(error), error=name))
    push = XComPush(key="return_value", value=json.dumps(value).encode())
    return Result(outcome=Success(), xcoms=(push,))
