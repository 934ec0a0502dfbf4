"""`@task_group`: a function that makes a group of tasks when called, or one per element when expanded."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tradewind.sdk import errors, expansion
from tradewind.sdk.group import TaskGroup
from tradewind.sdk.mapped import refuse_twice

_OPTIONS = frozenset(inspect.signature(TaskGroup.__init__).parameters) - {"self", "expand_input"}


class GroupFactory:
    """A decorated function. Calling it makes the group; it gives what the function returns, else the group."""

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        self.function = function
        self.options: dict[str, Any] = {"group_id": getattr(function, "__name__", "group"), **options}
        self.given = dict(given)
        self.about = f"task group {self.options['group_id']!r}"
        unknown = {name: value for name, value in self.options.items() if name not in _OPTIONS}
        if unknown:
            raise errors.unknown_arguments(self.about, unknown, _OPTIONS)
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._make(None, *args, **{**self.given, **kwargs})

    def _make(self, expand_input: expansion.ExpandInput | None, *args: Any, **kwargs: Any) -> Any:
        with TaskGroup(**self.options, add_suffix_on_collision=True, expand_input=expand_input) as group:
            if self.function.__doc__:
                group.tooltip = group.tooltip or self.function.__doc__
                group.doc_md = group.doc_md or self.function.__doc__
            returned = self.function(*args, **kwargs)
        return group if returned is None else returned

    def override(self, **kwargs: Any) -> GroupFactory:
        """The same function with other arguments of the group."""
        return GroupFactory(self.function, {**self.options, **kwargs}, self.given)

    def partial(self, **kwargs: Any) -> GroupFactory:
        """The same function with some of its own arguments given."""
        self._refuse_names("partial", kwargs)
        refuse_twice(self.about, self.given, kwargs)
        return GroupFactory(self.function, self.options, {**self.given, **kwargs})

    def expand(self, **mapped: Any) -> Any:
        """The group once per element of these lists."""
        expansion.check_expand(self.about, mapped)
        self._refuse_names("expand", mapped)
        refuse_twice(self.about, self.given, mapped)
        expand_input = expansion.DictOfListsExpandInput(mapped)
        stubs = {name: expansion.MappedArgument(expand_input, name) for name in mapped}
        return self._make(expand_input, **self.given, **stubs)

    def expand_kwargs(self, kwargs: Any) -> Any:
        """The group once per dict of arguments."""
        expansion.check_expand_kwargs(self.about, kwargs)
        parameters = inspect.signature(self.function).parameters
        if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters.values()):
            said = "expand_kwargs() cannot tell which arguments a function with * or ** takes"
            raise errors.ArgumentProblem.of("variadic-group", self.about, said, "name the function's parameters")
        expand_input = expansion.ListOfDictsExpandInput(kwargs)
        stubs = {name: expansion.MappedArgument(expand_input, name) for name in parameters if name not in self.given}
        return self._make(expand_input, **self.given, **stubs)

    def _refuse_names(self, method: str, given: Mapping[str, Any]) -> None:
        parameters = inspect.signature(self.function).parameters
        if any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters.values()):
            return
        unknown = {name: value for name, value in given.items() if name not in parameters}
        if unknown:
            raise errors.unknown_arguments(f"{self.about}, {method}()", unknown, list(parameters))


def task_group(python_callable: Any = None, **options: Any) -> Any:
    """`@task_group` and `@task_group(...)` alike."""
    if callable(python_callable):
        return GroupFactory(python_callable, options, {})
    if isinstance(python_callable, str):
        options = {"group_id": python_callable, **options}
    return lambda function: GroupFactory(function, options, {})
