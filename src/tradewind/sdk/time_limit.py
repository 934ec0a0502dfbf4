"""`timeout`: a block of code that may take this long, by the process's alarm clock."""

from __future__ import annotations

import os
import signal
from types import TracebackType
from typing import Any

from tradewind.sdk import errors
from tradewind.sdk.hook import LoggingMixin


class timeout(LoggingMixin):  # noqa: N801 - Airflow's name
    """Raises AirflowTaskTimeout in the block when the seconds are over."""

    def __init__(self, seconds: float = 1, error_message: str = "Timeout") -> None:
        super().__init__()
        self.seconds = seconds
        self.error_message = f"{error_message}, PID: {os.getpid()}"
        self._before: Any = None

    def handle_timeout(self, signum: int, frame: Any) -> None:
        """End the block."""
        raise errors.AirflowTaskTimeout(self.error_message)

    def __enter__(self) -> timeout:
        self._before = signal.signal(signal.SIGALRM, self.handle_timeout)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
