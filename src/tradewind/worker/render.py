"""Renders a task's template fields: before its body runs, or alone, to show them or to build a pod of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tradewind import templates
from tradewind.model.outcome import Failed, Skipped
from tradewind.model.problem import Problem
from tradewind.protocol.work import RenderReport, RenderWork
from tradewind.sdk import context as sdk_context
from tradewind.sdk import errors, serde, supervision
from tradewind.sdk.supervision import Supervisor
from tradewind.worker import alarm, pod_hook, tracebacks
from tradewind.worker.asking import AskingSupervisor
from tradewind.worker.scene import Scene
from tradewind.worker.supervisor import SocketSupervisor

if TYPE_CHECKING:
    from tradewind.worker.loading import LoadedFile

_log = logging.getLogger("airflow.task")


class RenderingTooSlow(BaseException):
    """The time for rendering is over."""


def render(loaded: LoadedFile, work: RenderWork, supervisor: Supervisor | None = None) -> RenderReport:
    """Rendered fields as plain JSON: of what runs in a cluster all arguments, of others the template fields."""
    if work.pod is not None:
        return pod_hook.mutated(loaded, work, work.pod)
    asking = AskingSupervisor(supervisor or SocketSupervisor(work.supervisor_socket, work.attempt_id, purpose="render"))
    supervision.install(asking)
    try:
        with alarm.limited(work.timeout_seconds, RenderingTooSlow):
            scene = Scene(loaded, work, asking)
            with sdk_context.set_current(scene.context):
                scene.unmap()
                render_task(scene)
                index = map_index(scene, quietly=True)
                fields = _fields(scene.task)
    except RenderingTooSlow:
        said = f"rendering took longer than {work.timeout_seconds:g} s"
        return RenderReport(problem=_problem(work, "render-timeout", said, "what a template calls runs each time"))
    except errors.DagProblem as error:
        return RenderReport(problem=error.problem)
    except errors.AirflowSkipException as error:
        problem = _problem(work, "skipped-itself", tracebacks.first_line(error), "the task is skipped")
        return RenderReport(problem=problem, outcome=Skipped(message=str(error)))
    except errors.AirflowFailException as error:
        message = tracebacks.first_line(error)
        problem = _problem(work, "render-error", message, "it raised AirflowFailException: no retry follows", error)
        failed = Failed(message=message, retry=False, error=tracebacks.name_of(error))
        return RenderReport(problem=problem, outcome=failed)
    except Exception as error:  # noqa: BLE001 - the user's templates and what they call
        hint = getattr(error, "hint", "")
        return RenderReport(problem=_problem(work, "render-error", tracebacks.first_line(error), hint, error))
    return RenderReport(fields=fields, masked=tuple(asking.secrets), rendered_map_index=index)


def render_task(scene: Scene) -> None:
    """Render the task's template fields in place. Raises what its templates raise, with a hint where one is known."""
    try:
        scene.task.render_template_fields(scene.context)
    except Exception as error:
        message, hint = templates.describe(error, scene.context)
        if templates.where(error).field:
            raise TemplateFailed(message, hint) from error
        raise


class TemplateFailed(errors.AirflowException):
    """A template field cannot be rendered."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def map_index(scene: Scene, *, quietly: bool = False) -> str | None:
    """The name that a mapped task gives its element. With `quietly` a name that is not known yet is None."""
    template = getattr(scene.task, "map_index_template", None)
    if template is None or scene.ti.map_index < 0:
        return None
    try:
        return str(templates.render(template, scene.context, scene.jinja))[:250]
    except Exception as error:
        if quietly:
            return None
        message, hint = templates.describe(error, scene.context)
        raise TemplateFailed(f"map_index_template: {message}", hint) from error


def _fields(task: Any) -> dict[str, Any]:
    arguments = getattr(task, "cluster_arguments", None) or getattr(task, "pod_arguments", None)
    if callable(arguments):
        found: dict[str, Any] = arguments()
        return found
    names = [task.template_fields] if isinstance(task.template_fields, str) else list(task.template_fields)
    return {name: _plain(getattr(task, name, None)) for name in names}


def _plain(value: Any) -> Any:
    """As JSON; functions and what has no JSON form as their text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    try:
        return serde.to_plain(value)
    except Exception:  # noqa: BLE001 - shown, never used
        return str(value)


def _problem(work: RenderWork, code: str, message: str, hint: str, error: BaseException | None = None) -> Problem:
    about = f"task {work.task.task_id!r} of DAG {work.run.dag_id!r}"
    trace = "" if error is None else tracebacks.show(error)
    return Problem(code=code, object=about, message=message, hint=hint, traceback=trace)
