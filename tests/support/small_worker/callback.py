"""Calls the function that has the callback's name."""

from __future__ import annotations

from tests.support.small_worker.loading import LoadedFile
from tradewind.model.problem import Problem
from tradewind.protocol.work import CallbackWork


def run(loaded: LoadedFile, work: CallbackWork) -> Problem | None:
    """As `tradewind.worker.callback.run`."""
    try:
        loaded.names[work.which]()
    except Exception as error:  # noqa: BLE001
        return Problem(code="callback-failed", message=repr(error))
    return None
