"""What went wrong while a file loaded, as a problem: where, what, and what to do."""

from __future__ import annotations

import builtins
import difflib
import pkgutil
import re
import sys

import msgspec

from tradewind import compat
from tradewind.model.problem import Problem
from tradewind.protocol.work import FileRef
from tradewind.worker import lack, secrets, tracebacks

_NO_NAME = re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'")
_AT_FAULT = "the file's own code ends the process; DAG files only define DAGs"


class LoadingTooSlow(BaseException):
    """The time for loading is over."""


def of(error: BaseException, file: FileRef, limit: float) -> Problem:
    """The problem behind an exception that left the code of the file, or of one of its DAGs; no secret is in it."""
    return secrets.OWN.hide_in(_of(error, file, limit))


def _of(error: BaseException, file: FileRef, limit: float) -> Problem:
    where, line = tracebacks.find_place(error.__traceback__, file.root)
    if isinstance(error, SyntaxError) and error.filename:
        where, line = _relative(error.filename, file), error.lineno or 0
    where = where or file.file
    place = f"file {where} line {line}" if line else f"file {where}"
    told = getattr(error, "problem", None)
    if isinstance(told, Problem):
        traceback = told.traceback or (tracebacks.show(error) if line else "")
        return msgspec.structs.replace(
            told,
            file=told.file or where,
            line=told.line or line,
            traceback=traceback,
            object=told.object or place,
            lacks=lack.of(error.__cause__, file),
        )
    code, message, hint = _explained(error, limit)
    return Problem(
        code=code,
        message=message,
        object=place,
        hint=hint,
        traceback=tracebacks.show(error),
        file=where,
        line=line,
        lacks=lack.of(error, file),
    )


def twice(dag_id: str, file: FileRef) -> Problem:
    """Two DAGs of one file share an id."""
    return Problem(
        code="duplicate-dag-id",
        object=f"DAG {dag_id!r}",
        message="the file defines two DAGs of this name",
        hint="give each its own dag_id; a DAG made in a loop needs the loop's value in its name",
        file=file.file,
    )


def _explained(error: BaseException, limit: float) -> tuple[str, str, str]:
    first = tracebacks.first_line(error)
    if isinstance(error, SyntaxError):
        text = (error.text or "").strip()
        return "syntax-error", f"{first}{f' in {text!r}' if text else ''}", "the file cannot be read as Python"
    if isinstance(error, LoadingTooSlow):
        hint = "work at the top of a file is done at every load: move it into a task, or raise the limit"
        return "load-timeout", f"loading took longer than {limit:g} s", hint
    if isinstance(error, ModuleNotFoundError):
        return "module-not-found", first, _near_module(error)
    if isinstance(error, ImportError):
        return "import-error", first, _near_name(error)
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        said = f"the file called sys.exit({error.code!r})" if isinstance(error, SystemExit) else first
        return "exit-while-loading", said, _AT_FAULT
    if isinstance(error, (FileNotFoundError, PermissionError)):
        hint = "paths are best made from __file__: a bundle's folder is a snapshot with a place of its own"
        return "load-error", first, hint
    if isinstance(error, (AttributeError, NameError)):
        return "load-error", first, _suggested(error)
    own = str(getattr(error, "hint", ""))
    return "load-error", first, own or "the file's own code raised it while it was loaded; the traceback shows where"


def _near_module(error: ModuleNotFoundError) -> str:
    name = error.name or ""
    if name.split(".")[0] == "airflow":
        return f"{_near_airflow(name)}the reference page of Airflow's names lists what is there"
    parent, _, last = name.rpartition(".")
    if parent:
        found = getattr(sys.modules.get(parent), "__path__", None)
        known = [module.name for module in pkgutil.iter_modules(found)] if found is not None else []
    else:
        known = [*sys.stdlib_module_names, *(module.name for module in pkgutil.iter_modules())]
    # Among all modules there are, one that is not installed is like one that is easily enough.
    near = difflib.get_close_matches(last, known, n=1, cutoff=0.6 if parent else 0.75)
    if near:
        return f"is {'.'.join(filter(None, (parent, near[0])))!r} meant?"
    return "install it where Tradewind runs, or import it inside the task that needs it, in an image that has it"


def _near_name(error: ImportError) -> str:
    found = _NO_NAME.search(str(error))
    module = sys.modules.get(found["module"]) if found else None
    if found is None or module is None:
        return ""
    near = difflib.get_close_matches(found["name"], dir(module), n=1)
    if found["module"].split(".")[0] != "airflow":
        return f"is {near[0]!r} meant?" if near else f"{found['module']} has no such name"
    said = f"is {near[0]!r} meant? " if near else f"{_elsewhere(found['name'])}"
    opaque = "an operator imported from its provider loads as an opaque task; " if _is_operator(found["name"]) else ""
    return f"{said}{opaque}the reference page of Airflow's names lists what is there"


def _near_airflow(name: str) -> str:
    """A module of Airflow's that may be meant."""
    known = [module for module in compat.modules_known() if module.count(".") == name.count(".")]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    return f"is {near[0]!r} meant? " if near else ""


def _elsewhere(name: str) -> str:
    """Where Airflow's names have this one."""
    module = compat.find_module(name)
    return f"{name} is in {module}; " if module else ""


def _is_operator(name: str) -> bool:
    return name.endswith(("Operator", "Sensor"))


def _suggested(error: AttributeError | NameError) -> str:
    if isinstance(error, AttributeError):
        near = difflib.get_close_matches(error.name or "", dir(error.obj), n=1)
    else:
        trace, names = error.__traceback__, set[str]()
        while trace is not None:
            names = {
                *trace.tb_frame.f_locals,
                *trace.tb_frame.f_globals,
                *vars(builtins),
            }
            trace = trace.tb_next
        near = difflib.get_close_matches(error.name or "", names, n=1)
    return f"is {near[0]!r} meant?" if near else ""


def _relative(path: str, file: FileRef) -> str:
    prefix = file.root.rstrip("/") + "/"
    return path.removeprefix(prefix)
