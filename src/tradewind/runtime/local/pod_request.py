"""A pod operator's arguments as a request to the podlet, or why this machine cannot run it. Pure.

Invariant: what cannot be honoured is refused here, before anything starts; what is left out is said in the log.
"""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from tradewind.model import ids
from tradewind.model.dagspec import PodBody
from tradewind.model.problem import Problem
from tradewind.pods import arguments as known
from tradewind.pods import local, manifest, result, validity
from tradewind.pods.identity import Identity
from tradewind.pods.problems import BadPod
from tradewind.ports import errors
from tradewind.ports import runtime as port
from tradewind.protocol.podlet import ImageRow, StartPod
from tradewind.runtime.local.options import Image, Options

Json = dict[str, Any]


def build_manifest(arguments: Mapping[str, Any], identity: Identity) -> Json:
    """The manifest of an attempt, with the main container first. Raises `errors.Rejected`."""
    try:
        pod = manifest.build(arguments, identity)
    except BadPod as error:
        raise rejected([error.problem]) from error
    return {"apiVersion": pod["apiVersion"], "kind": pod["kind"], **pod}


def build(launch: port.Launch, body: PodBody, rendered: port.Rendered, options: Options) -> StartPod:
    """The request. `rendered` holds the arguments as they are to be used. Raises `errors.Rejected`."""
    arguments = rendered.fields
    pod = build_manifest(arguments, _identity(launch))
    # What is no pod at all has no parts that could be honoured.
    if found := validity.check(pod, arguments) or local.check(pod):
        raise rejected(found)
    rows = _rows(pod, options.images)
    pod = _with_commands(pod, rows)
    base = manifest.base_container(pod)["name"]
    return StartPod(
        attempt_id=launch.attempt.attempt_id,
        manifest=pod,
        images={image: _row(found) for image, found in rows.items()},
        secrets=options.secrets,
        configmaps=options.configmaps,
        result=_result(pod) if body.do_xcom_push else "",
        base_container=base,
        log_quota_bytes=options.log_quota_bytes,
        masked=rendered.masked,
        skip_exit_codes=body.skip_on_exit_code,
        logged=tuple(_logged(arguments, pod, base)),
        prefixed=arguments.get("container_name_log_prefix_enabled", True) is not False,
        rendered_map_index=rendered.rendered_map_index,
        notes=(
            *(_stand_in(image, found) for image, found in rows.items()),
            *local.notes(pod),
            *_argument_notes(arguments),
        ),
    )


def _argument_notes(arguments: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(known.OF_A_CLUSTER & {name for name, value in arguments.items() if value is not None}):
        yield f"{name}: there is no cluster here"
    if str(arguments.get("on_kill_action") or "delete_pod") == "keep_pod":
        yield "on_kill_action: a pod that is killed ends here"


def _result(pod: Json) -> Literal["sidecar", "termination_message"]:
    """Where the value comes from; nothing needs a helper here, the file is read as it lies."""
    try:
        way = result.way(pod["metadata"]["annotations"], result.SIDECAR)
    except result.BadResult as error:
        raise _refused("the pod", str(error), error.hint) from error
    return "sidecar" if way == result.SIDECAR else "termination_message"


def rejected(problems: Sequence[Problem]) -> errors.Rejected:
    """All problems as one refusal."""
    first, *others = problems
    message = "; ".join([first.message, *(f"{one.object}: {one.message}" for one in others)])
    return errors.Rejected(message, object=first.object, hint=first.hint, code=first.code)


def _identity(launch: port.Launch) -> Identity:
    return Identity(
        attempt_id=ids.owner_of(launch.attempt.attempt_id),
        dag_id=launch.run.dag_id,
        task_id=launch.task.task_id,
        run_id=launch.run.run_id,
        try_number=launch.attempt.try_number,
        map_index=launch.task.map_index,
    )


# -- images --------------------------------------------------------------------------------------------------------


def _rows(pod: Json, table: Sequence[Image]) -> dict[str, Image]:
    """What stands in for each image; the first row whose pattern matches. Raises `errors.Rejected`."""
    found: dict[str, Image] = {}
    for path, container in _containers(pod):
        image = str(container.get("image") or "")
        row = next((row for row in table if fnmatch.fnmatchcase(image, row.pattern)), None)
        if row is None:
            said = f"nothing stands in for image {image!r} on this machine"
            raise _refused(f"{path}.image", said, f"{_TABLE} with a pattern that it matches and a venv, root or path")
        if len([kind for kind in (row.venv, row.root, row.path) if kind]) != 1:
            said = f"the row {row.pattern!r} that matches image {image!r} has not exactly one of venv, root and path"
            raise _refused(f"{path}.image", said, "correct the row in tradewind.toml")
        found[image] = row
    return found


_TABLE = "add a row [[runtime.local.images]] to tradewind.toml"


def _row(image: Image) -> ImageRow:
    return ImageRow(pattern=image.pattern, venv=image.venv, root=image.root, path=image.path)


def _stand_in(image: str, row: Image) -> str:
    kind, place = next((kind, place) for kind in ("venv", "root", "path") if (place := getattr(row, kind)))
    return f"image {image}: stood in by {kind} {place}"


def _with_commands(pod: Json, rows: Mapping[str, Image]) -> Json:
    """The entrypoint of its image's row where a container names no command. Raises `errors.Rejected`."""
    pod = copy.deepcopy(pod)
    for path, container in _containers(pod):
        if container.get("command"):
            continue
        image = str(container.get("image"))
        if not rows[image].entrypoint:
            said = f"names no command, and what image {image!r} would run by itself is not known here"
            raise _refused(path, said, "set cmds, or an entrypoint in the image's row of [[runtime.local.images]]")
        container["command"] = list(rows[image].entrypoint)
    return pod


# -- logs ----------------------------------------------------------------------------------------------------------


def _logged(arguments: Mapping[str, Any], pod: Json, base: str) -> Iterator[str]:
    spec = pod["spec"]
    for argument, group, default in (
        ("init_container_logs", "initContainers", None),
        ("container_logs", "containers", base),
    ):
        wanted = arguments.get(argument)
        names = [str(one.get("name")) for one in spec.get(group) or []]
        if group == "containers" and arguments.get("get_logs") is False:
            continue
        yield from _chosen(default if wanted is None else wanted, names, argument)


def _chosen(wanted: Any, names: Sequence[str], argument: str) -> Iterable[str]:
    if wanted in (None, False):
        return ()
    if wanted is True:
        return names
    chosen = [wanted] if isinstance(wanted, str) else [str(one) for one in wanted]
    for name in chosen:
        if name not in names:
            has = ", ".join(names) or "none"
            raise _refused(f"argument {argument!r}", f"there is no container {name!r}", f"the pod has: {has}")
    return chosen


def _containers(pod: Json) -> Iterator[tuple[str, Json]]:
    for group in ("initContainers", "containers"):
        for index, container in enumerate(pod["spec"].get(group) or []):
            yield f"spec.{group}[{index}]", container


def _refused(about: str, message: str, hint: str) -> errors.Rejected:
    return errors.Rejected(message, object=about, hint=hint, code="pod-refused")
