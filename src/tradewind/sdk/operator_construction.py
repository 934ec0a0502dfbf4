"""How an operator is constructed: `default_args` reach each class of a hierarchy that names them.

A metaclass wraps each constructor: it fills arguments from `default_args` (the DAG's, the group's, the task's own),
takes the DAG and group from the open blocks, and draws edges for results in template fields once the whole
constructor, that of the class itself, is done.
"""

from __future__ import annotations

import abc
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tradewind.sdk import arguments, errors, scope
from tradewind.sdk.xcom_arg import XComArg

if TYPE_CHECKING:
    from tradewind.sdk.operator import BaseOperator

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class BaseOperatorMeta(abc.ABCMeta):
    """Wraps each constructor so that `default_args` reach it."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> Any:
        made = super().__new__(mcs, name, bases, namespace, **kwargs)
        if "__init__" in namespace:
            made.__init__ = _with_defaults(namespace["__init__"])  # type: ignore[misc]
        return made


def _with_defaults(init: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(init)
    named = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if name != "self" and parameter.kind not in _VARIADIC
    }
    needed = [name for name, p in named.items() if p.default is inspect.Parameter.empty and name != "task_id"]

    @functools.wraps(init)
    def wrapper(self: BaseOperator, *args: Any, **kwargs: Any) -> None:
        if args:
            said = f"arguments must be named, got {len(args)} without a name"
            raise errors.ArgumentProblem.of(
                "positional", f"operator {type(self).__name__}", said, "write task_id='...', and so on"
            )
        from_mapped = bool(kwargs.pop("_airflow_from_mapped", getattr(self, "_from_mapped", False)))
        object.__setattr__(self, "_from_mapped", from_mapped)
        defaults = _prepare(kwargs)
        for name in named:
            if name not in kwargs and name in defaults:
                kwargs[name] = defaults[name]
        if missing := [name for name in needed if name not in kwargs]:
            _refuse_missing(self, missing, kwargs)
        hook = getattr(self, "_hook_apply_defaults", None)
        if hook is not None:
            kwargs = hook(kwargs, defaults)
        self.__dict__.setdefault("_given", {}).update(kwargs)
        init(self, **kwargs, default_args=defaults)
        if type(self).__init__ is wrapper:
            _finish(self)

    wrapper.__dict__["_named"] = frozenset(named)
    return wrapper


def _prepare(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Settle the DAG, the group and the defaults of a task that is being made."""
    dag = kwargs.get("dag")
    if dag is None and (dag := scope.current_dag()) is not None:
        kwargs["dag"] = dag
    group = kwargs.get("task_group")
    if dag is not None and group is None and (group := scope.current_group(dag)) is not None:
        kwargs["task_group"] = group
    defaults, params = arguments.merged(dag, group, kwargs.pop("params", None), kwargs.pop("default_args", None))
    if params:
        kwargs["params"] = params
    return defaults


def _refuse_missing(self: BaseOperator, missing: list[str], kwargs: Mapping[str, Any]) -> None:
    about = f"task {kwargs.get('task_id', '?')!r} ({type(self).__name__})"
    names = ", ".join(repr(name) for name in missing)
    plural = "s" if len(missing) > 1 else ""
    raise errors.ArgumentProblem.of(
        "missing-argument",
        about,
        f"missing keyword argument{plural} {names}",
        "give it to the operator or in default_args",
    )


def _finish(self: BaseOperator) -> None:
    object.__setattr__(self, "_instantiated", True)
    if not self.__dict__["_from_mapped"]:
        for name in self.template_fields:
            if name in self.__dict__:
                XComArg.apply_upstream_relationship(self, self.__dict__[name])
