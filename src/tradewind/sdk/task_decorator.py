"""`@task`, its kinds (`@task.branch`, `@task.bash`, …), `@setup`, `@teardown`: functions that become tasks."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from tradewind.sdk import arguments, callables, conditions, decorated, errors, expansion, provider_packages, scope
from tradewind.sdk.mapped import MappedOperator, known_arguments, refuse_twice
from tradewind.sdk.operator import BaseOperator
from tradewind.sdk.states import TriggerRule
from tradewind.sdk.xcom_arg import XComArg

_WITHOUT_FUNCTION = ("python_callable", "op_args", "op_kwargs")


class TaskFactory:
    """A decorated function. Calling it makes a task and gives a reference to its result."""

    _airflow_is_task_decorator = True

    def __init__(
        self,
        function: Any,
        operator_class: type[BaseOperator],
        kwargs: Mapping[str, Any],
        *,
        multiple_outputs: bool | None = None,
        is_setup: bool = False,
        is_teardown: bool = False,
        on_failure_fail_dagrun: bool = False,
    ) -> None:
        self.function = function
        self.operator_class = operator_class
        self.kwargs: dict[str, Any] = {"task_id": getattr(function, "__name__", "task"), **kwargs}
        self.is_setup = is_setup
        self.is_teardown = is_teardown
        self.on_failure_fail_dagrun = on_failure_fail_dagrun
        self.given_outputs = multiple_outputs
        self.multiple_outputs = _returns_mapping(function) if multiple_outputs is None else multiple_outputs
        self._check()
        functools.update_wrapper(self, function)

    def _check(self) -> None:
        kind = getattr(self.operator_class, "custom_operator_name", "task").lstrip("@")
        about = f"@{kind} function {self.kwargs['task_id']!r}"
        if not callable(self.function):
            said = f"a decorator needs a function, got {type(self.function).__name__}"
            raise errors.ArgumentProblem.of("wrong-type", about, said, "name the arguments: @task(task_id='...')")
        if "self" in inspect.signature(self.function).parameters:
            raise errors.ArgumentProblem.of(
                "method", about, "a method cannot be a task", "use a function outside of the class"
            )
        for name, value in self.kwargs.items():
            if name in arguments.DEFAULTS and value is not None:
                arguments.settle(about, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> XComArg:
        options = self._options()
        fail_run = bool(options.pop("on_failure_fail_dagrun", self.on_failure_fail_dagrun))
        own = dict(options.pop("op_kwargs", None) or {})
        operator = self.operator_class(
            python_callable=self.function,
            op_args=args,
            op_kwargs={**own, **kwargs},
            multiple_outputs=self.multiple_outputs,
            **options,
        )
        operator.is_setup = self.is_setup
        operator.is_teardown = self.is_teardown
        operator.on_failure_fail_dagrun = fail_run
        docs = (operator.__dict__.get(name) for name in ("doc", "doc_md", "doc_json", "doc_yaml", "doc_rst"))
        if self.function.__doc__ and not any(docs):
            operator.__dict__["doc_md"] = self.function.__doc__
        return XComArg(operator)

    def _options(self) -> dict[str, Any]:
        options = dict(self.kwargs)
        if self.is_teardown:
            if "trigger_rule" in options:
                said = "a teardown's trigger rule cannot be chosen"
                raise errors.ValueProblem.of(
                    "teardown-rule", f"task {options['task_id']!r}", said, "take trigger_rule away"
                )
            options["trigger_rule"] = TriggerRule.ALL_DONE_SETUP_SUCCESS
        return options

    def override(self, **kwargs: Any) -> TaskFactory:
        """The same function with other arguments of the task."""
        outputs = kwargs.pop("multiple_outputs", self.given_outputs)
        return self._again({**self.kwargs, **kwargs}, multiple_outputs=outputs)

    def partial(self, **kwargs: Any) -> TaskFactory:
        """The same function with some of its own arguments given."""
        about = f"task {self.kwargs['task_id']!r}"
        self._refuse_names(about, "partial", kwargs)
        own = self.kwargs.get("op_kwargs") or {}
        refuse_twice(about, own, kwargs)
        return self._again({**self.kwargs, "op_kwargs": {**own, **kwargs}}, multiple_outputs=self.given_outputs)

    def _again(self, kwargs: dict[str, Any], *, multiple_outputs: bool | None) -> TaskFactory:
        return TaskFactory(
            self.function,
            self.operator_class,
            kwargs,
            multiple_outputs=multiple_outputs,
            is_setup=self.is_setup,
            is_teardown=self.is_teardown,
            on_failure_fail_dagrun=self.on_failure_fail_dagrun,
        )

    def _refuse_names(self, about: str, method: str, given: Mapping[str, Any]) -> None:
        if taken := [name for name in given if name in callables.CONTEXT_KEYS]:
            said = f"{method}() cannot set {', '.join(map(repr, taken))}, which the context fills"
            raise errors.ValueProblem.of("context-name", about, said, "give the parameter another name")
        parameters = inspect.signature(self.function).parameters
        if any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters.values()):
            return
        unknown = {name: value for name, value in given.items() if name not in parameters}
        if unknown:
            raise errors.unknown_arguments(f"{about}, {method}()", unknown, list(parameters))

    def expand(self, **mapped: Any) -> XComArg:
        """One attempt per element of these lists (of their product, where there are several)."""
        about = f"task {self.kwargs['task_id']!r}"
        expansion.check_expand(about, mapped)
        self._refuse_names(about, "expand", mapped)
        refuse_twice(about, self.kwargs.get("op_kwargs") or {}, mapped)
        self._refuse_always(about, mapped.values())
        return self._expand(expansion.DictOfListsExpandInput(mapped), strict=False)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> XComArg:
        """One attempt per dict of arguments."""
        about = f"task {self.kwargs['task_id']!r}"
        expansion.check_expand_kwargs(about, kwargs)
        self._refuse_always(about, [kwargs])
        return self._expand(expansion.ListOfDictsExpandInput(kwargs), strict=strict)

    def _refuse_always(self, about: str, values: Any) -> None:
        rule = str(getattr(self.kwargs.get("trigger_rule"), "value", self.kwargs.get("trigger_rule")))
        if rule == "always" and any(isinstance(value, XComArg) for value in values):
            said = "a task with trigger rule 'always' cannot wait for the list that it is mapped over"
            raise errors.ValueProblem.of("always-mapped", about, said, "use all_done, or map over a literal list")

    def _expand(self, expand_input: expansion.ExpandInput, *, strict: bool) -> XComArg:
        options = self._options()
        dag = options.pop("dag", None) or scope.current_dag()
        group = options.pop("task_group", None) or (scope.current_group(dag) if dag is not None else None)
        own_defaults = options.pop("default_args", None)
        defaults, params = arguments.merged(dag, group, options.pop("params", None), own_defaults)
        task_id = decorated.unique_task_id(options.pop("task_id"), dag, group)
        fail_run = bool(options.pop("on_failure_fail_dagrun", self.on_failure_fail_dagrun))
        unknown = {name: value for name, value in options.items() if name not in known_arguments(self.operator_class)}
        if unknown and not getattr(self.operator_class, "takes_any", False):
            raise errors.unknown_arguments(f"task {task_id!r}", unknown, known_arguments(self.operator_class))
        common = {name: value for name, value in {**defaults, **options}.items() if name in arguments.DEFAULTS}
        operator = MappedOperator(
            operator_class=self.operator_class,
            expand_input=expand_input,
            partial_kwargs={
                **options,
                "op_args": (),
                "op_kwargs": options.get("op_kwargs") or {},
                "python_callable": self.function,
                "multiple_outputs": self.multiple_outputs,
            },
            common={**common, "multiple_outputs": self.multiple_outputs},
            task_id=group.child_id(task_id) if group is not None else task_id,
            dag=dag,
            task_group=group,
            params=params,
            default_args=dict(own_defaults or {}),
            strict=strict,
            into_op_kwargs=True,
        )
        operator.is_setup = self.is_setup
        operator.is_teardown = self.is_teardown
        operator.on_failure_fail_dagrun = fail_run
        return XComArg(operator)

    def __repr__(self) -> str:
        return f"<@task {self.kwargs['task_id']!r}>"


def _returns_mapping(function: Callable[..., Any]) -> bool:
    """Whether the return annotation is a dict: then each key becomes an XCom too."""
    annotation = getattr(function, "__annotations__", {}).get("return")
    if annotation is None:
        return False
    names = {"Any": Any, "Dict": dict, "Mapping": Mapping, **vars(typing), **getattr(function, "__globals__", {})}
    try:
        while isinstance(annotation, str):  # in quotes and below `from __future__ import annotations`: a text of a text
            annotation = eval(annotation, names)  # noqa: S307 - the file's own annotation, as typing does
    except Exception:  # noqa: BLE001 - a name that exists only for type checkers
        return False
    kind = typing.get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, Mapping)


def factory(
    operator_class: type[BaseOperator], function: Any = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> Any:
    """`@kind` and `@kind(...)` alike."""
    if function is not None:
        if not callable(function):
            said = f"arguments must be named, got {function!r}"
            raise errors.ArgumentProblem.of("positional", "@task", said, "write @task(task_id='...')")
        return TaskFactory(function, operator_class, kwargs, multiple_outputs=multiple_outputs)
    return lambda real: TaskFactory(real, operator_class, kwargs, multiple_outputs=multiple_outputs)


def task_decorator_factory(
    python_callable: Any = None,
    *,
    multiple_outputs: bool | None = None,
    decorated_operator_class: type[BaseOperator],
    **kwargs: Any,
) -> Any:
    """Airflow's name for making a decorator of an operator class."""
    return factory(decorated_operator_class, python_callable, multiple_outputs, **kwargs)


_KINDS: dict[str, type[BaseOperator]] = {
    "python": decorated.PythonDecorated,
    "branch": decorated.BranchDecorated,
    "short_circuit": decorated.ShortCircuitDecorated,
    "sensor": decorated.SensorDecorated,
    "bash": decorated.BashDecorated,
    "virtualenv": decorated.VirtualenvDecorated,
    "external_python": decorated.ExternalPythonDecorated,
    "branch_virtualenv": decorated.BranchVirtualenvDecorated,
    "branch_external_python": decorated.BranchExternalPythonDecorated,
}
_NOT_HERE = {
    "docker": "no Docker is asked here; use @task.kubernetes with the image, or @task.virtualenv with its packages",
}
_OF_PODS = ("kubernetes", "kubernetes_cmd")


class TaskDecorators:
    """`task`: called it is `@task`, its attributes are the kinds."""

    def __call__(self, python_callable: Any = None, multiple_outputs: bool | None = None, **kwargs: Any) -> Any:
        return factory(decorated.PythonDecorated, python_callable, multiple_outputs, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in ("run_if", "skip_if"):
            return getattr(conditions, name)
        kind = _KINDS.get(name) or _kind_of_pod(name)
        if kind is None and name not in _NOT_HERE and (made := provider_packages.decorator(name)) is not None:
            return made
        return functools.partial(factory, kind or _foreign(name))


def _kind_of_pod(name: str) -> type[BaseOperator] | None:
    """Loaded when a file asks for it: few do, and pods bring more with them than functions."""
    if name not in _OF_PODS:
        return None
    from tradewind.sdk.operators import pod_function

    return pod_function.KINDS[name]


@functools.cache
def _foreign(name: str) -> type[BaseOperator]:
    why = _NOT_HERE.get(name, "its provider is not among those that run here; use @task with the library, or a pod")
    made: type[BaseOperator] = type(
        f"_{name.title().replace('_', '')}Decorated",
        (decorated.ForeignDecorated,),
        {"kind": name, "why": why, "custom_operator_name": f"@task.{name}", "__module__": __name__},
    )
    return made


task = TaskDecorators()


def setup(function: Any) -> Any:
    """`@setup`: the function's task prepares what others need."""
    return _marked(function, is_setup=True)


def teardown(_func: Any = None, *, on_failure_fail_dagrun: bool = False) -> Any:
    """`@teardown`: the function's task cleans up, whatever became of the tasks before it."""
    if _func is None:
        return lambda function: teardown(function, on_failure_fail_dagrun=on_failure_fail_dagrun)
    return _marked(_func, is_teardown=True, on_failure_fail_dagrun=on_failure_fail_dagrun)


def _marked(function: Any, **marks: bool) -> TaskFactory:
    from tradewind.sdk.group_decorator import GroupFactory

    if isinstance(function, GroupFactory):
        said = "a group cannot be a setup or teardown"
        raise errors.DagProblem.of(
            "group-as-setup", f"task group {function.options['group_id']!r}", said, "mark tasks inside the group"
        )
    made = function if isinstance(function, TaskFactory) else TaskFactory(function, decorated.PythonDecorated, {})
    for name, value in marks.items():
        setattr(made, name, value)
    return made


def result(function: Any) -> Any:
    """Mark the task whose return value is the DAG's result; the mark has no effect here."""
    return function if isinstance(function, TaskFactory) else task(function)
