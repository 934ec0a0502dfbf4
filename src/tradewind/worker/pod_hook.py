"""The site's `pod_mutation_hook`, called with a pod that is about to be sent.

It runs in a child of the site's own file (Airflow's `airflow_local_settings.py`): no DAG file's code is loaded there,
and none of it in the control plane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tradewind.model.problem import Problem
from tradewind.protocol.work import RenderReport, RenderWork
from tradewind.sdk import kubernetes, kubernetes_objects
from tradewind.worker import alarm, tracebacks

if TYPE_CHECKING:
    from tradewind.worker.loading import LoadedFile

_NAME = "pod_mutation_hook"


class HookTooSlow(BaseException):
    """The time for the hook is over."""


def mutated(loaded: LoadedFile, work: RenderWork, pod: dict[str, Any]) -> RenderReport:
    """The pod as plain JSON, as the hook left it (it changes the object; what it returns counts for nothing)."""
    about = f"{_NAME} of {loaded.file.file}"
    if loaded.report.problems:
        problem = loaded.report.problems[0]
        said = f"the file cannot be loaded: {problem.message}"
        return RenderReport(problem=_problem(about, "bad-local-settings", said, problem.hint, problem.traceback))
    hook = getattr(loaded.module, _NAME, None)
    if hook is None:
        return RenderReport(fields=pod)
    try:
        with alarm.limited(work.timeout_seconds, HookTooSlow):
            given = kubernetes_objects.pod(pod)
            hook(given)
    except HookTooSlow:
        said = f"took longer than {work.timeout_seconds:g} s"
        return RenderReport(problem=_problem(about, "pod-hook-failed", said, "it is called for every pod"))
    except Exception as error:  # noqa: BLE001 - the site's code
        said, trace = tracebacks.first_line(error), tracebacks.show(error)
        return RenderReport(problem=_problem(about, "pod-hook-failed", said, "the site's administrator owns it", trace))
    return RenderReport(fields=kubernetes.plain(given))


def _problem(about: str, code: str, message: str, hint: str, trace: str = "") -> Problem:
    return Problem(code=code, object=about, message=message, hint=hint, traceback=trace)
