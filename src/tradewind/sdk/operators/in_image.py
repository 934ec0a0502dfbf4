"""Runs in a task's own image, by whatever Python is there: the function of `@task.kubernetes`, with its arguments.

This file's text is handed to `python -c`; it imports nothing of ours and keeps to the syntax of old Pythons. Arguments:
the function's name, the module that unpickles its inputs, and the file for its result ("" where none is wanted).
"""

import base64
import importlib
import json
import linecache
import os
import pickle  # noqa: F401 - functions written for Airflow find these three beside them
import sys
import traceback

SCRIPT, INPUT = "__PYTHON_SCRIPT", "__PYTHON_INPUT"


def _joined(name: str) -> bytes:
    """A value that may be cut into several variables: NAME, NAME_1, NAME_2, ..."""
    parts, number = [os.environ.pop(name, "")], 1
    while "%s_%d" % (name, number) in os.environ:  # noqa: UP031
        parts.append(os.environ.pop("%s_%d" % (name, number)))  # noqa: UP031
        number += 1
    return base64.b64decode("".join(parts))


def _run(name: str, pickling: str, output: str) -> None:
    source, inputs = _joined(SCRIPT).decode("utf-8"), _joined(INPUT)
    where = "<function %s>" % name  # noqa: UP031
    # So that a traceback shows the function's lines, which are in no file.
    linecache.cache[where] = (len(source), None, source.splitlines(True), where)
    exec(compile(source, where, "exec"), globals())  # noqa: S102 - this is what it is for
    given = importlib.import_module(pickling).loads(inputs) if inputs else {"args": [], "kwargs": {}}
    result = globals()[name](*given["args"], **given["kwargs"])
    if hasattr(result, "__await__"):
        import asyncio

        result = asyncio.run(result)
    if output and result is not None:
        text = json.dumps(result)
        folder = os.path.dirname(output)
        if not os.path.isdir(folder):
            os.makedirs(folder)
        with open(output, "w") as file:
            file.write(text)


if __name__ == "__main__":
    try:
        _run(*sys.argv[1:])
    except Exception as error:  # noqa: BLE001 - told without our own frames
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename == "<string>":
            trace = trace.tb_next
        traceback.print_exception(type(error), error, trace)
        sys.exit(1)
