"""The operators behind `@task` and its kinds: a function with the arguments of its call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from tradewind.model import dagspec
from tradewind.sdk import callables, errors
from tradewind.sdk.operator import BaseOperator
from tradewind.sdk.operators import bash, environments, python
from tradewind.sdk.sensors.function import PythonSensor
from tradewind.sdk.unset import NOTSET


class DecoratedOperator(BaseOperator):
    """A function and its arguments; mixed in before the operator that runs it."""

    template_fields: ClassVar[Sequence[str]] = ("op_args", "op_kwargs")
    template_fields_renderers: ClassVar[Mapping[str, str]] = {"op_args": "py", "op_kwargs": "py"}
    shallow_copy_attrs: ClassVar[Sequence[str]] = ("python_callable",)
    custom_operator_name: ClassVar[str] = "@task"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        task_id: str,
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        kwargs_to_upstream: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if not self._from_mapped:
            task_id = unique_task_id(task_id, kwargs.get("dag"), kwargs.get("task_group"))
        partly = bool(kwargs.get("_airflow_mapped_validation_only"))
        callables.bind(f"task {task_id!r}", python_callable, op_args or (), op_kwargs or {}, partly=partly)
        super().__init__(task_id=task_id, **(kwargs_to_upstream or {}), **kwargs)
        self.python_callable = python_callable
        self.op_args: Any = op_args or []
        self.op_kwargs: Any = op_kwargs or {}

    def _hook_apply_defaults(self, kwargs: dict[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Fill the function's parameters from default_args too."""
        function = kwargs.get("python_callable")
        if function is None:
            return kwargs
        own = dict(kwargs.get("op_kwargs") or {})
        positional = len(kwargs.get("op_args") or ())
        for place, name in enumerate(callables.signature_of(function).parameters):
            if name in defaults and name not in own and place >= positional:
                own[name] = defaults[name]
        return {**kwargs, "op_kwargs": own} if own else kwargs


def unique_task_id(task_id: str, dag: Any, group: Any) -> str:
    """The id, with a number at its end where it is taken: calling a decorated function twice makes two tasks."""
    if dag is None:
        return task_id
    full = group.child_id(task_id) if group is not None else task_id
    if full not in dag.used_ids:
        return task_id
    import re

    stem = re.split(r"__\d+$", task_id)[0]
    prefix = full[: len(full) - len(task_id)]
    number = 1
    while f"{prefix}{stem}__{number}" in dag.used_ids:
        number += 1
    return f"{stem}__{number}"


class FunctionDecorated(DecoratedOperator):
    """The kinds whose operator itself takes the function and its arguments."""

    def __init__(self, *, python_callable: Any, op_args: Any = None, op_kwargs: Any = None, **kwargs: Any) -> None:
        given = {"python_callable": python_callable, "op_args": op_args, "op_kwargs": op_kwargs}
        super().__init__(**given, kwargs_to_upstream=dict(given), **kwargs)


class PythonDecorated(FunctionDecorated, python.PythonOperator):
    """`@task`."""

    template_fields: ClassVar[Sequence[str]] = ("templates_dict", "op_args", "op_kwargs")
    custom_operator_name = "@task"


class BranchDecorated(PythonDecorated, python.BranchPythonOperator):
    """`@task.branch`."""

    custom_operator_name = "@task.branch"

    def execute(self, context: Any) -> Any:
        """Ask the function and follow its answer."""
        return self.do_branch(context, python.PythonOperator.execute(self, context))


class ShortCircuitDecorated(PythonDecorated, python.ShortCircuitOperator):
    """`@task.short_circuit`."""

    custom_operator_name = "@task.short_circuit"


class SensorDecorated(FunctionDecorated, PythonSensor):
    """`@task.sensor`."""

    custom_operator_name = "@task.sensor"


class BashDecorated(DecoratedOperator, bash.BashOperator):
    """`@task.bash`: the function returns the command."""

    template_fields: ClassVar[Sequence[str]] = ("op_args", "op_kwargs", "bash_command", "env", "cwd")
    custom_operator_name = "@task.bash"

    def __init__(self, *, python_callable: Any, op_args: Any = None, op_kwargs: Any = None, **kwargs: Any) -> None:
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs=op_kwargs,
            kwargs_to_upstream={"bash_command": NOTSET},
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        """Ask the function for the command, render it, run it."""
        callables.context_merge(context, self.op_kwargs)
        given = callables.determine_kwargs(self.python_callable, self.op_args, context)
        command = callables.call(self.python_callable, self.op_args, given)
        if not isinstance(command, str) or not command.strip():
            raise TypeError("the function of @task.bash returns the command, a text that is not empty")
        object.__setattr__(self, "bash_command", command)
        self.render_template_fields(context)
        return super().execute(context)


class VirtualenvDecorated(FunctionDecorated, environments.PythonVirtualenvOperator):
    """`@task.virtualenv`."""

    custom_operator_name = "@task.virtualenv"
    template_fields: ClassVar[Sequence[str]] = environments.PythonVirtualenvOperator.template_fields


class ExternalPythonDecorated(FunctionDecorated, environments.ExternalPythonOperator):
    """`@task.external_python`."""

    custom_operator_name = "@task.external_python"
    template_fields: ClassVar[Sequence[str]] = environments.ExternalPythonOperator.template_fields


class BranchVirtualenvDecorated(VirtualenvDecorated, environments.BranchPythonVirtualenvOperator):
    """`@task.branch_virtualenv`."""

    custom_operator_name = "@task.branch_virtualenv"

    def execute(self, context: Any) -> Any:
        """Ask the function and follow its answer."""
        return self.do_branch(context, environments.PythonVirtualenvOperator.execute(self, context))


class BranchExternalPythonDecorated(ExternalPythonDecorated, environments.BranchExternalPythonOperator):
    """`@task.branch_external_python`."""

    custom_operator_name = "@task.branch_external_python"

    def execute(self, context: Any) -> Any:
        """Ask the function and follow its answer."""
        return self.do_branch(context, environments.ExternalPythonOperator.execute(self, context))


class ForeignDecorated(DecoratedOperator):
    """A kind of `@task` that a provider would bring: keeps its place in the graph, cannot run."""

    custom_operator_name = "@task"
    kind: ClassVar[str] = ""
    why: ClassVar[str] = ""
    takes_any: ClassVar[bool] = True

    def __init__(self, *, python_callable: Any, op_args: Any = None, op_kwargs: Any = None, **kwargs: Any) -> None:
        from tradewind.sdk.arguments import DEFAULTS

        common = {
            "task_id",
            "dag",
            "task_group",
            "params",
            "default_args",
            "_airflow_mapped_validation_only",
            *DEFAULTS,
        }
        own = {name: kwargs.pop(name) for name in list(kwargs) if name not in common}
        super().__init__(python_callable=python_callable, op_args=op_args, op_kwargs=op_kwargs, **kwargs)
        self.arguments = own

    @staticmethod
    def body(task: Any) -> dagspec.Body:
        """Opaque."""
        kind = task.operator_class if task.is_mapped else type(task)
        return dagspec.OpaqueBody(classpath=kind.custom_operator_name, reason=kind.why)

    def execute(self, context: Any) -> Any:
        """Refuse."""
        raise errors.NotHereYet(f"@task.{self.kind}", self.why)
