"""Calling a function in another interpreter: its source and arguments are written down, its result is read back.

The function runs by itself: nothing of its module comes with it. Dates of pendulum become its own there where it is
installed, and plain datetimes where it is not.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tradewind.sdk import errors, function_source
from tradewind.sdk.operators import commands
from tradewind.sdk.xcom import LazyXComSequence

_SCRIPT = """\
from __future__ import annotations

import sys

_tradewind_folder = sys.argv[1]
with open(_tradewind_folder + "/strings.txt", encoding="utf-8") as _tradewind_file:
    virtualenv_string_args = [line.strip() for line in _tradewind_file]

{source}


def _tradewind_main():
    import {library}
    try:
        import pendulum
        kind = "args"
    except ImportError:
        kind = "plain-args"
    with open(_tradewind_folder + "/" + kind, "rb") as file:
        args, kwargs = {library}.load(file)
    try:
        result = {name}(*args, **kwargs)
        if hasattr(result, "__await__"):
            import asyncio

            async def wait():
                return await result

            result = asyncio.run(wait())
    except Exception as error:
        with open(_tradewind_folder + "/error.txt", "w", encoding="utf-8") as file:
            file.write("%s: %s" % (type(error).__name__, error))
        raise
    if result is not None:
        with open(_tradewind_folder + "/result", "wb") as file:
            {library}.dump(result, file)


_tradewind_main()
"""


@dataclass(frozen=True)
class Call:
    """A function with its arguments. `serializer`: the module that writes them down."""

    function: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    strings: Sequence[str] = ()
    serializer: str = "pickle"


class CallFailed(errors.AirflowException):
    """The interpreter ended with an error."""

    def __init__(self, code: int, told: str) -> None:
        super().__init__(f"the other interpreter ended with exit code {code}{chr(10) + told if told else ''}")
        self.code = code


def call(
    python: Path,
    wanted: Call,
    *,
    env: Mapping[str, str],
    log: logging.Logger,
    started: Callable[[subprocess.Popen[bytes]], Any] = lambda _: None,
) -> Any:
    """What the function returns there. Raises CallFailed, DeserializingResultError, AirflowException."""
    library = load_serializer(wanted.serializer)
    with tempfile.TemporaryDirectory(prefix="tradewind-call-") as name:
        folder = Path(name)
        _write(folder, wanted, library)
        code = commands.follow([str(python), str(folder / "script.py"), name], log=log, env=env, started=started)
        if code:
            told = folder / "error.txt"
            raise CallFailed(code, told.read_text(encoding="utf-8") if told.exists() else "")
        result = folder / "result"
        if not result.exists():
            return None
        try:
            return library.loads(result.read_bytes())
        except Exception as error:
            said = f"what {wanted.function.__name__}() returned cannot be read here: {error}"
            raise errors.DeserializingResultError(said) from error


def load_serializer(name: str) -> ModuleType:
    """The module of that name. Raises AirflowException where it is not installed here."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        said = f"serializer {name!r} needs the package {name} where Tradewind runs; the default, pickle, needs none"
        raise errors.AirflowException(said) from None


def _write(folder: Path, wanted: Call, library: ModuleType) -> None:
    script = _SCRIPT.format(source=source_of(wanted.function), library=library.__name__, name=wanted.function.__name__)
    (folder / "script.py").write_text(script, encoding="utf-8")
    (folder / "strings.txt").write_text("\n".join(str(one) for one in wanted.strings), encoding="utf-8")
    given = _resolved((list(wanted.args), dict(wanted.kwargs)), plain=False)
    try:
        (folder / "args").write_bytes(library.dumps(given))
        (folder / "plain-args").write_bytes(library.dumps(_resolved(given, plain=True)))
    except Exception as error:
        bad = [name for name, one in given[1].items() if not _can_be_written(one, library)]
        which = f"argument{'s' if len(bad) > 1 else ''} {', '.join(map(repr, bad))}" if bad else "arguments"
        said = f"the {which} of {wanted.function.__name__}() cannot be handed to another interpreter: {error}"
        raise errors.AirflowException(said) from error


def _can_be_written(value: Any, library: ModuleType) -> bool:
    try:
        library.dumps(value)
    except Exception:  # noqa: BLE001 - that is the question
        return False
    return True


def _resolved(value: Any, *, plain: bool) -> Any:
    """With lazy values read, and for `plain` with dates that need no package."""
    if isinstance(value, dict):
        return {key: _resolved(item, plain=plain) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_resolved(item, plain=plain) for item in value)
    if isinstance(value, LazyXComSequence):
        return [_resolved(item, plain=plain) for item in value]
    if plain and isinstance(value, dt.datetime) and type(value) is not dt.datetime:
        return _native(value)
    return value


def _native(value: dt.datetime) -> dt.datetime:
    import zoneinfo

    zone: dt.tzinfo | None = None
    if value.tzinfo is not None:
        name = getattr(value.tzinfo, "name", None)
        try:
            zone = zoneinfo.ZoneInfo(str(name))
        except (LookupError, ValueError, OSError):
            zone = dt.timezone(value.utcoffset() or dt.timedelta(0))
    parts = (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    return dt.datetime(*parts, tzinfo=zone, fold=value.fold)


def source_of(function: Callable[..., Any]) -> str:
    """The function's own text, without the decorators that made a task of it."""
    return function_source.source_of(function, kinds=_KINDS)


_KINDS = ("virtualenv", "external_python", "branch_virtualenv", "branch_external_python")


def environment(own: Mapping[str, str] | None, *, inherit: bool, path: str) -> dict[str, str]:
    """Environment of the interpreter; `path` is where the DAG's own modules are."""
    env = dict(os.environ) if inherit else {}
    env.update(own or {})
    env["PYTHONPATH"] = os.pathsep.join(filter(None, (env.get("PYTHONPATH"), path)))
    return env
