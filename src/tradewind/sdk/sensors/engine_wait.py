"""Sensors whose wait is the engine's own: once it is known what they wait for, no process waits.

Where that is known when the file loads, the task never has a process; where it takes a template, a function of the
user's or the context, a worker finds it out and leaves the rest to the engine. A subclass with a `poke` of its own is
asked like any other sensor.
"""

from __future__ import annotations

from typing import Any

from tradewind.model import dagspec
from tradewind.sdk import configuration, errors
from tradewind.sdk.sensors.sensor import BaseSensorOperator
from tradewind.sdk.unset import NOTSET


class EngineSensor(BaseSensorOperator):
    """A sensor that can say what it waits for."""

    def native(self, context: Any) -> dagspec.NativeBody | None:
        """What it waits for; without a context (while the file loads) None where it is not known yet."""
        raise NotImplementedError

    def execute(self, context: Any) -> Any:
        """Leave the wait to the engine; with a `poke` of the user's, ask it again and again."""
        if not _is_ours(type(self).poke):
            return super().execute(context)
        body = self.native(context)
        assert body is not None
        raise errors.LeftToEngine(body)

    def execute_complete(self, context: Any, event: Any = None) -> None:
        """Airflow calls it after a deferral; nothing is left to do."""

    def wait_limit(self) -> float | None:
        """How long it may wait."""
        return float(self.timeout)


def _is_ours(method: Any) -> bool:
    return bool(method.__module__.startswith("tradewind."))


def is_deferrable(given: Any) -> bool:
    """Whether an operator is to give its place up, where the file does not say: the setting of the site."""
    if given is NOTSET:
        return bool(configuration.conf.getboolean("operators", "default_deferrable", fallback=False))
    return bool(given)
