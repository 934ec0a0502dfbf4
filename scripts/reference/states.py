"""The reference page of states, phases, end reasons and rules: enums of `model`, with the texts at their members."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from enum import Enum

from tradewind.model import dagspec, states

_HEAD = """\
# States

<!-- Made by scripts/reference/states.py from src/tradewind/model; change it there. -->

States of runs and task instances carry Airflow's names and mean what they mean there. What an
[attempt](../concepts/attempts-and-verdicts.md) is, and why it has phases of its own, is told under concepts.
"""

_SECTIONS: tuple[tuple[str, str, type[Enum]], ...] = (
    ("Runs", "", states.RunState),
    ("Kinds of runs", "The kind is the first word of the run's id.", states.RunType),
    ("Task instances", "**Bold** states are final: nothing more happens without a new command.", states.TaskState),
    (
        "Attempts",
        "How far one launch of one try has come. An attempt never goes back, and may leave phases out.",
        states.AttemptPhase,
    ),
    (
        "End reasons",
        """Why an attempt ended. What is the **infrastructure**'s doing is paid from a
[budget of its own](../concepts/retries-and-infrastructure.md), not from the task's `retries`.""",
        states.EndReason,
    ),
    ("Backfills", "", states.BackfillState),
    (
        "Trigger rules",
        """When a task runs, given its direct upstreams. *Failed* is `failed` or `upstream_failed`; *ended* is any final
state. A rule that cannot be met any more ends the task as `skipped` or `upstream_failed`; it is judged as soon as the
answer is sure. [Where this differs from Airflow](../decisions/0005-engine-beside-airflow.md).""",
        dagspec.TriggerRule,
    ),
)


def pages() -> dict[str, str]:
    """Path under docs/ → text."""
    return {"reference/states.md": _HEAD + "".join(_section(*one) for one in _SECTIONS)}


def texts(kind: type[Enum]) -> dict[str, str]:
    """Value → the docstring below the member; a member without one is missing."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)  # the source of a class
    return dict(_members(body))


def _members(body: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for before, after in zip(body.body, body.body[1:], strict=False):
        match before, after:
            case ast.Assign(value=ast.Constant(value=str(value))), ast.Expr(value=ast.Constant(value=str(text))):
                yield value, " ".join(text.split())
            case _:
                pass


def _section(title: str, text: str, kind: type[Enum]) -> str:
    told = texts(kind)
    rows = "".join(f"| {_value(one)} | {told[one.value]} |\n" for one in kind)
    lead = f"{text}\n\n" if text else ""
    return f"\n## {title}\n\n{lead}| | |\n|---|---|\n{rows}"


def _value(one: Enum) -> str:
    final = isinstance(one, states.TaskState) and one.is_finished
    return f"**`{one.value}`**" if final else f"`{one.value}`"
