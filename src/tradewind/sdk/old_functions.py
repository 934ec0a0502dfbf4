"""Small functions that files import from `airflow.utils`: of collections, of texts, of modules, of templates."""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import pkgutil
import re
import string
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tradewind.sdk import errors, node
from tradewind.sdk.unset import NOTSET

TemporaryDirectory = tempfile.TemporaryDirectory
_TRUE = frozenset({"on", "t", "true", "y", "yes", "1"})


def as_tuple(obj: Any) -> tuple[Any, ...]:
    """A container as a tuple, anything else as a tuple of one."""
    return tuple(obj) if hasattr(obj, "__iter__") and not isinstance(obj, str) else (obj,)


def is_container(obj: Any) -> bool:
    """Whether it can be looped over and is no text."""
    return hasattr(obj, "__iter__") and not isinstance(obj, str)


def chunks(items: list[Any], chunk_size: int) -> Iterator[list[Any]]:
    """Parts of a list, each of this length at most."""
    if chunk_size <= 0:
        raise ValueError(f"chunk_size is {chunk_size}; it is 1 or more")
    for start in range(0, len(items), chunk_size):
        yield items[start : start + chunk_size]


def reduce_in_chunks(
    fn: Callable[[Any, list[Any]], Any], iterable: list[Any], initializer: Any, chunk_size: int = 0
) -> Any:
    """Fold a list part by part."""
    if not iterable:
        return initializer
    return functools.reduce(fn, chunks(iterable, chunk_size or len(iterable)), initializer)


def as_flattened_list(iterable: Iterable[Iterable[Any]]) -> list[Any]:
    """The members of all, in one list."""
    return list(itertools.chain.from_iterable(iterable))


def merge_dicts(dict1: Mapping[Any, Any], dict2: Mapping[Any, Any]) -> dict[Any, Any]:
    """Both, also below keys that both have; the second wins."""
    merged = dict(dict1)
    for key, value in dict2.items():
        both = isinstance(merged.get(key), dict) and isinstance(value, dict)
        merged[key] = merge_dicts(merged[key], value) if both else value
    return merged


def partition(pred: Callable[[Any], bool], iterable: Iterable[Any]) -> tuple[Iterable[Any], Iterable[Any]]:
    """Those that are not so, and those that are."""
    first, second = itertools.tee(iterable)
    return itertools.filterfalse(pred, first), filter(pred, second)


def exactly_one(*args: Any) -> bool:
    """Whether one of them is true and no other."""
    return sum(map(bool, args)) == 1


def at_most_one(*args: Any) -> bool:
    """Whether no two of them are true; what was not given is not."""
    return sum(value is not NOTSET and bool(value) for value in args) <= 1


def prune_dict(val: Any, mode: str = "strict") -> Any:
    """Without members that are None, or, where the mode is `truthy`, empty; at all depths."""
    if mode not in ("strict", "truthy"):
        raise ValueError("allowed modes are 'strict' and 'truthy'")

    def is_kept(value: Any) -> bool:
        return value is not None if mode == "strict" else bool(value)

    if isinstance(val, dict):
        pruned = {key: prune_dict(value, mode) for key, value in val.items() if is_kept(value)}
        return {key: value for key, value in pruned.items() if is_kept(value)}
    if isinstance(val, list):
        return [one for one in (prune_dict(value, mode) for value in val if is_kept(value)) if is_kept(one)]
    return val


def prevent_duplicates(kwargs1: Mapping[str, Any], kwargs2: Mapping[str, Any], *, fail_reason: str) -> None:
    """Raise TypeError where both have a key."""
    twice = sorted(set(kwargs1) & set(kwargs2))
    if twice:
        raise TypeError(f"{fail_reason} argument{'s' if len(twice) > 1 else ''}: {', '.join(twice)}")


def convert_camel_to_snake(camel_str: str) -> str:
    """`CamelCase` → `camel_case`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", camel_str).lower() if camel_str else camel_str


def to_boolean(astring: str | None) -> bool:
    """Whether a text says yes."""
    return astring is not None and astring.lower() in _TRUE


def get_random_string(length: int = 8, choices: str = string.ascii_letters + string.digits) -> str:
    """Letters and digits by chance."""
    import random

    return "".join(random.choices(choices, k=length))


def validate_key(k: Any, max_length: int = 250) -> None:
    """Refuse what is no id of a task or DAG."""
    node.check_key(k, "key")
    _check_length(k, max_length)


def validate_group_key(k: Any, max_length: int = 200) -> None:
    """Refuse what is no id of a group."""
    node.check_group_key(k)
    _check_length(k, max_length)


def _check_length(k: str, longest: int) -> None:
    if len(k) > longest:
        raise errors.AirflowException(f"{k!r} is {len(k)} characters long; a key has {longest} at most")


def import_string(dotted_path: str) -> Any:
    """The object of a dotted path. Raises ImportError."""
    module, _, name = dotted_path.rpartition(".")
    if not module:
        raise ImportError(f"{dotted_path!r} names no module: a dotted path does, as in 'package.module.name'")
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError:
        raise ImportError(f"the module {module!r} has no {name!r}") from None


def is_valid_dotpath(path: str) -> bool:
    """Whether a text could be a dotted path: names of ASCII letters, digits and underscores. Raises TypeError."""
    if not isinstance(path, str):
        raise TypeError("a dotted path is a text")
    return all(part.isidentifier() and part.isascii() for part in path.split("."))


def iter_namespace(ns: Any) -> Any:
    """The modules of a namespace package."""
    return pkgutil.iter_modules(ns.__path__, ns.__name__ + ".")


def qualname(o: Any) -> str:
    """The dotted name of a class, function or object's class."""
    kind = o if isinstance(o, type) or callable(o) else type(o)
    module = getattr(kind, "__module__", "")
    name = getattr(kind, "__qualname__", type(kind).__qualname__)
    return f"{module}.{name}" if module and module != "builtins" else name


def parse_template_string(template_string: str) -> tuple[str | None, Any]:
    """A text without a template as it is, one with a template as Jinja's."""
    import jinja2

    return (None, jinja2.Template(template_string)) if "{{" in template_string else (template_string, None)


def render_template_to_string(template: Any, context: Any) -> str:
    """A Jinja template's text."""
    return str(template.render(**context))


def render_template_as_native(template: Any, context: Any) -> Any:
    """A Jinja template's value."""
    import jinja2.nativetypes

    return jinja2.nativetypes.native_concat(template.root_render_func(template.new_context(dict(context))))


def get_hostname() -> str:
    """The name of this machine."""
    import socket

    return socket.getfqdn()


def getuser() -> str:
    """The user that this process runs as."""
    import getpass

    return getpass.getuser()


def mkdirs(path: str, mode: int) -> None:
    """Make a folder and those above it."""
    os.makedirs(path, mode=mode, exist_ok=True)


def make_kwargs_callable(func: Callable[..., Any]) -> Callable[..., Any]:
    """The function, leaving out keyword arguments that it does not take."""
    from tradewind.sdk import callables

    @functools.wraps(func)
    def called(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **callables.determine_kwargs(func, args, kwargs))

    return called


def apply_lineage(function: Any) -> Any:
    """What an operator reads and writes is told by `inlets` and `outlets`; nothing else is recorded."""
    return function


def get_python_source(x: Any) -> str | None:
    """The source of a function or class; None where there is none."""
    import inspect

    try:
        return inspect.getsource(inspect.unwrap(x))
    except (OSError, TypeError):
        return None


def yaml_load(stream: Any) -> Any:
    """YAML as plain values."""
    import yaml

    return yaml.safe_load(stream)


def yaml_dump(data: Any, **kwargs: Any) -> Any:
    """Plain values as YAML."""
    import yaml

    return yaml.safe_dump(data, **kwargs)
