"""`Stats`: metrics that tasks and DAG files count. Nothing collects them here; counting is no error."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any


class Stats:
    """Takes every count and keeps none."""

    @classmethod
    def incr(cls, *_: Any, **__: Any) -> None:
        """Count up."""

    @classmethod
    def decr(cls, *_: Any, **__: Any) -> None:
        """Count down."""

    @classmethod
    def gauge(cls, *_: Any, **__: Any) -> None:
        """Set a value."""

    @classmethod
    def timing(cls, *_: Any, **__: Any) -> None:
        """Tell a duration."""

    @classmethod
    @contextmanager
    def timer(cls, *_: Any, **__: Any) -> Any:
        """Time a block."""
        yield None
