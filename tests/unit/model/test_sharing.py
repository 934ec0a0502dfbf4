"""Equal parts of a specification are one object, and nothing else about it changes."""

from __future__ import annotations

from typing import Any

import msgspec

from tradewind.model import sharing
from tradewind.model.dagspec import DagSpec, EmptyBody, PodBody, PythonBody, TaskSpec


def _arguments(number: int) -> dict[str, Any]:
    return {"name": f"pod-{number}", "node_selector": {"disk": "fast"}, "tolerations": [{"key": "a"}], "get_logs": True}


def _spec() -> DagSpec:
    tasks = [
        TaskSpec(task_id=f"t{number}", body=PodBody(arguments=_arguments(number)), template_fields=("image", "cmds"))
        for number in range(3)
    ]
    more = [
        TaskSpec(task_id="e", body=EmptyBody(), params={"a": 1}),
        TaskSpec(task_id="p", body=PythonBody(branch=True), extra={"a": 1}),
        TaskSpec(task_id="q", body=PythonBody(branch=True)),
    ]
    return DagSpec(dag_id="d", file="d.py", tasks=(*tasks, *more))


def test_a_shared_specification_is_the_same() -> None:
    stored = msgspec.json.encode(_spec())
    shared = sharing.share(msgspec.json.decode(stored, type=DagSpec))
    assert shared == _spec()
    assert shared.fingerprint("tree") == _spec().fingerprint("tree")


def test_what_tasks_have_in_common_is_there_once() -> None:
    shared = sharing.share(msgspec.json.decode(msgspec.json.encode(_spec()), type=DagSpec))
    first, second, _, empty, python, again = shared.tasks
    assert first.template_fields is second.template_fields
    assert isinstance(first.body, PodBody)
    assert isinstance(second.body, PodBody)
    assert first.body.arguments["node_selector"] is second.body.arguments["node_selector"]
    assert first.body.arguments["tolerations"] is second.body.arguments["tolerations"]
    assert python.body is again.body
    assert empty.params == {"a": 1} == python.extra
