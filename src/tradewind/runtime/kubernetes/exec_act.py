"""Runs a command in a container of a pod that is there, as `kubectl exec` does, and follows its output to its end.

A command that began cannot be found again: where the connection or the control plane is lost, nobody can say how it
ended, and the attempt is lost (infrastructure). It is never begun twice for one attempt.
"""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import msgspec

from tradewind.model.outcome import Failed
from tradewind.model.states import EndReason
from tradewind.pods.view import PodView
from tradewind.ports import errors
from tradewind.runtime.kubernetes import act, decode, statuses

_BEGUN = "begun"
_STDOUT, _STDERR, _STATUS, _CLOSE = 1, 2, 3, 255
_DEFAULT = "kubectl.kubernetes.io/default-container"
_LOST = "The connection to its command was lost; nobody can say how it ended, and it may still run in its pod."


class ExecAct:
    """One command's."""

    def __init__(self, record: act.ActRecord, around: act.Around) -> None:
        self.record = record
        self._around = around
        arguments = record.arguments
        self._pod, self._namespace = str(arguments.get("pod_name") or ""), record.namespace
        self._path = f"/api/v1/namespaces/{self._namespace}/pods/{self._pod}"
        self._limit = int(arguments.get("max_xcom_output_size") or 0) if arguments.get("do_xcom_push") else 0

    async def undo(self) -> None:
        """The connection is closed with `run`; the pod and what else runs in it are another's."""

    async def tidy(self) -> None:
        """Nothing is left over."""

    async def run(self) -> act.Ending:
        """As the protocol says."""
        if _BEGUN in self.record.done:
            return act.failure(_LOST, reason=EndReason.LOST)
        words = _words(self.record.arguments.get("command"))
        if not self._pod:
            raise errors.Rejected("is empty", object="argument 'pod_name'", hint="name a pod that runs")
        answer = await self._around.client.request("GET", self._path)
        container = self._container(json.loads(answer), decode.pod(answer))
        query = [("container", container), ("stdout", "true"), ("stderr", "true"), *(("command", one) for one in words)]
        await self._mark(_BEGUN)
        self._around.note(f"running a command in container {container!r} of pod {self._namespace}/{self._pod}")
        try:
            async with self._around.client.channels(f"{self._path}/exec", query) as socket:
                return await self._follow(socket, container)
        except errors.TradewindError as error:
            if error.code in ("network", "no-answer", "idle"):
                return act.failure(f"{_LOST} ({error.message})", reason=EndReason.LOST)
            await self._mark()  # the API server refused: nothing began
            raise

    async def _mark(self, *done: str) -> None:
        self.record = msgspec.structs.replace(self.record, done=done)
        await self._around.keep(self.record)

    def _container(self, pod: dict[str, Any], view: PodView) -> str:
        names = [str(one["name"]) for one in pod["spec"].get("containers") or []]
        wanted = self.record.arguments.get("container_name")
        default = (pod["metadata"].get("annotations") or {}).get(_DEFAULT)
        name = str(wanted or (default if default in names else names[0]))
        about = f"pod {self._namespace}/{self._pod}"
        if name not in names:
            raise errors.Rejected(f"has no container {name!r}", object=about, hint=f"it has: {', '.join(names)}")
        state = next((one.state for one in view.containers if one.name == name), "unknown")
        if view.phase != "Running" or state != "running":
            raise errors.NotFound(
                f"container {name!r} does not run: the pod is {view.phase or 'unknown'}, the container {state}",
                object=about,
                code="not-running",
                hint="a command runs in a pod that is there; a KubernetesPodOperator makes one",
            )
        return name

    # -- its output ------------------------------------------------------------------------------------------------

    async def _follow(self, socket: aiohttp.ClientWebSocketResponse, container: str) -> act.Ending:
        output, rests = bytearray(), {_STDOUT: b"", _STDERR: b""}
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                continue
            channel, data = message.data[0], message.data[1:]
            if channel == _STATUS:
                self._write(rests, last=True)
                return self._ending(data, container, bytes(output))
            if channel not in rests:
                continue
            rests[channel] += data
            self._write(rests)
            if channel == _STDOUT and self._limit:
                output += data
                if len(output) > self._limit:
                    self._write(rests, last=True)
                    return act.failure(
                        f"Its output is longer than the {self._limit} bytes that are kept of it "
                        "(hint: max_xcom_output_size, or write it to a file)"
                    )
        self._write(rests, last=True)
        return act.failure(_LOST, reason=EndReason.LOST)

    def _write(self, rests: dict[int, bytes], *, last: bool = False) -> None:
        for channel, data in rests.items():
            *lines, rest = data.split(b"\n")
            rests[channel] = b"" if last else rest
            if last and rest:
                lines.append(rest)
            self._around.print([line.removesuffix(b"\r") for line in lines])

    def _ending(self, data: bytes, container: str, output: bytes) -> act.Ending:
        told = msgspec.json.decode(data, type=statuses.Status)  # without kind and code, unlike those of requests
        where = f"in container {container!r} of pod {self._namespace}/{self._pod}"
        if told.status == "Success":
            pushed = [act.push("return_value", output.decode("utf-8", "replace"))] if self._pushes else []
            return act.success(f"The command {where} completed.", *pushed)
        causes = (told.details.causes if told.details else None) or []
        code = next((int(one.message or 0) for one in causes if one.reason == "ExitCode"), None)
        if code is None:
            return act.failure(f"The command {where} could not be run: {told.message}")
        said = f"The command {where} failed with exit code {code}."
        return act.Ending(outcome=Failed(message=said, exit_code=code), said=said)

    @property
    def _pushes(self) -> bool:
        return bool(self.record.arguments.get("do_xcom_push"))


def _words(command: Any) -> list[str]:
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        said = f"must be a list of texts with at least one, got {command!r}"
        raise errors.Rejected(said, object="argument 'command'", hint="['sh', '-c', '...'] where a shell is needed")
    return command
