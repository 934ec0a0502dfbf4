"""A cluster that is only its API: pods are kept, changed by the test, watched; logs are lists of lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from tests.unit.runtime_kubernetes import api_server as api
from tradewind.pods import result_helper

Json = dict[str, Any]
T = "2026-01-01T00:00:{:02d}Z"


class SmallCluster:
    """`script` is what an `ApiServer` answers with."""

    def __init__(self) -> None:
        self.pods: dict[tuple[str, str], Json] = {}
        self.logs: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.events: dict[str, list[Json]] = {}
        """By namespace, as the API has them now."""
        self.refuses_events = False
        self.deleted: list[str] = []
        self.created: list[str] = []
        self.sent: list[Json] = []
        """Pods as they were sent."""
        self.refusals: list[api.Answer] = []
        """Answers to the next creates."""
        self.version = {"major": "1", "minor": "34"}
        self.helper_logs: list[api.Answer] = []
        """Answers to the next reads of the helper's log."""
        self.may_patch = True
        self.patches: list[Json] = []
        self.log_reads: list[str] = []
        """Containers whose logs were read without being followed."""
        self.lingers = False
        """A deleted pod stays, with its time of deletion, until `vanish`."""
        self._version = 0
        self._history: list[tuple[int, str, bytes]] = []
        self._watches: list[tuple[str, asyncio.Queue[bytes | None]]] = []
        self._told_events: list[tuple[int, str, bytes]] = []
        self._event_watches: list[tuple[str, asyncio.Queue[bytes | None]]] = []
        self._grew = asyncio.Condition()

    async def script(self, request: api.Request) -> api.Answer:
        if request.path == "/version":
            return api.Answer(body=json.dumps(self.version).encode())
        parts = request.path.strip("/").split("/")
        namespace, name = parts[3], parts[5] if len(parts) > 5 else ""
        if parts[-1] == "log":
            return self._log(namespace, name, request)
        if parts[4] == "events":
            return self._events(namespace, request)
        if request.method == "POST":
            return self._create(namespace, json.loads(request.body))
        if request.is_watch:
            return self._watch(namespace, int(request.query["resourceVersion"]))
        if name and (namespace, name) not in self.pods:
            return api.refused(404, f'pods "{name}" not found')
        if request.method == "DELETE":
            return self._delete(namespace, name)
        if request.method == "PATCH":
            return self._patch(namespace, name, json.loads(request.body))
        if name:
            return api.Answer(body=json.dumps(self.pods[namespace, name]).encode())
        return api.listed(*(pod for (where, _), pod in self.pods.items() if where == namespace), version=self._version)

    # -- what a kubelet would do -----------------------------------------------------------------------------------

    def change(self, name: str, namespace: str = "a", **status: Any) -> None:
        """Its status from now on."""
        pod = self.pods[namespace, name]
        pod["status"] |= status
        self._tell("MODIFIED", pod)

    def run(self, name: str, namespace: str = "a") -> None:
        self.change(
            name,
            namespace,
            phase="Running",
            containerStatuses=[self._one(name, namespace, {"running": {"startedAt": T.format(1)}})],
        )

    def wait(self, name: str, reason: str, message: str = "", namespace: str = "a") -> None:
        state = {"waiting": {"reason": reason, "message": message}}
        self.change(name, namespace, phase="Pending", containerStatuses=[self._one(name, namespace, state)])

    def end(self, name: str, code: int = 0, namespace: str = "a", **more: Any) -> None:
        ended = {"exitCode": code, "startedAt": T.format(1), "finishedAt": T.format(9), **more}
        phase = "Failed" if code else "Succeeded"
        self.change(name, namespace, phase=phase, containerStatuses=[self._one(name, namespace, {"terminated": ended})])

    def hand_over(self, name: str, message: str, code: int = 0, *, namespace: str = "a", **ended: Any) -> None:
        """The main container has ended with this code, and the helper with this message."""
        of_helper = {"terminated": {"exitCode": 0, "reason": "Completed", "message": message, **ended}}
        pod = self.pods[namespace, name]
        pod["status"] |= {"initContainerStatuses": [{"name": result_helper.NAME, "state": of_helper}]}
        self.end(name, code, namespace)

    def end_main(self, name: str, *others: str, namespace: str = "a") -> None:
        """The main container has ended; the helper and others have not."""
        ended = {"terminated": {"exitCode": 0, "startedAt": T.format(1), "finishedAt": T.format(9)}}
        running = {"running": {"startedAt": T.format(0)}}
        self.change(
            name,
            namespace,
            phase="Running",
            initContainerStatuses=[{"name": result_helper.NAME, "state": running}],
            containerStatuses=[
                self._one(name, namespace, ended),
                *({"name": other, "state": running} for other in others),
            ],
        )

    def vanish(self, name: str, namespace: str = "a") -> None:
        """Gone from the API."""
        pod = self.pods.pop((namespace, name))
        self._tell("DELETED", pod)

    async def say(self, name: str, *lines: tuple[str, str], namespace: str = "a") -> None:
        """(time, text) of its main container."""
        async with self._grew:
            self.logs.setdefault((namespace, name), []).extend(lines)
            self._grew.notify_all()

    def report(self, name: str, reason: str, message: str = "", namespace: str = "a", **more: Any) -> None:
        """An event of a pod: a new one, or with `uid` one that is there."""
        told = {
            "metadata": {"uid": more.pop("uid", f"event-{len(self._told_events)}")},
            "involvedObject": {"kind": "Pod", "name": name, "uid": self.pods[namespace, name]["metadata"]["uid"]},
            "reason": reason,
            "message": message,
            "type": "Normal",
            "count": 1,
            "firstTimestamp": T.format(1),
            "lastTimestamp": T.format(1),
            **more,
        }
        kept = self.events.setdefault(namespace, [])
        kept[:] = [one for one in kept if one["metadata"]["uid"] != told["metadata"]["uid"]]
        self._version += 1
        told["metadata"]["resourceVersion"] = str(self._version)
        kept.append(told)
        self._told_events.append((self._version, namespace, api.event("ADDED", told)))
        for where, queue in self._event_watches:
            if where == namespace:
                queue.put_nowait(api.event("ADDED", told))

    # -- the API ---------------------------------------------------------------------------------------------------

    def _events(self, namespace: str, request: api.Request) -> api.Answer:
        if self.refuses_events:
            said = 'events is forbidden: User "u" cannot list resource "events" in API group "" in the namespace "a"'
            return api.refused(403, said)
        if not request.is_watch:
            return api.listed(*self.events.get(namespace, []), version=self._version)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        for version, where, event in self._told_events:
            if version > int(request.query["resourceVersion"]) and where == namespace:
                queue.put_nowait(event)
        self._event_watches.append((namespace, queue))
        return api.Answer(chunks=[], more=_each(queue))

    def _one(self, name: str, namespace: str, state: Json) -> Json:
        return {"name": self.pods[namespace, name]["spec"]["containers"][0]["name"], "state": state, "image": "i"}

    def _create(self, namespace: str, pod: Json) -> api.Answer:
        if self.refusals:
            return self.refusals.pop(0)
        name = pod["metadata"]["name"]
        if (namespace, name) in self.pods:
            return api.refused(409, f'pods "{name}" already exists', reason="AlreadyExists")
        self.created.append(name)
        self.sent.append(json.loads(json.dumps(pod)))
        pod["metadata"] |= {"uid": f"uid-{len(self.created)}", "creationTimestamp": T.format(0)}
        pod["status"] = {"phase": "Pending"}
        self.pods[namespace, name] = pod
        self._tell("ADDED", pod)
        return api.Answer(status=201, body=json.dumps(pod).encode())

    def _delete(self, namespace: str, name: str) -> api.Answer:
        self.deleted.append(name)
        pod = self.pods[namespace, name]
        pod["metadata"]["deletionTimestamp"] = T.format(30)
        if self.lingers:
            self._tell("MODIFIED", pod)
        else:
            self.vanish(name, namespace)
        return api.Answer(body=b"{}")

    def _patch(self, namespace: str, name: str, patch: Json) -> api.Answer:
        self.patches.append(patch)
        if not self.may_patch:
            right = f'User "u" cannot patch resource "pods" in API group "" in the namespace "{namespace}"'
            return api.refused(403, f'pods "{name}" is forbidden: {right}')
        pod = self.pods[namespace, name]
        pod["metadata"]["annotations"] |= patch["metadata"].get("annotations", {})
        pod["spec"] |= patch.get("spec", {})
        self._tell("MODIFIED", pod)
        return api.Answer(body=json.dumps(pod).encode())

    def _tell(self, kind: str, pod: Json) -> None:
        self._version += 1
        pod["metadata"]["resourceVersion"] = str(self._version)
        self._history.append((self._version, pod["metadata"]["namespace"], api.event(kind, pod)))
        for namespace, queue in self._watches:
            if namespace == pod["metadata"]["namespace"]:
                queue.put_nowait(api.event(kind, pod))

    def _watch(self, namespace: str, since: int) -> api.Answer:
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        for version, where, event in self._history:
            if version > since and where == namespace:
                queue.put_nowait(event)
        self._watches.append((namespace, queue))
        return api.Answer(chunks=[], more=_each(queue))

    def is_watched(self, namespace: str) -> bool:
        """Whether somebody sees each change: who lists sees only what came of them."""
        return any(where == namespace for where, _ in self._watches)

    def close_watches(self) -> None:
        """The server ends all watches."""
        for _, queue in self._watches:
            queue.put_nowait(None)
        self._watches.clear()

    def _log(self, namespace: str, name: str, request: api.Request) -> api.Answer:
        if (namespace, name) not in self.pods:
            return api.refused(404, f'pods "{name}" not found')
        since = request.query.get("sinceTime", "")
        if request.query.get("follow") == "true":
            return api.Answer(chunks=[], more=self._follow(namespace, name, since))
        container = request.query.get("container", "")
        self.log_reads.append(container)
        if container == result_helper.NAME:
            return self.helper_logs.pop(0) if self.helper_logs else api.Answer()
        return api.Answer(chunks=_lines(self.logs.get((namespace, name), []), since))

    async def _follow(self, namespace: str, name: str, since: str) -> AsyncGenerator[bytes, None]:
        told = 0
        while True:
            lines = self.logs.get((namespace, name), [])
            for chunk in _lines(lines[told:], since):
                yield chunk
            told = len(lines)
            if (namespace, name) not in self.pods or self.pods[namespace, name]["status"]["phase"] != "Running":
                return
            async with self._grew:
                try:
                    await asyncio.wait_for(self._grew.wait(), 0.02)
                except TimeoutError:
                    continue


def _lines(lines: list[tuple[str, str]], since: str) -> list[bytes]:
    return [f"{at} {text}\n".encode() for at, text in lines if at[:19] >= since[:19]]


async def _each(queue: asyncio.Queue[bytes | None]) -> AsyncGenerator[bytes, None]:
    while (chunk := await queue.get()) is not None:
        yield chunk
