"""Pods and identities for the tests of this folder."""

from __future__ import annotations

from typing import Any

from tradewind.pods import manifest
from tradewind.pods.identity import Identity

WHO = Identity(
    attempt_id="a" * 20, dag_id="etl", task_id="load", run_id="manual__2026-01-01T00:00:00+00:00", try_number=2
)


def build(**arguments: Any) -> dict[str, Any]:
    """A pod from an operator's arguments, with an image where none is given."""
    return manifest.build({"image": "python:3.12", **arguments}, WHO)


def main_container(pod: dict[str, Any]) -> dict[str, Any]:
    """The container that the task runs in."""
    return manifest.base_container(pod)
