"""The operators behind `@task.kubernetes` and `@task.kubernetes_cmd`: functions that become pods.

Both are plain pods, described as data. `@task.kubernetes` sends the function's source and its pickled arguments into an
image that has a Python; `@task.kubernetes_cmd` asks the function for the command of any image. What is known only when
the task runs is found out where its templates are rendered; then no process of ours is left.
"""

from __future__ import annotations

import base64
import functools
import importlib
import pickle
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from msgspec.structs import replace

from tradewind.model import dagspec
from tradewind.pods import manifest
from tradewind.sdk import callables, decorated, errors, function_source, registry, xcom
from tradewind.sdk import context as sdk_context
from tradewind.sdk.operators import in_image
from tradewind.sdk.operators.pod import KubernetesPodOperator

_PART = 96 * 1024
"""The kernel takes no single variable or argument of 128 KiB."""
_LIMIT = 768 * 1024
"""Of all inputs together, as text: a pod with everything in it has to stay below etcd's 1.5 MiB."""
_PROTOCOL = 4
"""Of pickles: that of Python 3.8 and earlier, since an image may be older than we are."""
# Backticks: Kubernetes looks for its own references in what stands in $( ).
_SHELL = (
    'P=`command -v python || command -v python3` || { echo "there is no python in this image" >&2; exit 127; }; '
    'exec "$P" -c "$@"'
)


class PodFunction(decorated.DecoratedOperator, KubernetesPodOperator):
    """What both have in common: a pod named after its function."""

    shallow_copy_attrs: ClassVar[Sequence[str]] = ("python_callable",)

    def __init__(self, *, python_callable: Any, **kwargs: Any) -> None:
        kwargs.setdefault("name", f"k8s-airflow-pod-{getattr(python_callable, '__name__', 'function')}")
        super().__init__(python_callable=python_callable, **kwargs)


class KubernetesDecorated(PodFunction):
    """`@task.kubernetes`: the function runs in the pod's own Python."""

    custom_operator_name = "@task.kubernetes"
    template_fields: ClassVar[Sequence[str]] = (
        "op_args",
        "op_kwargs",
        *(name for name in KubernetesPodOperator.template_fields if name not in ("cmds", "arguments")),
    )

    def __init__(self, *, use_dill: bool = False, **kwargs: Any) -> None:
        if kwargs.pop("cmds", None) is not None or kwargs.pop("arguments", None) is not None:
            about = f"task {kwargs.get('task_id', '?')!r} (@task.kubernetes)"
            said = "cmds and arguments are its own: they run the function"
            raise errors.ArgumentProblem.of("own-argument", about, said, "take them away, or use @task.kubernetes_cmd")
        super().__init__(**kwargs)
        self.use_dill = use_dill

    def pod_arguments(self) -> dict[str, Any]:
        """Those of the pod, with the command that runs the function and the variables that carry it."""
        found = super().pod_arguments()
        output = manifest.RESULT_FILE if self.do_xcom_push else ""  # type: ignore[attr-defined]
        pickling = "dill" if self.use_dill else "pickle"
        name = self.python_callable.__name__
        source = function_source.source_of(self.python_callable, kinds=("kubernetes",))
        found["cmds"] = ["sh", "-c", _SHELL, "task", _runner(), name, pickling, output]
        carried = dict(_parts(in_image.SCRIPT, f"from __future__ import annotations\n\n{source}".encode()))
        if _has_inputs(self) and sdk_context.is_running():
            carried.update(_parts(in_image.INPUT, self._inputs()))
        size = sum(map(len, carried.values()))
        if size > _LIMIT:
            raise errors.AirflowException(
                f"the function and its arguments are {size >> 10} KiB as text, over the {_LIMIT >> 10} KiB that a pod "
                "can carry; put the data where the pod can read it, and hand over its place"
            )
        return {**found, "env_vars": _with(found.get("env_vars"), carried)}

    def _inputs(self) -> bytes:
        given = {"args": _plain(list(self.op_args)), "kwargs": _plain(dict(self.op_kwargs))}
        data: bytes = _pickling(self).dumps(given, protocol=_PROTOCOL)
        return data

    @staticmethod
    def body(task: Any) -> dagspec.Body:
        """A pod; its arguments are pickled when it is launched, since the same values need not give the same bytes."""
        body = KubernetesPodOperator.body(task)
        if isinstance(body, dagspec.PodBody) and not task.is_mapped and _has_inputs(task):
            return replace(body, templated=True)
        return body


class KubernetesCmdDecorated(PodFunction):
    """`@task.kubernetes_cmd`: the function returns the pod's command, or with `args_only` its arguments."""

    custom_operator_name = "@task.kubernetes_cmd"
    template_fields: ClassVar[Sequence[str]] = ("op_args", "op_kwargs", *KubernetesPodOperator.template_fields)
    overwrite_rtif_after_execution = True

    def __init__(self, *, args_only: bool = False, **kwargs: Any) -> None:
        if kwargs.pop("cmds", None) is not None or kwargs.pop("arguments", None) is not None:
            registry.note(
                f"task {kwargs.get('task_id', '?')!r}: cmds and arguments are not used by @task.kubernetes_cmd, whose "
                "function returns them (with args_only=True the arguments)"
            )
        super().__init__(**kwargs)
        self.args_only = args_only

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render, ask the function for its words, and render those too."""
        super().render_template_fields(context, jinja_env)
        words = self._words(context)
        object.__setattr__(self, "cmds", [] if self.args_only else words)
        object.__setattr__(self, "arguments", words if self.args_only else [])
        super().render_template_fields(context, jinja_env)

    def _words(self, context: Any) -> list[str]:
        callables.context_merge(context, self.op_kwargs)
        given = callables.determine_kwargs(self.python_callable, self.op_args, context)
        words = callables.call(self.python_callable, self.op_args, given)
        name = self.python_callable.__name__
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise TypeError(f"{name} must return a list of texts, the words of a command; it returned {words!r}")
        if not words:
            raise ValueError(f"{name} returned an empty list, which is no command")
        return words

    @staticmethod
    def body(task: Any) -> dagspec.Body:
        """A pod whose command is known when it is launched."""
        body = KubernetesPodOperator.body(task)
        return replace(body, templated=True) if isinstance(body, dagspec.PodBody) else body


KINDS: dict[str, type[PodFunction]] = {"kubernetes": KubernetesDecorated, "kubernetes_cmd": KubernetesCmdDecorated}


def kubernetes_task(python_callable: Any = None, multiple_outputs: bool | None = None, **kwargs: Any) -> Any:
    """`@task.kubernetes`, by its other name."""
    from tradewind.sdk.task_decorator import factory

    return factory(KubernetesDecorated, python_callable, multiple_outputs, **kwargs)


def kubernetes_cmd_task(python_callable: Any = None, **kwargs: Any) -> Any:
    """`@task.kubernetes_cmd`, by its other name."""
    from tradewind.sdk.task_decorator import factory

    return factory(KubernetesCmdDecorated, python_callable, **kwargs)


# -- what travels --------------------------------------------------------------------------------------------------


@functools.cache
def _runner() -> str:
    """The text of `in_image`, without what only people read."""
    text = Path(in_image.__file__).read_text(encoding="utf-8")
    return text[text.index("import base64") :]


def _parts(name: str, data: bytes) -> Iterator[tuple[str, str]]:
    """Variables that carry `data`: NAME, and where it is long NAME_1, NAME_2, ..."""
    text = base64.b64encode(data).decode()
    for number, start in enumerate(range(0, len(text), _PART)):
        yield f"{name}_{number}" if number else name, text[start : start + _PART]


def _with(variables: Any, more: Mapping[str, str]) -> Any:
    """The pod's variables, in whichever of their two forms they are, and ours."""
    if isinstance(variables, Mapping):
        return {**variables, **more}
    return [*(variables or []), *({"name": name, "value": value} for name, value in more.items())]


def _has_inputs(task: Any) -> bool:
    return bool(task.op_args or task.op_kwargs)


def _plain(value: Any) -> Any:
    """Sequences that ask the control plane for their elements are fetched: an image has nobody to ask."""
    if isinstance(value, xcom.LazyXComSequence):
        return list(value)
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    if type(value) in (list, tuple, set):
        return type(value)(_plain(item) for item in value)
    return value


def _pickling(task: KubernetesDecorated) -> ModuleType:
    if not task.use_dill:
        return pickle
    try:
        return importlib.import_module("dill")
    except ImportError as error:
        raise errors.AirflowException(
            "use_dill needs the package dill, here and in the image; without it leave use_dill away"
        ) from error
