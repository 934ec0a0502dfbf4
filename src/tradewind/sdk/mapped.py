"""Mapped tasks: `Operator.partial(...).expand(...)`, one attempt per element, the operator made anew for each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tradewind.sdk import arguments, errors, expansion, registry, scope, setup_teardown
from tradewind.sdk.abstract_operator import AbstractOperator
from tradewind.sdk.node import check_key
from tradewind.sdk.operator import BaseOperator
from tradewind.sdk.params import ParamsDict
from tradewind.sdk.resolving import ResolveMixin
from tradewind.sdk.unset import NOTSET
from tradewind.sdk.xcom_arg import XComArg

if TYPE_CHECKING:
    from tradewind.sdk.definition import DAG
    from tradewind.sdk.group import TaskGroup

_PLACE = ("task_id", "dag", "task_group", "params", "default_args")


def known_arguments(operator_class: type[BaseOperator]) -> frozenset[str]:
    """Names of all arguments that a class and its bases take."""
    found: set[str] = set()
    for cls in operator_class.__mro__:
        found |= getattr(vars(cls).get("__init__"), "_named", frozenset())
        found |= set(vars(cls).get("_extra", ()))
    return frozenset(found)


class OperatorPartial:
    """Arguments that are the same for all elements, waiting for `expand` or `expand_kwargs`."""

    def __init__(
        self,
        operator_class: type[BaseOperator],
        *,
        task_id: str,
        dag: Any,
        task_group: Any,
        params: Any,
        kwargs: dict[str, Any],
    ) -> None:
        self.operator_class = operator_class
        self.about = f"task {task_id!r} ({operator_class.__name__})"
        check_key(task_id, "task", about=self.about)
        self._refuse_unknown("partial", kwargs)
        self.dag: DAG | None = dag or scope.current_dag()
        self.task_group: TaskGroup | None = task_group or (
            scope.current_group(self.dag) if self.dag is not None else None
        )
        own_defaults = kwargs.pop("default_args", None)
        defaults, self.params = arguments.merged(self.dag, self.task_group, params, own_defaults)
        self.default_args: dict[str, Any] = dict(own_defaults or {})
        self.task_id = task_id
        self.kwargs = kwargs
        self.common = {name: value for name, value in {**defaults, **kwargs}.items() if name in arguments.DEFAULTS}
        self._expanded = False
        self._note = registry.note

    def _refuse_unknown(self, method: str, given: Mapping[str, Any]) -> None:
        if getattr(self.operator_class, "takes_any", False):
            return
        known = known_arguments(self.operator_class)
        unknown = {name: value for name, value in given.items() if name not in known and name not in _PLACE}
        if method == "partial":
            arguments.translate_old(self.about, unknown)
        if unknown:
            raise errors.unknown_arguments(f"{self.about}, {method}()", unknown, known)

    def expand(self, **mapped: Any) -> MappedOperator:
        """Map over the product of these lists."""
        expansion.check_expand(self.about, mapped)
        self._refuse_unknown("expand", mapped)
        refuse_twice(self.about, {**self.kwargs, "task_id": 0}, mapped)
        return self._expand(expansion.DictOfListsExpandInput(mapped), strict=False)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> MappedOperator:
        """Map over a list of dicts of arguments."""
        expansion.check_expand_kwargs(self.about, kwargs)
        return self._expand(expansion.ListOfDictsExpandInput(kwargs), strict=strict)

    def _expand(self, expand_input: expansion.ExpandInput, *, strict: bool) -> MappedOperator:
        self._expanded = True
        return MappedOperator(
            operator_class=self.operator_class,
            expand_input=expand_input,
            partial_kwargs=self.kwargs,
            common=self.common,
            task_id=self.task_group.child_id(self.task_id) if self.task_group is not None else self.task_id,
            dag=self.dag,
            task_group=self.task_group,
            params=self.params,
            default_args=self.default_args,
            strict=strict,
        )

    def __del__(self) -> None:
        if not self.__dict__.get("_expanded", True):
            self._note(f"{self.about}: partial() without expand() makes no task")


def refuse_twice(about: str, partial: Mapping[str, Any], mapped: Mapping[str, Any]) -> None:
    """Refuse arguments that are given both ways."""
    if twice := [name for name in mapped if name in partial]:
        said = f"{', '.join(map(repr, twice))} given both to partial() and to expand()"
        raise errors.ArgumentProblem.of(
            "given-twice", about, said, "what differs goes to expand(), what is the same to partial()"
        )


class MappedOperator(AbstractOperator):
    """A mapped task. Common arguments are read from it as from any task; `unmap` makes the operator of one element."""

    is_mapped: ClassVar[bool] = True

    def __init__(
        self,
        *,
        operator_class: type[BaseOperator],
        expand_input: expansion.ExpandInput,
        partial_kwargs: dict[str, Any],
        common: Mapping[str, Any],
        task_id: str,
        dag: DAG | None,
        task_group: TaskGroup | None,
        params: Any,
        default_args: dict[str, Any],
        strict: bool,
        into_op_kwargs: bool = False,
    ) -> None:
        self.operator_class = operator_class
        self.expand_input = expand_input
        self.partial_kwargs = partial_kwargs
        self.task_id = task_id
        self.params = ParamsDict(params)
        self.default_args = default_args
        self.strict = strict
        self.into_op_kwargs = into_op_kwargs
        self.upstream_task_ids = set()
        self.downstream_task_ids = set()
        self.task_group = None
        self._dag = dag
        self._settle(common)
        if task_group is not None:
            task_group.add(self)
        self._refuse_nesting()
        if dag is not None:
            dag.add_task(self)
        setup_teardown.gather(self)
        XComArg.apply_upstream_relationship(self, expand_input)
        for name, value in partial_kwargs.items():
            if name in self.template_fields:
                XComArg.apply_upstream_relationship(self, value)

    def _settle(self, common: Mapping[str, Any]) -> None:
        about = f"task {self.task_id!r}"
        own = class_defaults(self.operator_class)
        for name in arguments.DEFAULTS:
            value = common.get(name, own.get(name, NOTSET))
            if value is NOTSET:
                value = arguments.default_of(name, registry.meaning())
            settled = arguments.settle(about, name, value)
            self.__dict__["_task_display_name" if name == "task_display_name" else name] = settled
        if self.__dict__["wait_for_downstream"]:
            self.__dict__["depends_on_past"] = True

    def _refuse_nesting(self) -> None:
        if next(self.mapped_groups(), None) is not None:
            said = "a task inside a mapped group cannot be mapped itself"
            hint = "Airflow cannot either; map the group over the product, or return a list from the task"
            raise errors.DagProblem.of("nested-mapping", f"task {self.task_id!r}", said, hint)

    @property
    def dag(self) -> Any:
        """Its DAG."""
        return self._dag

    @dag.setter
    def dag(self, dag: Any) -> None:
        self._dag = dag

    def get_dag(self) -> DAG | None:
        dag: DAG | None = self.__dict__.get("_dag")
        return dag

    @property
    def task_type(self) -> str:
        """Name of the operator's class."""
        return self.operator_class.__name__

    @property
    def operator_name(self) -> str:
        """The name that people see."""
        return getattr(self.operator_class, "custom_operator_name", None) or self.task_type

    @property
    def template_fields(self) -> Sequence[str]:
        """Template fields of the operator's class."""
        return self.operator_class.template_fields

    @property
    def template_ext(self) -> Sequence[str]:
        """Template file endings of the operator's class."""
        return self.operator_class.template_ext

    @property
    def ui_color(self) -> str:
        """Colour of the operator's class."""
        return self.operator_class.ui_color

    @property
    def ui_fgcolor(self) -> str:
        """Colour of the operator's class."""
        return self.operator_class.ui_fgcolor

    @property
    def python_callable(self) -> Any:
        """The function of a decorated task."""
        return self.partial_kwargs.get("python_callable")

    @property
    def log(self) -> logging.Logger:
        """The task's logger."""
        return logging.getLogger("airflow.task.operators")

    def prepare_for_execution(self) -> MappedOperator:
        """The mapped task itself; `unmap` gives what runs."""
        return self

    def expand_arguments(self, context: Mapping[str, Any], map_index: int | None = None) -> dict[str, Any]:
        """Mapped arguments of one element."""
        index = expansion.own_index(context) if map_index is None else map_index
        return self.expand_input.resolve_at(context, index)

    def unmap(self, context: Mapping[str, Any], map_index: int | None = None) -> BaseOperator:
        """Make the operator of one element. What upstream tasks returned is kept from Jinja."""
        mapped = self.expand_arguments(context, map_index)
        kwargs = dict(self.partial_kwargs)
        if self.into_op_kwargs:
            own = kwargs.get("op_kwargs") or {}
            if self.strict:
                refuse_twice(f"task {self.task_id!r}", own, mapped)
            kwargs["op_kwargs"] = {**own, **mapped}
        else:
            if self.strict:
                refuse_twice(f"task {self.task_id!r}", kwargs, mapped)
            kwargs.update(mapped)
        params = {**self.params.raw(), **(mapped.get("params") or {} if not self.into_op_kwargs else {})}
        kwargs["params"] = params
        operator = self.operator_class(
            **kwargs,
            task_id=self.task_id,
            dag=self._dag,
            task_group=self.task_group,
            default_args=self.default_args or None,
            _airflow_from_mapped=True,
        )
        self._take_over(operator, mapped)
        return operator

    def _take_over(self, operator: BaseOperator, mapped: Mapping[str, Any]) -> None:
        for name in (
            "is_setup",
            "is_teardown",
            "on_failure_fail_dagrun",
            "trigger_rule",
            "upstream_task_ids",
            "downstream_task_ids",
        ):
            object.__setattr__(operator, name, getattr(self, name))
        if isinstance(self.expand_input, expansion.DictOfListsExpandInput):
            from tradewind.templates import literal

            found = {name for name, value in self.expand_input.value.items() if isinstance(value, ResolveMixin)}
            if self.into_op_kwargs:
                fresh = {
                    name: literal(value) if name in found else value
                    for name, value in operator.__dict__["op_kwargs"].items()
                }
                operator.__dict__["op_kwargs"] = fresh
                return
            for name in found & set(operator.template_fields):
                if operator.__dict__.get(name) is mapped[name]:
                    operator.__dict__[name] = literal(mapped[name])


def class_defaults(operator_class: type[BaseOperator]) -> dict[str, Any]:
    """Defaults that a class gives to common arguments in its own constructor."""
    import inspect

    found: dict[str, Any] = {}
    classes = operator_class.__mro__[: operator_class.__mro__.index(BaseOperator)]
    for cls in reversed(classes):
        if (init := vars(cls).get("__init__")) is not None:
            for name, parameter in inspect.signature(init).parameters.items():
                if name in arguments.DEFAULTS and parameter.default is not inspect.Parameter.empty:
                    found[name] = parameter.default
    return found
