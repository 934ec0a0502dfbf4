"""The Jinja environment that a DAG asks for.

Strings are rendered in a sandbox in which names with one leading underscore may be read (Airflow allows them; with
two they stay closed). With `render_template_as_native_obj` Python values come out instead of text, without a sandbox,
as in Airflow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jinja2
import jinja2.nativetypes
import jinja2.sandbox

from tradewind.templates.filters import FILTERS


class _UnderscoresReadable:
    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not jinja2.sandbox.is_internal_attribute(obj, attr)


class TextEnvironment(_UnderscoresReadable, jinja2.sandbox.SandboxedEnvironment):
    """Templates give text."""


class NativeEnvironment(_UnderscoresReadable, jinja2.nativetypes.NativeEnvironment):
    """Templates give Python values."""


def environment(dag: Any = None, *, native: bool | None = None) -> jinja2.Environment:
    """Build the environment for a DAG, read by attribute: `folder`, `template_searchpath`, `template_undefined`,
    `jinja_environment_kwargs`, `user_defined_macros`, `user_defined_filters`, `render_template_as_native_obj`.

    `native` (an operator's own choice) comes before the DAG's. Without a DAG undefined names render as nothing.
    """
    if native is None:
        native = bool(getattr(dag, "render_template_as_native_obj", False))
    kind: type[jinja2.Environment] = NativeEnvironment if native else TextEnvironment
    options: dict[str, Any] = {"cache_size": 0}
    if dag is not None:
        options["undefined"] = getattr(dag, "template_undefined", None) or jinja2.StrictUndefined
        options["extensions"] = ["jinja2.ext.do"]
        if folders := _folders(dag):
            options["loader"] = jinja2.FileSystemLoader(folders)
        options.update(getattr(dag, "jinja_environment_kwargs", None) or {})
    env = kind(**options)
    env.filters.update(FILTERS)
    macros: Mapping[str, Any] | None = getattr(dag, "user_defined_macros", None)
    env.globals.update(macros or {})
    filters: Mapping[str, Any] | None = getattr(dag, "user_defined_filters", None)
    env.filters.update(filters or {})
    return env


def _folders(dag: Any) -> list[str]:
    given: str | Sequence[str] | None = getattr(dag, "template_searchpath", None)
    more = [given] if isinstance(given, str) else list(given or ())
    folder = getattr(dag, "folder", None)
    return [str(path) for path in ([folder] if folder else []) + more]
