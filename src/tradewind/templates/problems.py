"""What went wrong while rendering, as data: which field, which line of its template, which name, and what to do."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Iterable
from typing import Any

import jinja2
import msgspec

_MARK = "__tradewind_field__"
_UNDEFINED_NAME = re.compile(r"^'(?P<name>\w+)' is undefined$")


class Where(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The place of a rendering error."""

    field: str = ""
    line: int = 0
    """Line of the template, from 1; 0 unknown."""
    file: str = ""
    """The template file, "" for a text in the DAG file."""
    text: str = ""
    """That line of the template."""


def mark(error: BaseException, *, field: str, template: Any) -> None:
    """Note on the error which field it came from; the outermost field wins, as users know it."""
    setattr(error, _MARK, (field, template if isinstance(template, str) else None))


def where(error: BaseException) -> Where:
    """Place of an error that left `render` or `render_fields`."""
    field, template = getattr(error, _MARK, ("", None))
    line, file = 0, ""
    if isinstance(error, jinja2.TemplateSyntaxError):
        line, file = error.lineno, error.filename or ""
    else:
        for frame, number in traceback.walk_tb(error.__traceback__):
            if "__jinja_template__" in frame.f_globals or frame.f_code.co_filename == "<template>":
                line, file = number, frame.f_code.co_filename
    file = "" if file in ("<template>", "<unknown>") else file
    lines = template.splitlines() if isinstance(template, str) and not file else []
    text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return Where(field=field, line=line, file=file, text=text)


def describe(error: BaseException, names: Iterable[str] = ()) -> tuple[str, str]:
    """(message, hint) for people. `names`: what the context holds, for near names."""
    place = where(error)
    parts = [f"field {place.field!r}"] if place.field else []
    if place.file:
        parts.append(place.file)
    if place.line:
        parts.append(f"line {place.line} of its template")
    said = str(error) or type(error).__name__
    message = f"{', '.join(parts)}: {type(error).__name__}: {said}" if parts else f"{type(error).__name__}: {said}"
    if place.text:
        message += f" in {place.text!r}"
    return message, _hint(error, said, list(names))


def _hint(error: BaseException, said: str, names: list[str]) -> str:
    if isinstance(error, jinja2.TemplateNotFound):
        return "template files are looked for beside the DAG file and in the DAG's template_searchpath"
    if isinstance(error, jinja2.TemplateSyntaxError):
        return "check the braces; text that is no template is kept with `{% raw %}` or airflow.sdk.literal(...)"
    if isinstance(error, jinja2.UndefinedError):
        found = _UNDEFINED_NAME.match(said)
        near = difflib.get_close_matches(found["name"], names, n=1) if found else []
        if near:
            return f"is {near[0]!r} meant?"
        return "`{{ name | default('…') }}` gives a value where there may be none"
    return str(getattr(error, "hint", ""))
