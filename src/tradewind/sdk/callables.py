"""Calling a user's function with what it asks for of the context."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from tradewind.sdk import errors

CONTEXT_KEYS = frozenset(
    {
        "asset_events", "conf", "conn", "dag", "dag_run", "data_interval_end", "data_interval_start", "ds", "ds_nodash",
        "exception", "execution_date", "expanded_ti_count", "inlet_events", "inlets", "logical_date", "macros",
        "map_index_template", "next_ds", "next_ds_nodash", "next_execution_date", "outlet_events", "outlets", "params",
        "prev_data_interval_end_success", "prev_data_interval_start_success", "prev_ds", "prev_ds_nodash",
        "prev_end_date_success", "prev_execution_date", "prev_execution_date_success", "prev_start_date_success",
        "reason", "run_id", "start_date", "task", "task_instance", "task_instance_key_str", "task_reschedule_count",
        "task_state_store",
        "templates_dict", "test_mode", "ti", "tomorrow_ds", "tomorrow_ds_nodash", "triggering_asset_events",
        "triggering_dataset_events", "try_number", "ts", "ts_nodash", "ts_nodash_with_tz", "var", "yesterday_ds",
        "yesterday_ds_nodash",
    }
)  # fmt: skip
"""Names that a function's parameters may have to be filled from the context."""


@functools.lru_cache(maxsize=4096)
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """As `inspect.signature`, remembered: forks find what was asked when their file was loaded."""
    try:
        return _signature(function)
    except TypeError:  # one that cannot be hashed
        return inspect.signature(function)


def determine_kwargs(function: Callable[..., Any], args: Collection[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `kwargs` that the function takes. Raises ValueError where one is also given by position."""
    parameters = signature_of(function).parameters
    for name, parameter in list(parameters.items())[: len(args)]:
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if name in kwargs:
            said = f"{name!r} is given twice: by its position in args, and by the context under that name"
            raise ValueError(said)
    if any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters.values()):
        return dict(kwargs)
    return {name: kwargs[name] for name in parameters if name in kwargs}


def call(function: Callable[..., Any], args: Collection[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call a function; a coroutine is run to its end."""
    result = function(*args, **kwargs)
    return run_to_end(result) if is_awaitable(result) else result


def run_to_end(result: Awaitable[Any]) -> Any:
    """What a coroutine returns. asyncio is loaded only here: it is a quarter of what a fork would have to copy."""
    import asyncio

    async def run() -> Any:
        return await result

    return asyncio.run(run())


def context_merge(context: dict[str, Any], *mappings: Mapping[str, Any] | None, **kwargs: Any) -> None:
    """Put more into a context."""
    for mapping in mappings:
        context.update(mapping or {})
    context.update(kwargs)


def context_copy_partial(source: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """Some keys of a context."""
    return {key: value for key, value in source.items() if key in keys}


def bind(
    about: str, function: Callable[..., Any], args: Collection[Any], kwargs: Mapping[str, Any], *, partly: bool
) -> None:
    """Check that a decorated function can be called so; parameters named like context keys may be left out."""
    signature = signature_of(function)
    parameters = list(signature.parameters.values())
    for parameter in parameters:
        if parameter.name in CONTEXT_KEYS and parameter.default not in (None, inspect.Parameter.empty):
            said = f"parameter {parameter.name!r} is filled from the context and can have no default but None"
            raise errors.ValueProblem.of("context-default", about, said, "give the parameter another name")
    try:
        bound = signature.bind_partial(*args, **kwargs)
    except TypeError as error:
        raise errors.ArgumentProblem.of(
            "bad-call", about, str(error), "compare the call with the function's parameters"
        ) from None
    if partly:
        return
    missing = [
        parameter.name
        for parameter in parameters
        if parameter.default is inspect.Parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and parameter.name not in CONTEXT_KEYS
        and parameter.name not in bound.arguments
    ]
    if missing:
        names = ", ".join(map(repr, missing))
        plural = "s" if len(missing) > 1 else ""
        said = f"missing a required argument{plural}: {names}"
        raise errors.ArgumentProblem.of("bad-call", about, said, "compare the call with the function's parameters")


def is_awaitable(value: Any) -> bool:
    """As `inspect.isawaitable`, without asking every abstract class about a new type: 2 ms in a fresh fork."""
    return hasattr(type(value), "__await__")
