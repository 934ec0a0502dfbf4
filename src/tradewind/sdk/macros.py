"""`macros` of templates: modules that templates use, and small arithmetic with dates."""

from __future__ import annotations

import json  # noqa: F401 - macros.json
import random as _random
import time  # noqa: F401 - macros.time
import uuid  # noqa: F401 - macros.uuid
from datetime import datetime, timedelta
from typing import Any

from tradewind.sdk import timezone  # noqa: F401 - macros.timezone

dateutil: Any


def __getattr__(name: str) -> Any:
    """`dateutil` is loaded when a template asks for it."""
    if name == "dateutil":
        import dateutil.parser

        return dateutil
    raise AttributeError(name)


def random() -> float:
    """A number from 0 to 1."""
    return _random.random()


def ds_add(ds: str, days: int) -> str:
    """A day some days later, as YYYY-MM-DD."""
    if not days:
        return str(ds)
    return (_moment(ds, "%Y-%m-%d") + timedelta(days=days)).strftime("%Y-%m-%d")


def ds_format(ds: str, input_format: str, output_format: str) -> str:
    """A date from one format into another, both of `strftime`."""
    return _moment(ds, input_format).strftime(output_format)


def ds_format_locale(ds: str, input_format: str, output_format: str, locale: str | None = None) -> str:
    """A date from a format of `strftime` into one of pendulum, in a language."""
    import pendulum

    moment = pendulum.instance(_moment(ds, input_format))
    return moment.format(output_format, locale=locale)


def datetime_diff_for_humans(dt: Any, since: Any = None) -> str:
    """How long ago, in words."""
    import pendulum

    return str(pendulum.instance(dt).diff_for_humans(None if since is None else pendulum.instance(since)))


def _moment(text: Any, format_: str) -> datetime:
    return datetime.strptime(str(text), format_)  # noqa: DTZ007 - dates in templates have no zone
