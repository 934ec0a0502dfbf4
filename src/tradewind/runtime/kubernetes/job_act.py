"""Starts a Job, and where its task waits for it follows it to its end: counts, pods' logs, values.

The Job has the attempt's name and id, so that a create whose answer was lost is made again without a second Job. Its
pods are the Job controller's; they are read, and deleted only as `on_finish_action` says of pods that have ended.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec

from tradewind.model.outcome import Success, XComPush
from tradewind.model.states import EndReason
from tradewind.pods import verdict
from tradewind.pods.view import PodView
from tradewind.ports import errors
from tradewind.runtime.kubernetes import act, decode, job_view, model_names, results, sweeping
from tradewind.runtime.kubernetes.deleting import Deleter
from tradewind.runtime.kubernetes.job_view import JobView
from tradewind.runtime.kubernetes.log_following import ContainerLog
from tradewind.runtime.kubernetes.record import Record

_READABLE = ("running", "terminated")
_LOST = "The Job went away while nobody looked; nobody can say how it ended."


class JobAct:
    """One Job's. `base` and `logged` name the containers whose logs are read."""

    def __init__(self, record: act.ActRecord, around: act.Around) -> None:
        self.record = record
        self._around = around
        metadata = record.manifest["metadata"]
        self._namespace, self._name = str(metadata["namespace"]), str(metadata["name"])
        self._jobs = f"/apis/batch/v1/namespaces/{self._namespace}/jobs"
        self._waits = bool(record.arguments.get("wait_until_job_complete"))
        self._logs: dict[tuple[str, str], ContainerLog] = {}
        self._reading: list[asyncio.Task[None]] = []
        self._pods: dict[str, PodView] = {}
        self._said = ""

    # -- act.Act ---------------------------------------------------------------------------------------------------

    async def run(self) -> act.Ending:
        """As the protocol says."""
        try:
            with self._around.watches.follow(self._namespace, self._name) as followed:
                view = await self._ensure()
                if view is None:
                    return act.failure(_LOST, *self._pushes(), reason=EndReason.LOST)
                if not self._waits:
                    return await self._end(f"Job {self._name!r} is started.")
                while not view.is_over:
                    await self._look(view)
                    view = await followed.next() or await self._find()
                    if view is None:
                        return await self._gone()
            await self._look(view)
            if self._reading:
                await asyncio.wait(self._reading)
            return await self._over(view)
        finally:
            for task in self._reading:
                task.cancel()
            await asyncio.gather(*self._reading, return_exceptions=True)
            self._logs.clear()
            self._reading.clear()

    async def undo(self) -> None:
        """Delete the Job, as `on_kill_propagation_policy` says."""
        if not self.record.uid:
            view = await self._find()
            if view is None:
                return
            self.record = msgspec.structs.replace(self.record, uid=view.metadata.uid)
        policy = str(self.record.arguments.get("on_kill_propagation_policy") or "Foreground")
        grace = self.record.arguments.get("termination_grace_period")
        options: dict[str, Any] = {"preconditions": {"uid": self.record.uid}, "propagationPolicy": policy}
        if grace is not None:
            options["gracePeriodSeconds"] = int(grace)
        try:
            await self._around.client.request("DELETE", f"{self._jobs}/{self._name}", body=json.dumps(options).encode())
        except (errors.NotFound, errors.Conflict):
            return  # gone, or another's by now

    async def tidy(self) -> None:
        """Delete the pods that have ended, as `on_finish_action` says."""
        if not self._waits or not self.record.uid:
            return
        action = str(self.record.arguments.get("on_finish_action") or "delete_pod")
        deleter = Deleter(self._around.client, self._around.patience)
        for view in self._pods.values():
            succeeded, active = view.phase == "Succeeded", view.phase in ("Pending", "Running")
            if sweeping.is_to_go(action, succeeded=succeeded, active=active):
                await deleter.delete(view.namespace, view.name, view.uid)

    # -- the Job ---------------------------------------------------------------------------------------------------

    async def _ensure(self) -> JobView | None:
        """The Job, created if it never was; None where ours was there and is gone."""
        if self.record.uid:
            return await self._find()
        body = json.dumps(self.record.manifest, separators=(",", ":")).encode()
        try:
            view = job_view.job(await self._around.client.request("POST", self._jobs, body=body))
            self._around.note(f"Job {self._namespace}/{self._name} is created")
        except errors.Conflict as error:
            if error.code != "already-exists":
                raise errors.Transient(error.message, object=self._called, code="conflict") from error
            view = job_view.job(await self._around.client.request("GET", f"{self._jobs}/{self._name}"))
            self._check_own(view)
        self.record = msgspec.structs.replace(self.record, uid=view.metadata.uid)
        await self._around.keep(self.record)
        return view

    def _check_own(self, view: JobView) -> None:
        if view.attempt_id == self.record.attempt_id:
            return
        if view.metadata.deletion_timestamp is not None:
            raise errors.Transient(
                "a Job of this name is still ending",
                object=self._called,
                code="job-name-ending",
                hint="it is waited for; if it never ends, a finalizer holds it: kubectl get job -o yaml",
            )
        whose = f"attempt {view.attempt_id}" if view.attempt_id else "somebody else"
        raise errors.Conflict(
            f"exists already and belongs to {whose} (UID {view.metadata.uid})",
            object=self._called,
            code="job-name-taken",
            hint="let names get a random suffix (random_name_suffix=True), or delete that Job",
        )

    async def _find(self) -> JobView | None:
        """Ours, if it is there."""
        try:
            view = job_view.job(await self._around.client.request("GET", f"{self._jobs}/{self._name}"))
        except errors.NotFound:
            return None
        ours = view.metadata.uid == self.record.uid if self.record.uid else view.attempt_id == self.record.attempt_id
        return view if ours else None

    @property
    def _called(self) -> str:
        return f"job {self._namespace}/{self._name}"

    # -- its pods --------------------------------------------------------------------------------------------------

    async def _look(self, view: JobView) -> None:
        """Say where it is, and see to its pods' logs."""
        if view.sentence != self._said:
            self._said = view.sentence
            self._around.note(view.sentence)
        query = {"labelSelector": str(view.spec.selector)}
        path = f"/api/v1/namespaces/{self._namespace}/pods"
        page = await decode.page(await self._around.client.request("GET", path, query))
        for pod in page.pods:
            self._pods[pod.uid] = pod
            self._read_logs(pod)

    def _read_logs(self, pod: PodView) -> None:
        for one in pod.containers:
            if one.name not in self._logged(pod) or one.state not in _READABLE:
                continue
            key = (pod.uid, one.name)
            if key not in self._logs:
                mark = pod.name.removeprefix(f"{self._name}-")
                if len(self._logged(pod)) > 1:
                    mark = f"{mark}/{one.name}"
                follower = self._logs[key] = self._around.container_log(pod, one.name, mark)
                self._reading.append(asyncio.get_running_loop().create_task(follower.run(), name=f"log of {mark}"))
            if one.state == "terminated":
                self._logs[key].end(finished_at=one.finished_at, noticed_at=pod.unready_at)

    def _logged(self, pod: PodView) -> list[str]:
        arguments = self.record.arguments
        if arguments.get("get_logs") is False:
            return []
        names = [one.name for one in pod.containers if one.role in ("main", "other")]
        wanted = arguments.get("container_logs")
        if wanted is True:
            return names
        if not wanted:
            return [pod.main.name] if pod.main is not None else names[:1]
        return [wanted] if isinstance(wanted, str) else [str(one) for one in wanted]

    # -- its end ---------------------------------------------------------------------------------------------------

    async def _gone(self) -> act.Ending:
        if self._reading:
            for follower in self._logs.values():
                follower.end()
            await asyncio.wait(self._reading)
        said = f"Job {self._name!r} was deleted while it ran; nobody can say how it ended."
        return act.failure(said, *self._pushes(), reason=EndReason.LOST)

    async def _over(self, view: JobView) -> act.Ending:
        if view.condition("Failed") is None:
            return await self._completed(view)
        said = view.sentence
        if (pod := self._last_failed()) is not None:
            said = f"{said} Pod {pod.name!r}: {verdict.sentence(pod)}"
        found = await self._end(said)
        return act.failure(said, *found.xcoms, pods=[one.name for one in self._pods.values()])

    async def _completed(self, view: JobView) -> act.Ending:
        """With its pods' values, by completion index or name: a list, or one alone, as `unwrap_single` says."""
        ended = await self._end(view.sentence)
        if not self.record.result:
            return ended
        values: list[bytes] = []
        for pod in sorted((one for one in self._pods.values() if one.phase == "Succeeded"), key=self._place):
            found = await self._value(pod)
            if not isinstance(found.outcome, Success):
                return msgspec.structs.replace(ended, outcome=found.outcome, said=f"Pod {pod.name!r}: {found.said}")
            values.append(b"null" if found.value is None else found.value.value)
        if len(values) == 1 and self.record.arguments.get("unwrap_single", True) is not False:
            pushed = act.push("return_value", json.loads(values[0]))
        else:
            whole = b"[" + b",".join(values) + b"]"
            pushed = XComPush(key="return_value", value=whole, kind="list", length=len(values))
        if pushed.value == b"null":
            return ended
        return msgspec.structs.replace(ended, xcoms=(*ended.xcoms, pushed))

    async def _value(self, pod: PodView) -> results.Ending:
        record = Record(
            attempt_id=self.record.attempt_id,
            namespace=pod.namespace,
            name=pod.name,
            uid=pod.uid,
            base=pod.main.name if pod.main is not None else "base",
            result=self.record.result,
        )
        return await self._around.results.with_value(record, pod, results.Ending(Success(), ""))

    def _place(self, pod: PodView) -> tuple[int, str]:
        index = pod.name.removeprefix(f"{self._name}-").partition("-")[0]
        return (int(index) if index.isdigit() else -1, pod.name)

    async def _end(self, said: str) -> act.Ending:
        whole = json.loads(await self._whole())
        return act.success(said, *self._pushes(), act.push("job", model_names.spelled(whole)))

    async def _whole(self) -> bytes:
        try:
            return await self._around.client.request("GET", f"{self._jobs}/{self._name}")
        except errors.NotFound:
            return json.dumps(self.record.manifest).encode()

    def _pushes(self) -> tuple[XComPush, ...]:
        return (act.push("job_name", self._name), act.push("job_namespace", self._namespace))

    def _last_failed(self) -> PodView | None:
        """Of pods that failed the one that ended last: what the Job's own reason leaves open."""
        failed = [one for one in self._pods.values() if one.phase == "Failed"]
        return max(failed, key=lambda one: (str(one.main and one.main.finished_at or ""), one.name), default=None)
