"""Values that pods of a cluster hand over: by the helper's message, its log, or the main container's message."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.runtime import launches
from tests.unit.runtime_kubernetes import api_server as api
from tests.unit.runtime_kubernetes.small_cluster import SmallCluster
from tests.unit.runtime_kubernetes.test_runtime import ONE, Scene, scene
from tradewind.model.dagspec import PodBody
from tradewind.model.outcome import Failed, Skipped, Success, XComPush
from tradewind.model.states import EndReason
from tradewind.pods import result, result_helper

PUSHES = PodBody(arguments={"image": "i", "namespace": "a"}, do_xcom_push=True)


def first_line(value: bytes, what: str = "value") -> bytes:
    return f"tradewind-result/1 {what} {len(value)} {hashlib.sha256(value).hexdigest()}\n".encode()


def handed(value: bytes) -> str:
    return (first_line(value) + value).decode()


async def values(here: Scene) -> dict[str, Any]:
    ended = await here.end()
    assert isinstance(ended.result.outcome, Success), ended.result.outcome
    return {push.key: json.loads(push.value) for push in ended.result.xcoms}


def returned(pushes: tuple[XComPush, ...]) -> XComPush:
    return next(push for push in pushes if push.key == "return_value")


def test_a_value_in_the_helpers_message_costs_no_further_request(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch(PUSHES)
            here.cluster.hand_over(name, handed(b'{"rows": [1, 2]}'))
            assert await values(here) == {"pod_name": name, "pod_namespace": "a", "return_value": {"rows": [1, 2]}}
            push = returned((await here.end()).result.xcoms)
            assert (push.kind, push.length) == ("dict", 1)
            assert here.cluster.log_reads == ["base"]

    asyncio.run(play())


def test_a_value_longer_than_a_message_is_read_from_the_helpers_log_once(tmp_path: Path) -> None:
    async def play() -> None:
        value = json.dumps(["x" * 1000] * 2000).encode()
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch(PUSHES)
            here.cluster.helper_logs = [api.Answer(body=first_line(value) + value + b"\n")]
            here.cluster.hand_over(name, first_line(value).decode())
            assert (await values(here))["return_value"] == ["x" * 1000] * 2000
            assert here.cluster.log_reads.count(result_helper.NAME) == 1

    asyncio.run(play())


def test_a_message_that_was_cut_is_made_good_by_the_log(tmp_path: Path) -> None:
    async def play() -> None:
        value = json.dumps(list(range(600))).encode()
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch(PUSHES)
            # The runtime of a node may write the end of a log after the container's end is told.
            here.cluster.helper_logs = [
                api.Answer(body=first_line(value) + value[:100]),
                api.refused(500, "the kubelet is busy"),
                api.Answer(body=first_line(value) + value + b"\n"),
            ]
            here.cluster.hand_over(name, handed(value)[:1755])
            assert (await values(here))["return_value"] == list(range(600))

    asyncio.run(play())


@pytest.mark.parametrize("message", ["tradewind-result/1 none 0 -\n", handed(b"null"), handed(b" \n")])
def test_a_container_that_wrote_nothing_has_no_value_and_no_error(tmp_path: Path, message: str) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch(PUSHES)
            here.cluster.hand_over(name, message)
            assert set(await values(here)) == {"pod_name", "pod_namespace"}

    asyncio.run(play())


@pytest.mark.parametrize(
    ("message", "said", "hint"),
    [
        ("tradewind-result/1 large 5242880 -\n", "5.0 MiB, over the limit of 4.0 MiB", "store of files"),
        ("tradewind-result/1 unreadable 0 -\n", "cannot be read by container 'airflow-xcom-sidecar'", "umask 022"),
        ("tradewind-result/1 irregular 0 -\n", "no regular file", ""),
        (handed(b"{not json"), "/airflow/xcom/return.json is not JSON", "JSON library"),
        ("", "ended (Completed, exit code 0) before it handed the value over", "termination_grace_period"),
        (first_line(b"[1]" * 9999).decode(), "does not hold the value whole", "containerLogMaxSize"),
    ],
)
def test_a_value_that_cannot_be_taken_fails_the_attempt_and_says_why(
    tmp_path: Path, message: str, said: str, hint: str
) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch(PUSHES)
            if said.startswith("does not"):
                here.cluster.helper_logs = [api.Answer(body=b"1]" * 50)] * 200
            here.cluster.hand_over(name, message)
            ended = await here.end()
            failed = ended.result.outcome
            assert isinstance(failed, Failed)
            assert (failed.reason, failed.retry, failed.exit_code, failed.entered) == (EndReason.ERROR, True, 0, True)
            assert failed.message.startswith("Container 'base' completed, but its result cannot be taken: ")
            assert said in failed.message
            assert hint in failed.message
            assert ended.verdict == failed.message

    asyncio.run(play())


def test_the_end_waits_for_the_helper_and_neither_value_nor_helper_show_in_log_or_detail(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            body = PodBody(arguments={"image": "i", "namespace": "a", "init_container_logs": True}, do_xcom_push=True)
            name = await here.launch(body)
            here.cluster.run(name)
            here.cluster.end_main(name)
            await here.until(lambda: "base" in here.cluster.log_reads)
            assert here.find_end() is None
            here.cluster.hand_over(name, handed(b'"canary"'))
            assert (await values(here))["return_value"] == "canary"
            assert "canary" not in str((await here.end()).detail)
            assert here.log() == []
            assert here.cluster.patches == []

    asyncio.run(play())


def test_other_containers_that_run_on_are_ended_so_that_the_helper_can_hand_over(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch(PUSHES)
            pod = here.cluster.pods["a", name]
            pod["spec"]["containers"].append({"name": "istio-proxy"})
            here.cluster.end_main(name, "istio-proxy")
            await here.until(lambda: bool(here.cluster.patches))
            here.cluster.end_main(name, "istio-proxy")
            assert here.cluster.patches[0]["metadata"]["uid"] == "uid-1"
            assert pod["spec"]["activeDeadlineSeconds"] == 1
            here.cluster.change(name, reason="DeadlineExceeded")
            here.cluster.hand_over(name, handed(b"[1]"))
            assert (await values(here))["return_value"] == [1]
            assert len(here.cluster.patches) == 1

    asyncio.run(play())


def test_without_the_right_to_patch_pods_a_pod_whose_containers_run_on_is_deleted_for_its_value(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            here.cluster.may_patch, here.cluster.lingers = False, True
            name = await here.launch(PUSHES)
            here.cluster.end_main(name, "istio-proxy")
            await here.until(lambda: here.cluster.deleted == [name])
            here.cluster.hand_over(name, handed(b"[1]"))
            here.cluster.vanish(name)
            assert (await values(here))["return_value"] == [1]

    asyncio.run(play())


def test_a_pod_that_went_away_with_its_value_is_lost(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch(PUSHES)
            here.cluster.run(name)
            here.cluster.end_main(name)
            here.cluster.vanish(name)
            failed = (await here.end()).result.outcome
            assert isinstance(failed, Failed)
            assert (failed.reason, failed.entered) == (EndReason.LOST, True)
            assert "the pod is gone with it" in failed.message

    asyncio.run(play())


def test_what_a_failed_container_wrote_is_pushed_and_its_failure_stays(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch(PUSHES)
            here.cluster.hand_over(name, handed(b'{"rows": 3}'), 3)
            ended = await here.end()
            assert isinstance(ended.result.outcome, Failed)
            assert ended.result.outcome.exit_code == 3
            assert json.loads(returned(ended.result.xcoms).value) == {"rows": 3}

    asyncio.run(play())


@pytest.mark.parametrize(("code", "outcome"), [(3, Failed), (99, Skipped)])
def test_a_bad_value_of_a_container_that_did_not_succeed_is_only_noted(
    tmp_path: Path, code: int, outcome: type[Any]
) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            arguments = {"image": "i", "namespace": "a", "log_pod_spec_on_failure": False}
            body = PodBody(arguments=arguments, do_xcom_push=True, skip_on_exit_code=(99,))
            name = await here.launch(body)
            here.cluster.hand_over(name, handed(b"{"), code)
            found = (await here.end()).result.outcome
            assert isinstance(found, outcome)
            assert "is not JSON" not in found.message
            assert ["event F [] the value it handed over cannot be taken" in line for line in here.log()] == [True]

    asyncio.run(play())


def test_a_pod_that_ended_while_nobody_looked_is_adopted_with_its_value(tmp_path: Path) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path) as here:
            name = await here.launch(PUSHES)
            cluster.run(name)
            await here.until(lambda: bool(here.phases()))
        cluster.hand_over(name, handed(b"7"))
        async with scene(cluster, tmp_path) as here:
            assert (await values(here))["return_value"] == 7

    asyncio.run(play())


# -- the main container's own message ------------------------------------------------------------------------------


@pytest.mark.parametrize("by_task", [True, False])
def test_a_value_in_the_main_containers_message_needs_no_helper(tmp_path: Path, by_task: bool) -> None:
    async def play() -> None:
        given = {} if by_task else {"result_way": result.TERMINATION_MESSAGE}
        marks = {"annotations": {result.FROM: result.TERMINATION_MESSAGE}} if by_task else {}
        async with scene(SmallCluster(), tmp_path, **given) as here:
            here.cluster.version = {"major": "1", "minor": "25"}
            body = PodBody(arguments={"image": "i", "namespace": "a", **marks}, do_xcom_push=True)
            name = await here.launch(body)
            assert "initContainers" not in here.cluster.pods["a", name]["spec"]
            here.cluster.end(name, message='[1, "two"]')
            assert (await values(here))["return_value"] == [1, "two"]

    asyncio.run(play())


@pytest.mark.parametrize(
    ("message", "said"),
    [("9" * 4096, "may be cut: a kubelet keeps 4096 bytes of each in a pod of 1 containers"), ("so", "is not JSON")],
)
def test_a_message_that_may_be_cut_or_is_no_json_is_an_error(tmp_path: Path, message: str, said: str) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path, result_way=result.TERMINATION_MESSAGE) as here:
            here.cluster.end(await here.launch(PUSHES), message=message)
            failed = (await here.end()).result.outcome
            assert isinstance(failed, Failed)
            assert said in failed.message

    asyncio.run(play())


# -- the helper in the pod -----------------------------------------------------------------------------------------


def test_the_helper_is_as_the_connection_says_and_the_task_has_the_last_word(tmp_path: Path) -> None:
    async def play() -> None:
        extra = json.dumps(
            {
                "xcom_sidecar_container_image": "registry.corp/small:1",
                "extra__kubernetes__xcom_sidecar_container_resources": '{"requests": {"cpu": "2m"}}',
                "xcom_sidecar_container_security_context": {"runAsUser": 5},
            }
        )
        async with scene(SmallCluster(), tmp_path, extra) as here:
            own = {"xcom_sidecar_container_security_context": {"runAsUser": 7}}
            body = PodBody(arguments={"image": "i", "namespace": "a", **own}, do_xcom_push=True)
            name = await here.launch(body)
            helper = here.cluster.pods["a", name]["spec"]["initContainers"][0]
            assert (helper["image"], helper["resources"]) == ("registry.corp/small:1", {"requests": {"cpu": "2m"}})
            assert helper["securityContext"] == {"runAsUser": 7}

    asyncio.run(play())


@pytest.mark.parametrize(
    ("extra", "minor", "arguments", "said"),
    [
        ("{}", "28+", {}, "is Kubernetes 1.28, without native sidecars"),
        ('{"xcom_sidecar_container_resources": "much"}', "34", {}, "is no JSON object"),
        ("{}", "34", {"annotations": {result.FROM: "carrier pigeon"}}, "one of sidecar, termination-message"),
    ],
)
def test_a_value_that_could_not_be_handed_over_is_refused_before_anything_starts(
    tmp_path: Path, extra: str, minor: str, arguments: dict[str, Any], said: str
) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path, extra) as here:
            here.cluster.version = {"major": "1", "minor": minor}
            body = PodBody(arguments={"image": "i", "namespace": "a", **arguments}, do_xcom_push=True)
            await here.runtime.launch([launches.launch(body, ONE)])
            failed = (await here.end()).result.outcome
            assert isinstance(failed, Failed)
            assert failed.reason is EndReason.REJECTED
            assert said in failed.message
            assert here.cluster.created == []

    asyncio.run(play())
