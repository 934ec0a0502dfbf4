"""The same arguments, given to the provider's operator and to ours, make the same pod, field by field.

One process of Airflow's answers all questions. What differs has a reason (`pod_differences.Reason`) or fails the test,
which then tells the fewest arguments that still differ.
"""

from __future__ import annotations

import collections
import copy
import json
import pathlib
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.corpus import pod_combinations, pod_differences
from tests.corpus.pod_differences import Reason
from tests.corpus.pod_sides import Provider, ours
from tradewind.pods import arguments as known
from tradewind.sdk.operators import pod as pod_operator

pytestmark = pytest.mark.airflow
Json = dict[str, Any]
_SEED = 20260102


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """The real provider."""
    made = Provider()
    yield made
    made.close()


def compare(asked: Json, theirs: Json, mine: Json) -> tuple[int, collections.Counter[Reason], list[str]]:
    """How many fields are alike, why others differ, and what has no reason to."""
    reasons: collections.Counter[Reason] = collections.Counter()
    if "error" in theirs or pod_differences.is_invalid(theirs["pod"]):
        reasons[Reason.INVALID] += 1
        return 0, reasons, []
    if "error" in mine:
        return 0, reasons, [f"refused here only: {mine['error']}"]
    pods = [copy.deepcopy(theirs["pod"]), copy.deepcopy(mine["pod"])]
    if asked["arguments"].get("do_xcom_push"):
        reasons[Reason.RESULT] += 1
        pods = [pod_differences.without_result(pod) for pod in pods]
    left, right = map(pod_differences.flat, pods)
    alike, wrong = 0, []
    for path in sorted({*left, *right}):
        if path in left and path in right and left[path] == right[path] and type(left[path]) is type(right[path]):
            alike += 1
        elif (reason := pod_differences.explain(path, left.get(path), right.get(path))) is not None:
            reasons[reason] += 1
        else:
            wrong.append(f"{path}: {left.get(path, 'nothing')!r} there, {right.get(path, 'nothing')!r} here")
    return alike, reasons, wrong


def _smallest(asked: Json, provider: Provider, folder: pathlib.Path) -> Json:
    """The question with every argument left out that is not needed for a difference."""
    for name in list(asked["arguments"]):
        fewer = {**asked, "arguments": {key: value for key, value in asked["arguments"].items() if key != name}}
        if compare(fewer, provider.ask(fewer), ours(fewer, folder))[2]:
            asked = fewer
    return asked


@pytest.mark.parametrize(
    "count", [400, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(1800)])], ids=["daily", "long"]
)
def test_the_provider_and_we_make_the_same_pods(
    count: int, provider: Provider, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = random.Random(_SEED)
    alike, compared, used = 0, 0, set[str]()
    reasons: collections.Counter[Reason] = collections.Counter()
    for _ in range(count):
        asked = pod_combinations.combination(draw)
        theirs, mine = provider.ask(asked), ours(asked, tmp_path)
        equal, why, wrong = compare(asked, theirs, mine)
        if wrong:
            least = _smallest(asked, provider, tmp_path)
            told = compare(least, provider.ask(least), ours(least, tmp_path))[2]
            pytest.fail(f"{json.dumps(least['arguments'])} of task {least['task_id']}:\n" + "\n".join(told))
        alike, compared = alike + equal, compared + bool(equal)
        reasons += why
        used |= asked["arguments"].keys()
    with capsys.disabled():
        print(f"\n{count} combinations of {len(used)} arguments (seed {_SEED}): {compared} pods compared,")
        print(f"{alike} fields equal; differences: " + ", ".join(f"{n} {reason}" for reason, n in reasons.items()))
    assert compared > count / 3
    assert used >= known.MANIFEST - {"trigger_kwargs"}


def test_every_parameter_of_the_installed_provider_is_known_here_with_its_default(provider: Provider) -> None:
    told = provider.ask("signature")
    here = {**pod_operator.DEFAULTS, "do_xcom_push": False}
    assert here == told["parameters"]
    assert len(here) == 73
    assert set(here) == known.KNOWN
    assert list(pod_operator.KubernetesPodOperator.template_fields) == told["templated"]
