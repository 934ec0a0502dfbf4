"""`BaseSensorOperator`: asks again and again until something is true.

In mode "poke" the process waits between questions; in mode "reschedule" it ends, and the task is started anew for
each question, with the clock of `timeout` running from the first one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tradewind.sdk import errors, timezone
from tradewind.sdk.operator import BaseOperator

_WEEK_SECONDS = 7 * 24 * 60 * 60
_MODES = ("poke", "reschedule")


class PokeReturnValue:
    """An answer that carries a value for the XCom."""

    def __init__(self, is_done: bool, xcom_value: Any = None) -> None:
        self.is_done = is_done
        self.xcom_value = xcom_value

    def __bool__(self) -> bool:
        return bool(self.is_done)


class BaseSensorOperator(BaseOperator):
    """A sensor; subclasses override `poke`."""

    ui_color = "#e6f1f2"
    valid_modes = _MODES
    _is_sensor = True

    def __init__(
        self,
        *,
        poke_interval: timedelta | float = 60,
        timeout: timedelta | float | None = None,
        soft_fail: bool = False,
        mode: str = "poke",
        exponential_backoff: bool = False,
        max_wait: timedelta | float | None = None,
        silent_fail: bool = False,
        never_fail: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        about = f"task {self.task_id!r}"
        self.poke_interval = _seconds(about, "poke_interval", poke_interval)
        self.timeout = float(_WEEK_SECONDS) if timeout is None else _seconds(about, "timeout", timeout)
        self.max_wait = None if max_wait is None else timedelta(seconds=_seconds(about, "max_wait", max_wait))
        if mode not in _MODES:
            raise errors.ValueProblem.of(
                "bad-mode", about, f"there is no mode {mode!r} of a sensor", "one of poke, reschedule"
            )
        if soft_fail and never_fail:
            said = "soft_fail and never_fail exclude each other"
            raise errors.ValueProblem.of("soft-and-never", about, said, "keep one of them")
        self.mode = mode
        self.soft_fail = soft_fail
        self.exponential_backoff = exponential_backoff
        self.silent_fail = silent_fail
        self.never_fail = never_fail

    @property
    def reschedule(self) -> bool:
        """Whether its place is given up between questions."""
        return self.mode == "reschedule"

    def poke(self, context: Any) -> Any:
        """Ask once."""
        raise errors.AirflowException(f"{type(self).__name__} has no poke()")

    def execute(self, context: Any) -> Any:
        """Ask until the answer is true, or the time is over."""
        waited, began = self._clock(context)
        count = 1
        while True:
            if answer := self._ask(context):
                return answer.xcom_value if isinstance(answer, PokeReturnValue) else None
            if waited() > self.timeout:
                self._give_up(waited())
            pause = self._pause(began, waited, count)
            if self.reschedule:
                raise errors.AirflowRescheduleException(timezone.utcnow() + timedelta(seconds=pause))
            time.sleep(max(0.0, pause))
            count += 1

    def _clock(self, context: Any) -> tuple[Callable[[], float], Any]:
        if self.reschedule:
            began = context["ti"].get_first_reschedule_date(context) or timezone.utcnow()

            def waited() -> float:
                seconds: float = (timezone.utcnow() - began).total_seconds()
                return seconds

            return waited, began
        start = time.monotonic()
        return lambda: time.monotonic() - start, start

    def _ask(self, context: Any) -> Any:
        try:
            return self.poke(context)
        except (errors.AirflowSensorTimeout, errors.AirflowTaskTimeout, errors.AirflowFailException) as error:
            if self.soft_fail or self.never_fail:
                which = "soft_fail" if self.soft_fail else "never_fail"
                raise errors.AirflowSkipException(f"it failed, and {which} makes that a skip") from error
            raise
        except errors.AirflowSkipException:
            raise
        except Exception as error:
            if self.silent_fail:
                self.log.exception("the sensor's question failed; asking again")
                return False
            if self.never_fail:
                raise errors.AirflowSkipException("it failed, and never_fail makes that a skip") from error
            raise

    def _give_up(self, seconds: float) -> None:
        said = f"the sensor has waited {seconds:g} s, longer than its timeout of {self.timeout:g} s"
        if self.soft_fail:
            raise errors.AirflowSkipException(said)
        raise errors.AirflowSensorTimeout(said)

    def _pause(self, began: Any, waited: Callable[[], float], count: int) -> float:
        if not self.exponential_backoff:
            return self.poke_interval
        if self.reschedule:
            count = self._questions_in(began, waited())
        pause = min(self.timeout - int(waited()), self._backoff(began, count))
        return min(self.max_wait.total_seconds(), pause) if self.max_wait is not None else pause

    def _backoff(self, began: Any, count: int) -> float:
        """Seconds before question `count` + 1: doubled each time, with a jitter that is the same after a restart."""
        least = max(int(self.poke_interval * (2 ** (count - 2))), 1)
        seed = f"{self.dag_id}#{self.task_id}#{began}#{count}".encode()
        return least + int(hashlib.sha1(seed, usedforsecurity=False).hexdigest(), 16) % least

    def _questions_in(self, began: Any, seconds: float) -> int:
        total, count = 0.0, 0
        while total <= seconds:
            count += 1
            total += self._backoff(began, count)
        return count

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Go on after a deferral; a trigger's timeout is the sensor's."""
        try:
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except errors.TaskDeferralTimeout as error:
                raise errors.AirflowSensorTimeout(*error.args) from error
        except errors.AirflowSkipException:
            raise
        except errors.AirflowException as error:
            if self.soft_fail or self.never_fail:
                which = "soft_fail" if self.soft_fail else "never_fail"
                raise errors.AirflowSkipException(f"it failed, and {which} makes that a skip") from error
            raise


def _seconds(about: str, name: str, value: Any) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value)
    said = f"{name} must be a timedelta or a number of seconds that is not negative, got {value!r}"
    raise errors.ValueProblem.of("bad-duration", about, said, "for example timedelta(minutes=5)")


def poke_mode_only(cls: Any) -> Any:
    """Class decorator: the sensor keeps state between questions, so it cannot be rescheduled."""
    init = cls.__init__

    def checked(self: Any, **kwargs: Any) -> None:
        if kwargs.get("mode", "poke") != "poke":
            said = f"{cls.__name__} works in mode 'poke' only"
            raise errors.ValueProblem.of("bad-mode", f"task {kwargs.get('task_id')!r}", said, "take mode away")
        init(self, **kwargs)

    checked.__dict__.update(getattr(init, "__dict__", {}))
    cls.__init__ = checked
    return cls
