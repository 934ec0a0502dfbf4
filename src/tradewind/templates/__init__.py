"""Jinja rendering of template fields as DAG files expect it. Pure: files are read only through Jinja's own loader.

`has_template` answers at parse time whether rendering would change anything, so that most tasks skip it;
`environment` builds the Jinja environment that a DAG asks for; `render` walks a value and renders what is inside it.
"""

from __future__ import annotations

from tradewind.templates.detection import (
    DEFAULT_MARKERS,
    has_template,
    has_text,
    is_known_late,
    markers_of,
    resolved,
    settle,
)
from tradewind.templates.environments import environment
from tradewind.templates.literal import Literal, literal
from tradewind.templates.problems import Where, describe, where
from tradewind.templates.rendering import render, render_fields

__all__ = [
    "DEFAULT_MARKERS",
    "Literal",
    "Where",
    "describe",
    "environment",
    "has_template",
    "has_text",
    "is_known_late",
    "literal",
    "markers_of",
    "render",
    "render_fields",
    "resolved",
    "settle",
    "where",
]
