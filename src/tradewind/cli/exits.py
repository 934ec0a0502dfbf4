"""How commands end: 0 ok, 1 the run failed, 2 bad input or use; errors with object, reason and hint on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from tradewind.model.problem import Problem
from tradewind.ports import errors

OK, RUN_FAILED, BAD_INPUT = 0, 1, 2
Exit = typer.Exit


def show_problem(problem: Problem) -> None:
    """Print a problem on stderr, in colour where stderr is a terminal."""
    colour = sys.stderr.isatty()
    place = f" ({problem.file}:{problem.line})" if problem.file and problem.line else ""
    head = f"{problem.object}: " if problem.object else ""
    if problem.traceback:
        print(problem.traceback.rstrip(), file=sys.stderr)
    label = typer.style("error:", fg="red", bold=True) if colour else "error:"
    print(f"{label} {head}{problem.message}{place}", file=sys.stderr)
    if problem.hint:
        hint = typer.style("hint:", fg="cyan", bold=True) if colour else "hint:"
        print(f"{hint} {problem.hint}", file=sys.stderr)


def confirm(question: str, *, code: str = "needs-yes") -> None:
    """Ask on the terminal; ends the program where the answer is no.

    Raises `errors.Rejected` where nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise errors.Rejected(question, object="this needs a yes", code=code, hint="add --yes where nobody can answer")
    typer.confirm(question, abort=True, err=True)


@contextmanager
def reported() -> Iterator[None]:
    """Turn the errors of the tree into a message and exit code 2."""
    try:
        yield
    except errors.TradewindError as error:
        show_problem(error.problem)
        raise typer.Exit(BAD_INPUT) from error
    except BaseExceptionGroup as group:
        # A task group wraps what one of its tasks or its body raised.
        known = _leaves(group)
        if not known or not all(isinstance(leaf, errors.TradewindError) for leaf in known):
            raise
        show_problem(known[0].problem)
        raise typer.Exit(BAD_INPUT) from group


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[Any]:
    found: list[Any] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
