"""What is asked of the podlet for a pod operator, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.runtime.launches import body, launch
from tradewind.model.dagspec import PodBody
from tradewind.ports import errors
from tradewind.ports import runtime as port
from tradewind.protocol.podlet import ImageRow, StartPod
from tradewind.runtime.local import pod_request
from tradewind.runtime.local.options import Image, Options

TABLE = (
    Image(pattern="tools:2*", root="/images/two"),
    Image(pattern="tools:*", venv="/venvs/tools"),
    Image(pattern="*", path="/bin"),
)


def build(given: PodBody, images: tuple[Image, ...] = TABLE, **rendered: Any) -> StartPod:
    """The request for arguments that need no rendering."""
    options = Options(images=images, secrets="/s", configmaps="/c", log_quota_bytes=5)
    return pod_request.build(launch(given), given, port.Rendered(fields=given.arguments, **rendered), options)


def refusal(given: PodBody, images: tuple[Image, ...] = TABLE) -> errors.Rejected:
    """Why it is refused."""
    with pytest.raises(errors.Rejected) as refused:
        build(given, images)
    return refused.value


def test_the_request_says_all_that_the_podlet_needs() -> None:
    start = build(body(name="my-load"), masked=("word",), rendered_map_index="north")
    assert start.attempt_id == "attemptattemptattemp"
    assert start.manifest["metadata"]["name"].startswith("my-load-")
    assert start.manifest["metadata"]["labels"]["try_number"] == "2"
    assert (start.secrets, start.configmaps, start.log_quota_bytes) == ("/s", "/c", 5)
    assert (start.masked, start.rendered_map_index) == (("word",), "north")
    assert (start.result, start.base_container, start.logged, start.prefixed) == ("", "base", ("base",), True)


@pytest.mark.parametrize(
    ("image", "row", "note"),
    [
        ("tools:1", ImageRow(pattern="tools:*", venv="/venvs/tools"), "image tools:1: stood in by venv /venvs/tools"),
        (
            "tools:2.1",
            ImageRow(pattern="tools:2*", root="/images/two"),
            "image tools:2.1: stood in by root /images/two",
        ),
        ("Tools:2.1", ImageRow(pattern="*", path="/bin"), "image Tools:2.1: stood in by path /bin"),
    ],
)
def test_the_first_row_whose_pattern_matches_stands_in_and_the_log_says_so(
    image: str, row: ImageRow, note: str
) -> None:
    start = build(body(image=image))
    assert start.images == {image: row}
    assert start.notes[0] == note


def test_each_image_of_the_pod_has_its_own_row() -> None:
    init = {"name": "prepare", "image": "tools:2", "command": ["true"]}
    start = build(body(init_containers=[init]))
    assert {image: row.pattern for image, row in start.images.items()} == {"tools:1": "tools:*", "tools:2": "tools:2*"}


def test_an_image_without_a_row_names_image_and_setting() -> None:
    refused = refusal(body(), images=(Image(pattern="other:*", venv="/v"),))
    assert refused.object == "spec.containers[0].image"
    assert "'tools:1'" in refused.message
    assert "[[runtime.local.images]]" in refused.hint


@pytest.mark.parametrize("row", [Image(pattern="*"), Image(pattern="*", venv="/v", root="/r")])
def test_a_row_must_say_exactly_one_thing(row: Image) -> None:
    assert "exactly one of venv, root and path" in refusal(body(), images=(row,)).message


def test_a_command_may_come_from_the_row_and_arguments_stay() -> None:
    row = Image(pattern="*", venv="/v", entrypoint=("serve", "--now"))
    (container,) = build(body(cmds=None, arguments=["x"]), images=(row,)).manifest["spec"]["containers"]
    assert (container["command"], container["args"]) == (["serve", "--now"], ["x"])
    own = build(body(), images=(row,)).manifest["spec"]["containers"][0]
    assert own["command"] == ["true"]
    assert "names no command" in refusal(body(cmds=None)).message


def test_a_value_is_read_from_its_folder_only_where_one_is_pushed() -> None:
    given = PodBody(arguments={**body().arguments, "do_xcom_push": True}, do_xcom_push=True)
    start = build(given)
    assert start.result == "sidecar"
    assert start.manifest["spec"]["volumes"] == [{"name": "xcom", "emptyDir": {}}]


def test_a_value_is_read_from_the_termination_message_where_the_pods_annotation_says_so() -> None:
    arguments = {**body().arguments, "annotations": {"tradewind/result-from": "termination-message"}}
    assert build(PodBody(arguments=arguments, do_xcom_push=True)).result == "termination_message"
    assert build(PodBody(arguments=arguments)).result == ""
    arguments["annotations"] = {"tradewind/result-from": "smoke"}
    with pytest.raises(errors.Rejected, match="one of sidecar, termination-message"):
        build(PodBody(arguments=arguments, do_xcom_push=True))


@pytest.mark.parametrize(
    ("arguments", "logged"),
    [
        ({}, ("base",)),
        ({"get_logs": False}, ()),
        ({"container_logs": True}, ("base", "other")),
        ({"container_logs": "other"}, ("other",)),
        ({"container_logs": ["base", "other"]}, ("base", "other")),
        ({"init_container_logs": True}, ("prepare", "base")),
        ({"init_container_logs": ["prepare"], "get_logs": False}, ("prepare",)),
    ],
)
def test_which_containers_are_logged(arguments: dict[str, Any], logged: tuple[str, ...]) -> None:
    other = {"name": "other", "image": "tools:1", "command": ["true"]}
    spec = {"spec": {"containers": [{"name": "base"}, other], "initContainers": [{**other, "name": "prepare"}]}}
    assert build(body(full_pod_spec=spec, **arguments)).logged == logged


def test_a_container_that_is_to_be_logged_must_exist() -> None:
    refused = refusal(body(container_logs="sidecar"))
    assert "'sidecar'" in refused.message
    assert "base" in refused.hint


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"env_vars": "x"}, "argument 'env_vars'"),
        ({"imge": "x"}, "argument 'imge'"),
        ({"volume_mounts": [{"name": "none", "mountPath": "/x"}]}, "spec.containers[0].volumeMounts[0].name"),
        ({"volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]}, "spec.volumes[0].nfs"),
        ({"host_aliases": [{"ip": "1.2.3.4", "hostnames": ["h"]}]}, "spec.hostAliases"),
    ],
)
def test_bad_arguments_and_what_only_a_cluster_has_are_refused(arguments: dict[str, Any], place: str) -> None:
    refused = refusal(body(**arguments))
    assert refused.object == place


def test_all_problems_are_told_at_once() -> None:
    refused = refusal(body(host_aliases=[{"ip": "1.2.3.4"}], dns_config={"nameservers": ["1.1.1.1"]}))
    assert refused.object == "spec.dnsConfig"
    assert "spec.hostAliases: cannot be honoured" in refused.message


def test_arguments_that_have_no_effect_here_are_noted() -> None:
    start = build(body(in_cluster=True, cluster_context="prod", on_kill_action="keep_pod", kubernetes_conn_id=None))
    assert [note.split(":")[0] for note in start.notes[1:]] == ["cluster_context", "in_cluster", "on_kill_action"]
