"""What a pod operator with code of its own does in its worker, step by step; each step may be overridden.

The order of the steps, their names and arguments are the provider's, so that what teams override and call works. The
steps themselves only ask: the pod is built here from `self`, handed over, and launched, followed and deleted by the
control plane. Invariant: one execute() has one pod.
"""

from __future__ import annotations

import functools
import importlib
import json
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tradewind.model.outcome import Failed
from tradewind.model.states import EndReason
from tradewind.pods import arguments as known
from tradewind.pods import manifest, problems
from tradewind.pods.identity import Identity
from tradewind.sdk import errors, kubernetes, kubernetes_objects, supervision
from tradewind.sdk.operators.pod_seen import SeenPod
from tradewind.sdk.pod_callbacks import ExecutionMode, KubernetesPodOperatorCallback

STEPS = (
    "execute", "execute_sync", "execute_async", "trigger_reentry", "build_pod_request_obj", "get_or_create_pod",
    "find_pod", "await_pod_start", "await_init_containers_completion", "await_pod_completion", "extract_xcom",
    "post_complete_action", "cleanup", "process_pod_deletion", "on_kill", "pre_execute", "post_execute",
)  # fmt: skip
"""What may be overridden: it is called where the provider calls it."""
NEVER_CALLED = (
    "client", "convert_config_file_to_dict", "hook", "invoke_defer_method", "is_istio_enabled", "kill_istio_sidecar",
    "log_matching_pod", "patch_already_checked", "pod_manager", "process_duplicate_label_pods",
    "_build_find_pod_label_selector", "_clean", "_get_ti_pod_labels", "_handle_api_exception", "_read_pod_events",
    "_read_pod_container_states", "_refresh_cached_properties", "_write_logs",
)  # fmt: skip
"""What the provider has beside it: nothing here would call it, so overriding it is refused."""
_NO_NAMESPACE = "-"
_log = logging.getLogger("airflow.task")


class _AsObject:
    """An attribute that holds API JSON until somebody reads it; then an object of the `kubernetes` package."""

    def __init__(self, name: str) -> None:
        self._name = f"_{name}_json"
        self._object = f"_{name}_object"

    def __get__(self, operator: Any, _owner: Any = None) -> Any:
        if operator is None:
            return None
        held = operator.__dict__
        if held.get(self._object) is None and held.get(self._name) is not None:
            held[self._object] = kubernetes_objects.pod(held[self._name])
        return held.get(self._object)

    def __set__(self, operator: Any, value: Any) -> None:
        is_json = isinstance(value, dict)
        operator.__dict__[self._name] = value if is_json else None
        operator.__dict__[self._object] = None if is_json else value


class PodSteps:
    """For `KubernetesPodOperator`."""

    pod_request_obj = _AsObject("pod_request")
    pod = _AsObject("pod")
    remote_pod = _AsObject("remote_pod")
    _killed = False
    _seen: SeenPod | None = None

    # -- the way ---------------------------------------------------------------------------------------------------

    def execute(self, context: Any) -> Any:
        """Build the pod from this operator, have it run, and give what it gave. Raises how it ended."""
        if self.deferrable:  # type: ignore[attr-defined]
            return self.execute_async(context)
        return self.execute_sync(context)

    def execute_sync(self, context: Any) -> Any:
        """The same; the worker waits for the pod's end."""
        result = None
        try:
            self._begin(context)
            self._look()
            self._call("on_pod_creation", context, pod=self._shown("remote_pod"))
            self.await_pod_start(pod=self._shown("pod"))
            self.await_init_containers_completion(pod=self._shown("pod"))
            self._call_seen("on_pod_starting", context)
            self.await_pod_completion(pod=self._shown("pod"))
            self._call_seen("on_pod_completion", context)
            self._call_seen("on_pod_teardown", context)
            if self.do_xcom_push:  # type: ignore[attr-defined]
                result = self.extract_xcom(pod=self._shown("pod"))
            self._look()
        finally:
            pod = self._shown("pod") or self._shown("pod_request_obj")
            self.post_complete_action(pod=pod, remote_pod=self._shown("remote_pod"), context=context, result=result)
        return result if self.do_xcom_push else None  # type: ignore[attr-defined]

    def execute_async(self, context: Any) -> None:
        """Have it run, and go on in `trigger_reentry` when it has ended. The worker waits: no triggerer is needed."""
        self._begin(context)
        self._call_seen("on_pod_creation", context)
        raise errors.TaskDeferred(trigger=PodEnd(self._handed()), method_name="trigger_reentry")

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> Any:
        """Go on after the pod's end."""
        result = None
        try:
            self._look()
            self.pod = self._shown("remote_pod")
            self._call("on_operator_resuming", context, pod=self._shown("pod"), event=event)
            self.await_pod_completion(pod=self._shown("pod"))
            self._call("on_pod_completion", context, pod=self._shown("pod"))
            self._call("on_pod_teardown", context, pod=self._shown("pod"))
            if self.do_xcom_push:  # type: ignore[attr-defined]
                result = self.extract_xcom(pod=self._shown("pod"))
        finally:
            pod = self._shown("pod")
            self.post_complete_action(pod=pod, remote_pod=pod, context=context, result=result)
        return result if self.do_xcom_push else None  # type: ignore[attr-defined]

    def _begin(self, context: Any) -> None:
        if self._shown("pod_request_obj") is None:
            self.pod_request_obj = self.build_pod_request_obj(context)
        self._call("on_pod_manifest_created", context, pod_request=self._shown("pod_request_obj"))
        if self._shown("pod") is None:
            self.pod = self.get_or_create_pod(pod_request_obj=self._shown("pod_request_obj"), context=context)
        seen, ti = self._handed(), context["ti"]
        # Now, so that they are there also where the task fails.
        ti.xcom_push(key="pod_name", value=seen.name)
        ti.xcom_push(key="pod_namespace", value=seen.namespace)

    # -- steps -----------------------------------------------------------------------------------------------------

    def build_pod_request_obj(self, context: Any = None, *, dry_run: bool = False) -> Any:
        """The pod, from what this operator's attributes are now."""
        arguments = {name: value for name, value in self.pod_arguments().items() if name != "do_xcom_push"}  # type: ignore[attr-defined]
        try:
            built = manifest.build(arguments, _identity(self, context), manifest.Defaults(namespace=_NO_NAMESPACE))
        except problems.BadPod as error:
            raise errors.AirflowException(str(error.problem)) from error
        if built["metadata"]["namespace"] == _NO_NAMESPACE:
            del built["metadata"]["namespace"]
        return self._as_shown(built)

    def get_or_create_pod(self, pod_request_obj: Any, context: Any) -> Any:
        """Hand the pod over; it is created when this returns. Raises AirflowException where it is refused."""
        pod = kubernetes.plain(pod_request_obj)
        ti = context["ti"]
        told = _asked(
            supervision.current().hand_over,
            ti.dag_id,
            ti.run_id,
            pod,
            self._options(),
            self._relays(),
        )
        self._seen = SeenPod(pod, told)
        self._seen.raise_without_pod()
        return self._as_shown(self._seen.request())

    def hand_job_over(self, context: Any) -> SeenPod:
        """The same for a Job; what is known when it is over, or started where nobody waits for it."""
        ti = context["ti"]
        given = self.cluster_arguments()  # type: ignore[attr-defined]
        told = _asked(supervision.current().hand_over, ti.dag_id, ti.run_id, {}, given, self._relays(), "start_job")
        self._seen = SeenPod({}, told)
        if self._relays():
            self._follow(self._seen)
        self._seen.take(_asked(supervision.current().await_pod))
        return self._seen

    def find_pod(self, namespace: str, context: Any, *, exclude_checked: bool = True) -> Any:
        """The pod of this try as it is now, None where there is none."""
        return None if self._seen is None else self._as_shown(self._seen.json())

    def await_pod_start(self, pod: Any) -> None:
        """Until its main container has begun."""
        seen = self._handed()
        seen.take(_asked(functools.partial(supervision.current().await_pod, started=True)))
        seen.raise_unless_started()

    def await_init_containers_completion(self, pod: Any) -> None:
        """They have ended when the main container has begun."""

    def await_pod_completion(self, pod: Any) -> None:
        """Until it has ended; who wants to see its lines sees them meanwhile."""
        seen = self._handed()
        if self._wants_lines():
            self._follow(seen)
        seen.take(_asked(supervision.current().await_pod))

    def extract_xcom(self, pod: Any, **_: Any) -> Any:
        """The value that it gave back."""
        found = self._handed().value()
        return None if found is None else json.loads(found)

    def post_complete_action(self, *, pod: Any, remote_pod: Any, context: Any, result: Any, **kwargs: Any) -> None:
        """What is done after the end, however it ended."""
        self.cleanup(pod=pod, remote_pod=remote_pod, xcom_result=result, context=context)
        self._call("on_pod_cleanup", context, pod=pod)

    def cleanup(self, pod: Any, remote_pod: Any, xcom_result: Any = None, context: Any = None) -> None:
        """Raise AirflowException where the pod failed, AirflowSkipException where its exit code means that."""
        if self._killed or not remote_pod or self._seen is None:
            return
        outcome = self._seen.outcome()
        if outcome is None:
            return  # something else ended the waiting, and that says how the task ends
        if isinstance(outcome, Failed) and xcom_result is not None and context and self.do_xcom_push:  # type: ignore[attr-defined]
            context["ti"].xcom_push(key="return_value", value=xcom_result)
        self.process_pod_deletion(remote_pod, reraise=False)
        self._seen.raise_failed()

    def process_pod_deletion(self, pod: Any, *, reraise: bool = True) -> bool:
        """Whether it is deleted, which the control plane does when the task has ended, by `on_finish_action`."""
        return self._seen is not None and self._seen.is_to_go(str(self._action()))

    def on_kill(self) -> None:
        """The task is being stopped: the pod too, unless `on_kill_action` keeps it."""
        self._killed = True
        action = self.__dict__.get("on_kill_action")
        if self._seen is not None and str(getattr(action, "value", action)) != "keep_pod":
            supervision.current().stop_pod("its task is stopped")

    # -- what user code sees ---------------------------------------------------------------------------------------

    @functools.cached_property
    def client(self) -> Any:
        """A `kubernetes.client.CoreV1Api`; where pods are processes of this machine, something that says so."""
        found = _client(supervision.current().get_cluster())
        for one in self._callbacks():
            one.on_sync_client_creation(client=found, operator=self)
        return found

    @property
    def hook(self) -> Any:
        """There is none: what it does is the control plane's."""
        raise errors.NotHereYet("KubernetesPodOperator.hook", "self.client is the cluster's client")

    @property
    def pod_manager(self) -> Any:
        """There is none: what it does is the control plane's."""
        raise errors.NotHereYet("KubernetesPodOperator.pod_manager", "self.client is the cluster's client")

    def note_without_pod(self) -> None:
        """execute() has returned; say so where it had no pod."""
        if self._seen is None:
            _log.warning(
                "execute() of %s never called super().execute(context): no pod was started", type(self).__name__
            )

    def _shown(self, name: str) -> Any:
        """An attribute that holds a pod: as JSON where no code of the user's can see the difference."""
        if self._shows_objects():
            return getattr(self, name)
        place = "pod_request" if name == "pod_request_obj" else name
        held = self.__dict__
        found = held.get(f"_{place}_json")
        return held.get(f"_{place}_object") if found is None else found

    def _as_shown(self, pod: dict[str, Any]) -> Any:
        return kubernetes_objects.pod(pod) if self._shows_objects() else pod

    def _shows_objects(self) -> bool:
        return bool(self.__dict__.get("callbacks")) or any(
            getattr(type(self), name) is not getattr(PodSteps, name, None)
            for name in STEPS
            if name not in ("execute", "pre_execute", "post_execute", "on_kill")
        )

    def _look(self) -> None:
        self.remote_pod = self.find_pod(self._handed().namespace, context=None)

    def _handed(self) -> SeenPod:
        if self._seen is None:
            said = "get_or_create_pod() returned a pod that super().get_or_create_pod() did not start"
            raise errors.AirflowException(f"{said}: only such a pod can be followed")
        return self._seen

    def _options(self) -> dict[str, Any]:
        arguments = self.pod_arguments()  # type: ignore[attr-defined]
        options = {name: value for name, value in arguments.items() if name not in known.MANIFEST}
        options["do_xcom_push"] = bool(self.do_xcom_push)  # type: ignore[attr-defined]
        options["base_container_name"] = str(self.base_container_name)  # type: ignore[attr-defined]
        options["on_finish_action"] = self._action()
        return options

    def _action(self) -> str:
        given = self.__dict__.get("on_finish_action")
        return str(getattr(given, "value", given) or "delete_pod")

    # -- callbacks and lines ---------------------------------------------------------------------------------------

    def _callbacks(self) -> list[Any]:
        given = self.__dict__.get("callbacks") or []
        return list(given) if isinstance(given, (list, tuple)) else [given]

    def _call(self, which: str, context: Any, **more: Any) -> None:
        """What one raises fails the task, as with the provider."""
        for one in self._callbacks():
            hook = getattr(one, which)
            hook(client=self.client, mode=ExecutionMode.SYNC, operator=self, context=context, **more)

    def _call_seen(self, which: str, context: Any) -> None:
        if self._callbacks():
            self._call(which, context, pod=self.find_pod(self._handed().namespace, context=context))

    def _relays(self) -> bool:
        """Whether this process prints the pod's lines: formatted, or where it has no log that others read."""
        return self.__dict__.get("log_formatter") is not None or "TRADEWIND_ATTEMPT_DIR" not in os.environ

    def _wants_lines(self) -> bool:
        wanted = self._relays() or self.__dict__.get("progress_callback") is not None
        none = KubernetesPodOperatorCallback.progress_callback
        return wanted or any(one.progress_callback is not none for one in self._callbacks())

    def _follow(self, seen: SeenPod) -> None:
        position, ended, relays = 0, False, self._relays()
        while not ended:
            lines, position, ended = _asked(
                functools.partial(supervision.current().read_pod_log, position, relays=relays)
            )
            for container, at, text in lines:
                if relays:
                    _log.info("%s", self._formatted(container, text))
                if container:
                    self._tell_line(seen, container, at, text)

    def _formatted(self, container: str, text: str) -> str:
        formatter = self.__dict__.get("log_formatter")
        if formatter is not None and container:
            return str(formatter(container, text))
        return f"[{container}] {text}" if container and self.container_name_log_prefix_enabled else text  # type: ignore[attr-defined]

    def _tell_line(self, seen: SeenPod, container: str, at: str, text: str) -> None:
        """A callback that fails on a line is logged; the task goes on."""
        try:
            if (own := self.__dict__.get("progress_callback")) is not None:
                own(text)
            for one in self._callbacks():
                one.progress_callback(
                    line=text,
                    client=self.client,
                    mode=ExecutionMode.SYNC,
                    container_name=container,
                    timestamp=datetime.fromisoformat(at.replace("Z", "+00:00")),
                    pod=self._shown("pod"),
                )
        except Exception:  # noqa: BLE001 - the user's own code, which only looks on
            _log.exception("a progress callback failed")


class PodEnd:
    """What a deferrable pod operator waits for; its worker waits itself."""

    def __init__(self, seen: SeenPod) -> None:
        self._seen = seen

    def wait(self) -> dict[str, Any]:
        """Until the pod has ended: the event that the provider's trigger gives."""
        self._seen.take(_asked(supervision.current().await_pod))
        return self._seen.event()


class _NoCluster:
    """Stands for the client where there is no cluster."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise errors.AirflowException(
            f"client.{name}: pods are processes of this machine here, so there is no API to call "
            "(run it with --runtime kubernetes)"
        )


def _client(cluster: Mapping[str, Any] | None) -> Any:
    if cluster is None:
        return _NoCluster()
    config: Any = importlib.import_module("kubernetes.config")
    if cluster.get("in_cluster"):
        config.load_incluster_config()
    else:
        config.load_kube_config(config_file=cluster.get("config_file") or None, context=cluster.get("context") or None)
    client: Any = importlib.import_module("kubernetes.client")
    return client.CoreV1Api()


def _identity(operator: Any, context: Any) -> Identity:
    ti = context["ti"] if context else None
    if ti is None:
        return Identity(dag_id=operator.dag_id, task_id=operator.task_id, run_id="dry-run", attempt_id="0" * 32)
    return Identity(
        attempt_id=ti.attempt_id or "0" * 32,
        dag_id=ti.dag_id,
        task_id=ti.task_id,
        run_id=ti.run_id,
        try_number=ti.try_number,
        map_index=ti.map_index,
    )


def _asked(question: Any, *given: Any) -> Any:
    """An answer; a refusal becomes an exception that fails the task with its sentence."""
    try:
        return question(*given)
    except RuntimeError as error:
        problem = getattr(error, "problem", None)
        if problem is None:
            raise
        failed = Failed(message=str(problem), retry=False, reason=EndReason.REJECTED)
        raise errors.PodFailed(failed) from error
