"""The cluster as the control plane sees it: pod attempts, each one pod.

Invariant: each attempt that was handed over ends with exactly one end that counts, whatever becomes of the control
plane or the API server. What must outlive the control plane is in the attempt's directory in the home and on the pod;
everything else here is made anew from both. All state is touched by one loop only.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec

from tradewind.model import ids
from tradewind.model.dagspec import PodBody
from tradewind.model.events import WAITING, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Skipped, Success
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.pods import redaction
from tradewind.pods.view import HURRIED, PodView
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import logs as logs_port
from tradewind.ports import runtime as port
from tradewind.runtime.kubernetes import (
    cluster_choice,
    decode,
    launching,
    log_file,
    log_following,
    log_outages,
    log_streams,
    phases,
    requesting,
    results,
)
from tradewind.runtime.kubernetes.background import Background, Event
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.creating import Creator
from tradewind.runtime.kubernetes.deleting import Deleter, Deletion
from tradewind.runtime.kubernetes.event_watch import EventWatch, EventWatches
from tradewind.runtime.kubernetes.following import Followed
from tradewind.runtime.kubernetes.options import Options
from tradewind.runtime.kubernetes.parking import Parking
from tradewind.runtime.kubernetes.patience import Patience
from tradewind.runtime.kubernetes.record import Record, Records
from tradewind.runtime.kubernetes.reflector import Blind, Change, PodGone, PodSeen, Reflector, Synced
from tradewind.runtime.kubernetes.scope import Scope
from tradewind.runtime.kubernetes.scopes import Scopes
from tradewind.runtime.kubernetes.site import Site
from tradewind.runtime.kubernetes.sweeping import Sweeper, is_to_go

_TAKE_DOWN_SECONDS = 10.0
_HEED_SECONDS = 1.0
_NEWS = timedelta(minutes=1)
_MERGE_PATCH = "application/merge-patch+json"
_log = logging.getLogger(__name__)


class KubernetesRuntime:
    """Implements `ports.runtime.AttemptRuntime` for pods. `client` is open; `render` is the worker's way to fields."""

    def __init__(
        self,
        *,
        home: Path,
        client: ClusterClient,
        render: launching.Render,
        find_connection: cluster_choice.FindConnection,
        options: Options,
        clock: clock_port.Clock,
        random: clock_port.Random,
        demand: logs_port.Demand | None = None,
    ) -> None:
        self.clock = clock
        self._demand = demand
        self._client = client
        self._render = render
        self._hook = launching.hook_of(options, render)
        self._options = options
        self._random = random
        self._records = Records(home)
        self._background = Background()
        self._patience = patience = Patience(clock=clock, random=random)
        self.site = Site(home, client, options, find_connection)
        self._results = results.Reader(client, clock=clock, random=random)
        self._creator = Creator(client, patience)
        self._parking = Parking(clock=clock, random=random, spawn=self.spawn)
        self._deleter = Deleter(client, patience)
        kept = home / f"kubernetes-outages{options.cluster.mark}.json"
        self.streams = log_streams.Streams(options.log_streams, outages=log_outages.Outages(kept))
        self._scopes = Scopes(self._reflector, self._take, self._background.fail)
        self._event_watches = EventWatches(
            lambda namespace: EventWatch(client, namespace, clock=clock, random=random),
            lambda watch: self.spawn(watch.run(), "events"),
        )
        self._blind: dict[Scope, str] = {}
        """Why what is known of a namespace may be old."""
        self._followed: dict[str, Followed] = {}
        self._launching: dict[str, tuple[launching.Launching, asyncio.Task[None]]] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}
        """Attempts that are released, until their pods are deleted."""
        self._leads = False
        self._sweeper: Sweeper

    async def __aenter__(self) -> Self:
        """Take up what is recorded in the home; the cluster need not answer yet."""
        await self.site.open()
        self._sweeper = Sweeper(
            self._client,
            self._deleter,
            home_id=self.site.home_id,
            is_followed=lambda attempt_id: self._of_owner(attempt_id) is not None,
            clock=self.clock,
        )
        for record in await asyncio.to_thread(self._records.list):
            if record.cluster == self._options.cluster:
                await self._adopt(record)
        if self._demand is not None:
            self.spawn(self._heed(self._demand), "demand for logs")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave the pods to themselves, or (ephemeral) delete those that live."""
        for underway in self._launching.values():
            underway[1].cancel()
        if self._options.ephemeral:
            for one in list(self._followed.values()):
                self._take_down(one)
        if self._leaving:
            await asyncio.wait(self._leaving.values(), timeout=_TAKE_DOWN_SECONDS)
            if self._leaving:
                _log.warning("%d pods could not be deleted: the API server did not answer", len(self._leaving))
        await self._scopes.aclose()  # first: what is seen begins tasks
        await self._background.aclose()

    async def _adopt(self, record: Record) -> None:
        followed = self._follow(record)
        await asyncio.to_thread(followed.file.resume)
        if record.uid:
            self.follow_events(followed)
        self._scopes.ensure(record.namespace)

    async def _heed(self, demand: logs_port.Demand) -> None:
        """Logs that somebody follows are read at once."""
        while True:
            for attempt_id in demand.list_followed():
                if (followed := self._of_owner(attempt_id)) is not None:
                    followed.want_logs()
            await self.clock.sleep(_HEED_SECONDS)

    def _take_down(self, followed: Followed) -> None:
        """Nobody will follow it any more."""
        if followed.end is not None:
            self._leave(followed)
        elif followed.record.uid:

            async def delete() -> None:
                await self._delete(followed)

            work = self._patience.insist(delete, f"taking down {followed.attempt_id}")
            self._keep_leaving(followed, self.spawn(work, f"end of {followed.attempt_id}"))

    def _leave(self, followed: Followed) -> None:
        if followed.attempt_id not in self._leaving:
            self._keep_leaving(followed, self.spawn(self._let_go(followed), f"release of {followed.attempt_id}"))

    def _keep_leaving(self, followed: Followed, task: asyncio.Task[None]) -> None:
        self._leaving[followed.attempt_id] = task
        task.add_done_callback(lambda _: self._leaving.pop(followed.attempt_id, None))

    # -- what attempts need of us (`following.Surroundings`) -------------------------------------------------------

    def tell(self, event: Event) -> None:
        """To whoever leads."""
        self._background.tell(event)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """In the background, until we end. What it raises ends us."""
        return self._background.spawn(work, name)

    def keep(self, record: Record) -> None:
        """Write the record."""
        try:
            # Were it lost in a power cut, its launch would be made again, under the same name.
            self._records.put(record, lasting=False)
        except OSError as error:
            _log.warning("record of attempt %s: %s", record.attempt_id, error)

    def follow_events(self, followed: Followed) -> None:
        """From now on it is told what the cluster says of its pod."""
        self._event_watches.ensure(followed.record.namespace).follow(followed.record.uid, followed.heard)

    def saw_outage(self, node: str, at: datetime) -> None:
        """As `following.Surroundings` says."""
        if self.clock.now() - at < _NEWS:  # events are told again by every list
            self.streams.outages.away_at(node, at)

    def find_specification(self, followed: Followed) -> str | None:
        """What people may see of its pod's specification."""
        return self._records.find_shown(followed.record.attempt_id)

    def container_log(self, followed: Followed, container: str) -> log_following.ContainerLog:
        """A follower of one container's log."""
        return log_following.ContainerLog(
            self._client,
            self.streams,
            followed.file,
            namespace=followed.record.namespace,
            pod=followed.record.name,
            container=container,
            node=followed.view.node if followed.view is not None else "",
            file_bytes=self._options.log_file_bytes,
            clock=self.clock,
            random=self._random,
            is_ours=followed.is_current,
        )

    async def with_value(self, record: Record, view: PodView, ending: results.Ending) -> results.Ending:
        """As `following.Surroundings` says."""
        return await self._results.with_value(record, view, ending)

    def hurry(self, followed: Followed) -> None:
        """A kubelet that sees a deadline in the past stops the containers and leaves the pod, and its logs, there."""
        record = followed.record
        path = f"/api/v1/namespaces/{record.namespace}/pods/{record.name}"
        marks = {"uid": record.uid, "annotations": {HURRIED: "true"}}
        body = json.dumps({"metadata": marks, "spec": {"activeDeadlineSeconds": 1}}).encode()

        async def patch() -> None:
            try:
                await self._client.request("PATCH", path, body=body, content_type=_MERGE_PATCH)
            except (errors.NotFound, errors.Conflict):
                pass  # it is gone, which is told by the reflector
            except errors.Rejected as error:
                # Without the right to patch it has to go; its log goes with it, and a value that only that holds.
                _log.warning("pod %s/%s is deleted before its value is read: %s", record.namespace, record.name, error)
                await self._delete(followed)

        self.spawn(self._patience.insist(patch, f"ending the other containers of {followed.attempt_id}"), "hurry")

    # -- the port --------------------------------------------------------------------------------------------------

    def lead(self, epoch: int) -> None:
        """As the port says. Who may write is decided by the lease; pods know no epoch."""
        if not self._leads:
            self._leads = True
            self.spawn(self._sweeper.run_forever(), "sweeper")

    def has(self, attempt_id: AttemptId) -> bool:
        """Whether it is an attempt of ours."""
        return attempt_id in self._followed or attempt_id in self._launching

    @property
    def attempts(self) -> int:
        """How many are followed or on their way to a pod."""
        return len(self._followed.keys() | self._launching.keys())

    @property
    def problem(self) -> str:
        """Why what is known of the cluster's pods may be old; empty: it is watched."""
        return next(iter(self._blind.values()), "")

    async def launch(self, launches: Sequence[port.Launch]) -> None:
        """As the port says; each has a pod operator's body."""
        for launch in launches:
            attempt_id = launch.attempt.attempt_id
            followed = self._followed.get(attempt_id)
            if attempt_id in self._launching or (followed is not None and (followed.record.uid or followed.is_ending)):
                continue
            if not isinstance(launch.body, PodBody):
                raise errors.Fatal(f"attempt {attempt_id} is no pod", hint="a defect of Tradewind: please report it")
            way = self._way(launch, launch.body)
            self._launching[attempt_id] = (way, self.spawn(self._bring(attempt_id, way), f"launch of {attempt_id}"))

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        """As the port says, but the grace is the pod's own (`termination_grace_period`), as Kubernetes has it."""
        underway = self._launching.get(attempt_id)
        if underway is not None and not underway[0].is_asking:
            underway[1].cancel()
            del self._launching[attempt_id]
            said = f"It was stopped on request ({reason}) before it began."
            self._without_pod(attempt_id, Failed(message=said, reason=EndReason.STOPPED, entered=False))
            return
        followed = self._followed.get(attempt_id)
        if followed is None or followed.is_ending:
            return
        followed.mark_stopping(reason)
        if followed.record.uid:
            self._end_pod(followed)
        elif underway is None:
            self.spawn(self._end_unanswered(followed), f"stop of {attempt_id}")

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None:
        """As the port says; pods go or stay as their `on_finish_action` says."""
        for attempt_id in attempt_ids:
            followed = self._followed.get(attempt_id)
            if followed is not None and followed.end is not None:
                self._leave(followed)

    async def observe(self) -> Sequence[port.Observed]:
        """As the port says. An attempt whose create was never answered is not told: it is launched again."""
        found: list[port.Observed] = []
        for one in self._followed.values():
            if one.attempt_id in self._leaving:
                continue
            if one.end is not None:
                self._background.tell_again(one.end)
            if one.record.uid or one.end is not None:
                found.append(port.Observed(attempt_id=one.record.attempt_id, ended=one.end is not None))
        known = {one.attempt_id for one in found}
        found += [port.Observed(attempt_id=AttemptId(one)) for one in self._launching if one not in known]
        return found

    def events(self) -> AsyncIterator[Sequence[Event]]:
        """As the port says."""
        return self._background.events()

    # -- launching -------------------------------------------------------------------------------------------------

    def _way(
        self,
        launch: port.Launch,
        body: PodBody,
        handover: Callable[[], Awaitable[requesting.Handover]] | None = None,
    ) -> launching.Launching:
        async def record(record: Record, manifest: Mapping[str, Any]) -> None:
            known = self._followed.get(record.attempt_id)
            if known is None:
                shown = redaction.redact(manifest) if record.spec_on_failure else None
                await self._records.begin(record, shown)
                self._follow(record)
            self._scopes.ensure(record.namespace)
            self._event_watches.ensure(record.namespace)

        def note(text: str) -> None:
            if (followed := self._followed.get(launch.attempt.attempt_id)) is not None:
                followed.note(text)

        def waits(words: str) -> None:
            attempt_id, phase, now = launch.attempt.attempt_id, AttemptPhase.CREATED, self.clock.now()
            self.tell(AttemptProgress(attempt_id=attempt_id, phase=phase, at=now, detail={WAITING: words}))

        return launching.Launching(
            launch,
            body,
            render=self._render,
            creator=self._creator,
            place=self.site.place,
            handover=handover or self.site.handover,
            record=record,
            note=note,
            parking=self._parking,
            hook=self._hook,
            waits=waits,
            clock=self.clock,
            random=self._random,
        )

    async def draft(self, launch: port.Launch) -> port.PodDraft:
        """As the port says."""
        if not isinstance(launch.body, PodBody):
            raise errors.Fatal(f"attempt {launch.attempt.attempt_id} is no pod")
        found = await self._way(launch, launch.body, self.site.drafted_handover).draft()
        if isinstance(found, (Failed, Skipped)):
            said = found.message or "skips itself"
            raise errors.Rejected(said, object=f"task {launch.task.task_id!r}", code="pod-refused")
        manifest, record = found
        return port.PodDraft(manifest=manifest, masked=record.masked)

    async def try_out(self, draft: port.PodDraft) -> dict[str, Any]:
        """As the port says."""
        answer: dict[str, Any] = msgspec.json.decode(await self._creator.try_out(draft.manifest))
        return answer

    def _follow(self, record: Record) -> Followed:
        """The attempt of a record, known from now on."""
        known = self._followed.get(record.attempt_id)
        if known is not None:
            return known
        file = log_file.LogFile(
            self._records.folder(record.attempt_id) / "log",
            now=self.clock.now,
            unnamed=record.base,
            prefixed=record.prefixed,
            masked=record.masked,
            quota_bytes=self._options.log_quota_bytes,
        )
        followed = self._followed[record.attempt_id] = Followed(record, self, file)
        return followed

    async def _bring(self, attempt_id: AttemptId, way: launching.Launching) -> None:
        found = await way.run()
        self._launching.pop(attempt_id, None)
        if isinstance(found, (Failed, Skipped)):
            self._without_pod(attempt_id, found)
            return
        followed = self._followed[attempt_id]
        self._sweeper.forget(found.uid)
        for text in followed.record.notes:
            followed.note(text)
        if followed.view is None:
            followed.see(found)  # a state that the watch told meanwhile is newer
        if followed.stop_reason is not None and not followed.is_ending:
            self._end_pod(followed)

    def _without_pod(self, attempt_id: AttemptId, outcome: Failed | Skipped) -> None:
        followed = self._followed.get(attempt_id) or self._follow(Record(attempt_id=attempt_id, namespace="", name=""))
        followed.refuse(outcome)

    # -- what the cluster tells ------------------------------------------------------------------------------------

    def _reflector(self, namespace: str) -> Reflector:
        return Reflector(self._client, Scope(namespace=namespace), clock=self.clock, random=self._random)

    async def _take(self, change: Change) -> None:
        match change:
            case PodSeen(view=view):
                self._seen(view)
            case PodGone(view=view):
                self._gone(view)
            case Synced(scope=scope):
                self._blind.pop(scope, None)
                self._look_for_missing(scope)
            case Blind(scope=scope, problem=problem):
                self._blind[scope] = problem.message  # when it sees again, the list is compared

    def _seen(self, view: PodView) -> None:
        if view.phase in ("Succeeded", "Failed"):
            self._parking.freed(view.namespace)
        followed = self._find(view)
        if followed is None:
            self._sweeper.note(view)
        else:
            followed.see(view)

    def _of_owner(self, attempt_id: str) -> Followed | None:
        """The pod of an attempt: launched as such, or handed over by its worker."""
        return self._followed.get(attempt_id) or self._followed.get(ids.pod_of(attempt_id))

    def _find(self, view: PodView) -> Followed | None:
        followed = None if view.identity is None else self._of_owner(view.identity.attempt_id)
        if followed is None or view.name != followed.record.name:
            return None
        return followed if followed.record.uid in ("", view.uid) else None

    def _gone(self, view: PodView) -> None:
        self._sweeper.forget(view.uid)
        self._parking.freed(view.namespace)
        followed = self._find(view)
        if followed is None or followed.is_ending or not followed.record.uid:
            return
        if view.deletion_at is not None:
            followed.gone(view)
        else:
            self.spawn(self._confirm_gone(followed, view), f"look for {followed.attempt_id}")

    def _look_for_missing(self, scope: Scope) -> None:
        for one in self._followed.values():
            record = one.record
            if record.namespace != scope.namespace or not record.uid or one.is_ending:
                continue
            if not self._scopes.has(record.namespace, record.name, record.uid):
                self.spawn(self._confirm_gone(one, one.view), f"look for {one.attempt_id}")

    async def _confirm_gone(self, followed: Followed, view: PodView | None) -> None:
        """It may be that only its label was taken off, or that it was created after the list."""
        record = followed.record
        path = f"/api/v1/namespaces/{record.namespace}/pods/{record.name}"

        async def look() -> None:
            found = None
            try:
                found = decode.pod(await self._client.request("GET", path))
            except errors.NotFound:
                pass
            if found is None or found.uid != record.uid:
                followed.gone(view)
            elif followed.view is None:
                followed.see(found)

        await self._patience.insist(look, f"looking for pod {record.namespace}/{record.name}")

    # -- ending ----------------------------------------------------------------------------------------------------

    async def _end_unanswered(self, followed: Followed) -> None:
        """Its create was asked by a control plane that is gone: there may be a pod or none."""
        record = followed.record
        path = f"/api/v1/namespaces/{record.namespace}/pods/{record.name}"

        async def look() -> None:
            try:
                self._seen(decode.pod(await self._client.request("GET", path)))
            except errors.NotFound:
                pass
            if followed.record.uid:
                self._end_pod(followed)
            else:
                said = "It was stopped on request before it began."
                followed.refuse(Failed(message=said, reason=EndReason.STOPPED, entered=False))

        await self._patience.insist(look, f"looking for pod {record.namespace}/{record.name}")

    def _end_pod(self, followed: Followed) -> None:
        if followed.record.on_kill_action == "keep_pod":
            followed.finish_stopped()
            return

        async def delete() -> None:
            if await self._delete(followed) is Deletion.GONE:
                followed.gone(followed.view)

        self.spawn(self._patience.insist(delete, f"stopping {followed.attempt_id}"), f"stop of {followed.attempt_id}")

    async def _let_go(self, followed: Followed) -> None:
        record, view, end = followed.record, followed.view, followed.end
        succeeded = end is not None and isinstance(end.result.outcome, Success)
        active = view is None or view.phase in ("Pending", "Running") or not phases.is_over(view)
        stays = followed.stop_reason is not None and record.on_kill_action == "keep_pod"
        if record.uid and not stays and is_to_go(record.on_finish_action, succeeded=succeeded, active=active):

            async def delete() -> None:
                await self._delete(followed)

            await self._patience.insist(delete, f"deleting pod {record.namespace}/{record.name}")
        self._records.remove(record.attempt_id)
        self._followed.pop(record.attempt_id, None)
        if record.namespace:
            self._event_watches.ensure(record.namespace).leave(record.uid)

    async def _delete(self, followed: Followed) -> Deletion:
        record = followed.record
        return await self._deleter.delete(record.namespace, record.name, record.uid)
