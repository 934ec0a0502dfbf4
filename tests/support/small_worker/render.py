"""Calls the function that has the task's name, for its fields."""

from __future__ import annotations

from tests.support.small_worker.loading import LoadedFile
from tradewind.protocol.work import RenderReport, RenderWork


def render(loaded: LoadedFile, work: RenderWork) -> RenderReport:
    """As `tradewind.worker.render.render`."""
    return RenderReport(fields={"value": loaded.names[work.task.task_id]()})
