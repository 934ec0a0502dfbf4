"""Runs one Python attempt in this process, and tells how it ended.

Called in a freshly forked child, just after the start fence was made. Never raises: whatever the user's code does ends
as a `Result` that holds everything it pushed before. How each exception ends the try is Airflow's rule.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

import msgspec

from tradewind.model import outcome as outcomes
from tradewind.model.outcome import Result
from tradewind.model.states import EndReason
from tradewind.protocol.work import PythonWork
from tradewind.sdk import callables, errors, plugin, supervision
from tradewind.sdk import context as sdk_context
from tradewind.sdk.operators.pod_steps import PodEnd, PodSteps
from tradewind.sdk.retry_policy import RetryAction, RetryDecision
from tradewind.sdk.supervision import Supervisor
from tradewind.worker import alarm, callback, output, pushing, render, resuming, secrets, tracebacks
from tradewind.worker.loading import LoadedFile
from tradewind.worker.scene import Scene
from tradewind.worker.supervisor import SocketSupervisor

_log = logging.getLogger("airflow.task")


def run(loaded: LoadedFile, work: PythonWork, supervisor: Supervisor | None = None) -> Result:
    """Run the body. `supervisor`: whom to ask, by default over the work's socket."""
    asked = supervisor or SocketSupervisor(work.supervisor_socket, work.attempt_id)
    supervision.install(asked)
    if folder := os.environ.get("TRADEWIND_ATTEMPT_DIR"):
        secrets.OWN.write_to(folder)
    output.use_descriptor_one()
    result = run_here(loaded, work, asked)
    output.flush()
    return msgspec.structs.replace(result, outcome=_hidden(result.outcome))


def run_here(loaded: LoadedFile, work: PythonWork, supervisor: Supervisor) -> Result:
    """Run the body with the streams as they are."""
    attempt = _Attempt(loaded, work, supervisor)
    ended = attempt.run()
    return Result(outcome=ended, xcoms=attempt.pushed())


_HOOKS: dict[type, str] = {
    outcomes.Success: "on_task_instance_success",
    outcomes.Failed: "on_task_instance_failed",
    outcomes.Skipped: "on_task_instance_skipped",
}
"""Hooks of listeners by how an attempt ended."""


class _Attempt:
    """One attempt, from finding its operator to its last callback."""

    def __init__(self, loaded: LoadedFile, work: PythonWork, supervisor: Supervisor) -> None:
        self._loaded = loaded
        self._work = work
        self._supervisor = supervisor
        self._scene: Scene | None = None
        self._error: BaseException | None = None

    def pushed(self) -> tuple[outcomes.XComPush, ...]:
        """What it pushed, in order."""
        return () if self._scene is None else tuple(self._scene.ti.xcoms.pushed.values())

    def run(self) -> outcomes.Outcome:
        """The outcome, callbacks done."""
        try:
            self._scene = scene = Scene(self._loaded, self._work, self._supervisor)
        except BaseException as error:  # noqa: BLE001 - the file's own code may be behind it
            return self._failed(error, entered=False)
        self._stop_on_term(scene)
        with sdk_context.set_current(scene.context):
            try:
                ended = self._body(scene)
            except BaseException as error:  # noqa: BLE001 - each kind of end is told by an exception
                ended = self._ended_by(scene, error)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            return self._called_back(scene, ended)

    # -- the body --------------------------------------------------------------------------------------------------

    def _body(self, scene: Scene) -> outcomes.Outcome:
        os.environ.update(_environment(scene))
        scene.check_params()
        scene.unmap()
        render.render_task(scene)
        scene.ti.rendered_map_index = render.map_index(scene, quietly=True)
        try:
            result = self._execute(scene, scene.task)
        except Exception:
            scene.ti.rendered_map_index = render.map_index(scene, quietly=True)
            raise
        scene.ti.rendered_map_index = render.map_index(scene)
        pushing.push_result(self._loaded, scene, result, wanted=self._work.do_xcom_push)
        return _success(scene)

    def _execute(self, scene: Scene, task: Any) -> Any:
        context, row = scene.context, self._work.task
        plugin.tell(
            self._loaded.plugins.listeners(),
            "on_task_instance_running",
            previous_state="queued",
            task_instance=scene.ti,
        )
        task.pre_execute(context)
        callback.call(task, "on_execute", context)
        execute: Callable[[Any], Any] = task.execute
        if row.next_method:
            execute = resuming.execution(task, row.next_method, row.next_kwargs)
        try:
            with alarm.limited(self._limit(scene), errors.AirflowTaskTimeout):
                result = _executed(task, execute, context)
                if callables.is_awaitable(result):
                    result = callables.run_to_end(result)
        except errors.AirflowTaskTimeout:
            _kill(task)
            raise
        task.post_execute(context, result)
        return result

    def _limit(self, scene: Scene) -> float | None:
        if self._work.timeout_seconds is not None:
            return self._work.timeout_seconds
        limit = scene.task.execution_timeout
        return None if limit is None else float(limit.total_seconds())

    def _stop_on_term(self, scene: Scene) -> None:
        own = os.getpid()

        def stop(_number: int, _frame: FrameType | None) -> None:
            if os.getpid() != own:  # a process that user code forked
                os._exit(128 + signal.SIGTERM)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            _log.error("Received SIGTERM. Terminating the task.")
            _kill(scene.task)
            raise errors.AirflowTaskTerminated

        signal.signal(signal.SIGTERM, stop)

    # -- the end ---------------------------------------------------------------------------------------------------

    def _ended_by(self, scene: Scene, error: BaseException) -> outcomes.Outcome:
        ti = scene.ti
        if isinstance(error, errors.DownstreamTasksSkipped):
            ti.skip_downstream(error.tasks)
            _log.info("Skipping downstream tasks: %s", ", ".join(ti.skips))
            return _success(scene)
        if isinstance(error, errors.AirflowSkipException):
            message = str(error)
            _log.info("Skipping the task%s", f": {message}" if message else ".")
            return outcomes.Skipped(message=message, rendered_map_index=ti.rendered_map_index)
        if isinstance(error, errors.AirflowRescheduleException):
            _log.info("Rescheduling the task for %s", error.reschedule_date)
            return outcomes.Rescheduled(at=error.reschedule_date)
        if isinstance(error, errors.LeftToEngine):
            _log.info("The rest needs no process: the engine does it (%s).", type(error.body).__name__)
            return outcomes.LeftToEngine(body=error.body, rendered_map_index=ti.rendered_map_index)
        if isinstance(error, errors.TaskDeferred):
            try:
                return resuming.deferred(error)
            except Exception as failure:  # noqa: BLE001 - a trigger that cannot be written down fails the task
                return self._failed(failure)
        return self._failed(error)

    def _failed(self, error: BaseException, *, entered: bool = True) -> outcomes.Failed:
        self._error = error
        scene = self._scene
        if isinstance(error, errors.PodFailed):
            return self._of_pod(error)
        again = not isinstance(error, (errors.AirflowFailException, errors.AirflowSensorTimeout))
        message, reason, code, number = tracebacks.first_line(error), EndReason.ERROR, None, None
        if isinstance(error, errors.AirflowTaskTimeout):
            limit = None if scene is None else self._limit(scene)
            message = str(error) or f"it ran longer than its execution timeout of {limit:g} s"
            reason = EndReason.TIMED_OUT
        elif isinstance(error, errors.AirflowTaskTerminated):
            message, reason, number = "it was told to stop by SIGTERM", EndReason.KILLED, int(signal.SIGTERM)
        elif isinstance(error, SystemExit):
            message = f"it called sys.exit({error.code!r})"
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        _log.error("Task failed: %s", tracebacks.tell(error, message))
        decision = None if scene is None or not again else _decided(scene, error)
        if decision is not None and decision.action is RetryAction.FAIL:
            again = False
        return outcomes.Failed(
            message=message,
            retry=again,
            delay_seconds=None if decision is None or not again else _delay(decision),
            error=tracebacks.name_of(error),
            reason=reason,
            exit_code=code,
            signal=number,
            entered=entered,
            rendered_map_index=None if scene is None else scene.ti.rendered_map_index,
        )

    def _of_pod(self, error: errors.PodFailed) -> outcomes.Failed:
        """Its pod failed, and nothing hid it: how is known better than by an exception."""
        _log.error("Task failed: %s", error)
        return msgspec.structs.replace(
            error.failed,
            error=tracebacks.name_of(error),
            entered=True,
            rendered_map_index=None if self._scene is None else self._scene.ti.rendered_map_index,
        )

    def _called_back(self, scene: Scene, ended: outcomes.Outcome) -> outcomes.Outcome:
        which = _HOOKS.get(type(ended))
        if which is not None:
            told = {"previous_state": "running", "task_instance": scene.ti, "error": self._error}
            plugin.tell(self._loaded.plugins.listeners(), which, **told)
        if isinstance(ended, outcomes.Success):
            callback.call(scene.task, "on_success", scene.context)
        elif isinstance(ended, outcomes.Skipped):
            callback.call(scene.task, "on_skipped", scene.context)
        elif isinstance(ended, outcomes.Failed):
            again = ended.retry and scene.ti.try_number <= scene.ti.max_tries
            scene.ti.state = "up_for_retry" if again else "failed"
            scene.context["exception"] = self._error
            callback.call(scene.task, "on_retry" if again else "on_failure", scene.context)
            return msgspec.structs.replace(ended, callbacks_ran=True)
        return ended


def _decided(scene: Scene, error: BaseException) -> RetryDecision | None:
    """What the task's retry policy says; one that raises says nothing."""
    policy = getattr(scene.task, "retry_policy", None)
    if policy is None or isinstance(error, errors.AirflowTaskTerminated):
        return None
    try:
        decision: RetryDecision = policy.evaluate(
            exception=error, try_number=scene.ti.try_number, max_tries=scene.ti.max_tries, context=scene.context
        )
        action, reason = decision.action.value, decision.reason
    except Exception as failure:  # noqa: BLE001 - the task's own failure is what counts
        _log.error("The retry policy failed, so it is not followed: %s", tracebacks.tell(failure))
        return None
    _log.info("The retry policy says %s%s", action, f": {reason}" if reason else "")
    return decision


def _delay(decision: RetryDecision) -> float | None:
    wanted = decision.retry_delay if decision.action is RetryAction.RETRY else None
    return None if wanted is None else max(wanted.total_seconds(), 0.0)


def _hidden(ended: outcomes.Outcome) -> outcomes.Outcome:
    """What is told of the end goes to people too: without the secrets that the attempt was given."""
    if isinstance(ended, (outcomes.Failed, outcomes.Skipped)):
        return msgspec.structs.replace(ended, message=secrets.OWN.hide(ended.message))
    return ended


def _executed(task: Any, execute: Callable[[Any], Any], context: Any) -> Any:
    """What it returns. A deferrable pod operator goes on in the same process: its worker waits for its pod."""
    try:
        result = execute(context)
    except errors.TaskDeferred as deferred:
        if not isinstance(deferred.trigger, PodEnd):
            raise
        return getattr(task, deferred.method_name)(context, event=deferred.trigger.wait())
    if isinstance(task, PodSteps):
        task.note_without_pod()
    return result


def _success(scene: Scene) -> outcomes.Success:
    scene.ti.state = "success"
    return outcomes.Success(
        skips=tuple(scene.ti.skips),
        skip_all_downstream=scene.ti.skip_all_downstream,
        rendered_map_index=scene.ti.rendered_map_index,
    )


def _kill(task: Any) -> None:
    try:
        task.on_kill()
    except Exception as error:  # noqa: BLE001 - it is being stopped all the same
        _log.error("on_kill failed: %s", tracebacks.tell(error))


def _environment(scene: Scene) -> dict[str, str]:
    """`AIRFLOW_CTX_*`, for programs that the task starts."""
    task, ti, date = scene.task, scene.ti, scene.dag_run.row.logical_date
    when = "AIRFLOW_CTX_EXECUTION_DATE" if scene.dag_run.meaning == "2" else "AIRFLOW_CTX_LOGICAL_DATE"
    email = task.email if isinstance(task.email, str) else ",".join(task.email or ())
    found = {
        "AIRFLOW_CTX_DAG_OWNER": task.owner,
        "AIRFLOW_CTX_DAG_EMAIL": email,
        "AIRFLOW_CTX_DAG_ID": ti.dag_id,
        "AIRFLOW_CTX_TASK_ID": ti.task_id,
        "AIRFLOW_CTX_DAG_RUN_ID": ti.run_id,
        "AIRFLOW_CTX_TRY_NUMBER": str(ti.try_number),
        when: "" if date is None else date.isoformat(),
    }
    return {name: value for name, value in found.items() if value}
