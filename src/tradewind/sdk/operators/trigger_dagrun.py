"""TriggerDagRunOperator: a run of another DAG, made by the engine, which also waits for its end.

No process runs where the arguments are plain; where they hold templates or results, a worker renders them and leaves
the rest to the engine, as does the `execute` of a subclass.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from tradewind.model import dagspec
from tradewind.sdk import errors, timezone
from tradewind.sdk.operator import BaseOperator
from tradewind.sdk.sensors.engine_wait import is_deferrable
from tradewind.sdk.states import DagRunState
from tradewind.sdk.unset import NOTSET

XCOM_RUN_ID = "trigger_run_id"
XCOM_LOGICAL_DATE_ISO = "trigger_logical_date_iso"


class TriggerDagRunOperator(BaseOperator):
    """Triggers a run of `trigger_dag_id`; its id is the XCom `trigger_run_id`."""

    template_fields: ClassVar[Sequence[str]] = (
        "trigger_dag_id", "trigger_run_id", "logical_date", "conf", "wait_for_completion", "skip_when_already_exists",
    )  # fmt: skip
    template_fields_renderers: ClassVar[Mapping[str, str]] = {"conf": "py"}
    ui_color = "#ffefeb"

    def __init__(
        self,
        *,
        trigger_dag_id: Any,
        trigger_run_id: Any = None,
        conf: Any = None,
        logical_date: Any = NOTSET,
        run_after: Any = NOTSET,
        reset_dag_run: bool = False,
        wait_for_completion: Any = False,
        poke_interval: Any = 60,
        allowed_states: Iterable[str] | None = None,
        failed_states: Iterable[str] | None = None,
        skip_when_already_exists: Any = False,
        fail_when_dag_is_paused: bool = False,
        note: str | None = None,
        deferrable: Any = NOTSET,
        openlineage_inject_parent_info: bool = True,
        execution_date: Any = NOTSET,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        about = f"task {self.task_id!r}"
        self.trigger_dag_id = trigger_dag_id
        self.trigger_run_id = trigger_run_id
        self.conf = conf
        # `execution_date` is Airflow 2's name of it.
        self.logical_date = execution_date if logical_date is NOTSET else logical_date
        self.run_after = run_after
        for name in ("logical_date", "run_after"):
            if (value := getattr(self, name)) is not NOTSET:
                errors.expect(
                    "wrong-type", about, name, value, (str, dt.datetime), words="a date or its text",
                    hint="for example '{{ ds }}'",
                )  # fmt: skip
        self.reset_dag_run = reset_dag_run
        self.wait_for_completion = wait_for_completion
        self.poke_interval = poke_interval
        self.allowed_states = _states(about, "allowed_states", allowed_states or [DagRunState.SUCCESS])
        failed = [DagRunState.FAILED] if failed_states is None else failed_states
        self.failed_states = _states(about, "failed_states", failed)
        self.skip_when_already_exists = skip_when_already_exists
        self.fail_when_dag_is_paused = fail_when_dag_is_paused
        self.note = note
        self.deferrable = is_deferrable(deferrable)
        self.openlineage_inject_parent_info = openlineage_inject_parent_info

    def native(self, context: Any) -> dagspec.NativeBody | None:
        """The run to make. While the file loads None for arguments that fail, so that the task does when it runs."""
        try:
            return self._wanted()
        except (TypeError, ValueError):
            if context is None:
                return None
            raise

    def _wanted(self) -> dagspec.TriggerRunBody:
        return dagspec.TriggerRunBody(
            dag_id=self.trigger_dag_id,
            run_id=str(self.trigger_run_id) if self.trigger_run_id else None,
            conf=_conf(self.conf),
            logical_date=_date(self.logical_date),
            run_after=_date(self.run_after),
            note=self.note or "",
            wait=bool(self.wait_for_completion),
            allowed_states=tuple(state.value for state in self.allowed_states),
            failed_states=tuple(state.value for state in self.failed_states),
            reset=self.reset_dag_run,
            skip_if_exists=bool(self.skip_when_already_exists),
            fail_when_paused=self.fail_when_dag_is_paused,
        )

    def execute(self, context: Any) -> Any:
        """Leave the run to the engine; code of a subclass after it is not reached, as in Airflow 3."""
        body = self.native(context)
        assert body is not None
        raise errors.LeftToEngine(body)

    def execute_complete(self, context: Any, event: Any = None) -> None:
        """Airflow calls it after a deferral; nothing is left to do."""


def _states(about: str, name: str, given: Iterable[str]) -> list[DagRunState]:
    try:
        return [DagRunState(str(getattr(state, "value", state))) for state in given]
    except ValueError as error:
        known = ", ".join(state.value for state in DagRunState)
        raise errors.ValueProblem.of("bad-state", about, f"{name}: {error}", f"states of a run are {known}") from None


def _conf(given: Any) -> dict[str, Any] | None:
    try:
        found = json.loads(given) if given and isinstance(given, str) else given
        json.dumps(found)
    except (TypeError, ValueError):
        raise ValueError(f"conf cannot be written as JSON: {given}") from None
    if not found:
        return None
    if not isinstance(found, dict):
        raise TypeError(f"conf must be a dict, got {type(found).__name__}: {found!r}")
    return found


def _date(given: Any) -> str | None:
    if given is NOTSET or given is None:
        return None
    at = timezone.parse(given) if isinstance(given, str) else timezone.convert_to_utc(given)
    return timezone.to_plain(at).isoformat()
