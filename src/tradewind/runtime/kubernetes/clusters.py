"""Attempts on several clusters: each goes to the cluster that its task means, and is followed there to its end.

Each cluster has a runtime of its own: client, credentials, rate, reflectors, streams. So one that is away holds up
nobody else. It is opened when the first attempt needs it, or when a record in the home says that one is there.
Invariant: an attempt has one cluster, which is in its record before anything of it is there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from tradewind.model.dagspec import Body, ClusterBody, PodBody
from tradewind.model.events import AttemptEnded
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Result
from tradewind.model.states import EndReason
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import runtime as port
from tradewind.runtime.kubernetes import background, cluster_choice, launching
from tradewind.runtime.kubernetes.acting import ActRuntime
from tradewind.runtime.kubernetes.background import Event
from tradewind.runtime.kubernetes.cluster_choice import HOME, Choice
from tradewind.runtime.kubernetes.runtime import KubernetesRuntime

_DEFAULT_LASTS_SECONDS = 10.0
"""How long the word of the default connection is taken for tasks that name no cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One cluster's runtimes, open."""

    pods: KubernetesRuntime
    acts: ActRuntime

    def of(self, body: Body) -> port.AttemptRuntime:
        """The one for such a body."""
        return self.pods if isinstance(body, PodBody) else self.acts


Open = Callable[[Choice], contextlib.AbstractAsyncContextManager[Member]]
Choose = Callable[[Mapping[str, Any]], Awaitable[Choice]]


class Clusters:
    """Implements `ports.runtime.AttemptRuntime` for bodies of clusters, and `PodDrafts`.

    `recorded`: of which clusters the home has records. `render` is the worker's way to fields.
    """

    def __init__(
        self,
        *,
        open_member: Open,
        choose: Choose,
        recorded: Sequence[Choice],
        render: launching.Render,
        clock: clock_port.Clock,
    ) -> None:
        self._open = open_member
        self._choose = choose
        self._recorded = recorded
        self._render = render
        self._clock = clock
        self._stack = contextlib.AsyncExitStack()
        self._members: dict[Choice, Member] = {}
        self._opening = asyncio.Lock()
        self._asking = asyncio.Lock()
        self._epoch: int | None = None
        self._rendered: dict[str, port.Rendered] = {}
        """What was rendered to find a cluster, until its launch asks for it."""
        self._default: tuple[float, Choice] | None = None
        self._finding: dict[AttemptId, asyncio.Task[None]] = {}
        self._refused: dict[AttemptId, AttemptEnded] = {}
        self._background = background.Background()

    async def __aenter__(self) -> Self:
        """Open the settings' cluster, and those with attempts; none of them need answer yet."""
        try:
            for choice in dict.fromkeys([HOME, *self._recorded]):
                await self._member(choice)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave all of them as they leave their attempts."""
        await self._background.aclose()
        await self._stack.aclose()

    async def render(self, request: port.RenderRequest) -> port.Rendered:
        """As the worker does, without asking it twice."""
        if request.pod is None and request.attempt_id is not None:
            known = self._rendered.pop(request.attempt_id, None)
            if known is not None:
                return known
        return await self._render(request)

    # -- the port --------------------------------------------------------------------------------------------------

    def lead(self, epoch: int) -> None:
        """As the port says."""
        self._epoch = epoch
        for member in self._members.values():
            member.pods.lead(epoch)
            member.acts.lead(epoch)

    def has(self, attempt_id: AttemptId) -> bool:
        """Whether it is an attempt of ours."""
        return attempt_id in self._finding or attempt_id in self._refused or self._find(attempt_id) is not None

    async def launch(self, launches: Sequence[port.Launch]) -> None:
        """As the port says; each has a body of a cluster."""
        at_once: dict[int, tuple[port.AttemptRuntime, list[port.Launch]]] = {}
        for launch in launches:
            attempt_id = launch.attempt.attempt_id
            if attempt_id in self._finding or attempt_id in self._refused:
                continue
            known = self._find(attempt_id) or self._at_once(launch.body)
            if known is not None:
                at_once.setdefault(id(known), (known, []))[1].append(launch)
            else:
                task = self._background.spawn(self._find_and_launch(launch), f"cluster of {attempt_id}")
                self._finding[attempt_id] = task
        for runtime, theirs in at_once.values():
            await runtime.launch(theirs)

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        """As the port says."""
        if (finding := self._finding.pop(attempt_id, None)) is not None:
            finding.cancel()
            said = f"It was stopped on request ({reason}) before it began."
            self._refuse(attempt_id, Failed(message=said, reason=EndReason.STOPPED, entered=False))
        elif (known := self._find(attempt_id)) is not None:
            await known.stop(attempt_id, grace_seconds=grace_seconds, reason=reason)

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None:
        """As the port says."""
        for attempt_id in attempt_ids:
            if self._refused.pop(attempt_id, None) is None and (known := self._find(attempt_id)) is not None:
                await known.release([attempt_id])

    async def observe(self) -> Sequence[port.Observed]:
        """As the port says."""
        found = [one for runtime in self._runtimes() for one in await runtime.observe()]
        for attempt_id, end in self._refused.items():
            self._background.tell(end)
            found.append(port.Observed(attempt_id=attempt_id, ended=True))
        return [*found, *(port.Observed(attempt_id=attempt_id) for attempt_id in self._finding)]

    def events(self) -> AsyncIterator[Sequence[Event]]:
        """As the port says."""
        return self._background.events()

    def clusters(self) -> Sequence[port.ClusterState]:
        """As `ports.runtime.ClusterStates` says."""
        return [
            port.ClusterState(
                name=str(choice), attempts=one.pods.attempts + one.acts.attempts, problem=one.pods.problem
            )
            for choice, one in self._members.items()
        ]

    async def draft(self, launch: port.Launch) -> port.PodDraft:
        """As `ports.runtime.PodDrafts` says."""
        choice = await self._cluster_of(launch)
        draft = await (await self._member(choice)).pods.draft(launch)
        return msgspec.structs.replace(draft, cluster=str(choice))

    async def try_out(self, draft: port.PodDraft) -> dict[str, Any]:
        """As `ports.runtime.PodDrafts` says."""
        member = next(one for choice, one in self._members.items() if str(choice) == draft.cluster)
        return await member.pods.try_out(draft)

    # -- which cluster ---------------------------------------------------------------------------------------------

    def _find(self, attempt_id: AttemptId) -> KubernetesRuntime | ActRuntime | None:
        return next((runtime for runtime in self._runtimes() if runtime.has(attempt_id)), None)

    def _runtimes(self) -> list[KubernetesRuntime | ActRuntime]:
        return [runtime for member in self._members.values() for runtime in (member.pods, member.acts)]

    def _at_once(self, body: Body) -> port.AttemptRuntime | None:
        """The runtime of one whose cluster needs no asking: most tasks name none."""
        choice = None if cluster_choice.names_one(_arguments(body)) else self._known_default()
        member = None if choice is None else self._members.get(choice)
        return None if member is None else member.of(body)

    def _known_default(self) -> Choice | None:
        """What the default connection said a moment ago."""
        if self._default is None or self._clock.monotonic() - self._default[0] > _DEFAULT_LASTS_SECONDS:
            return None
        return self._default[1]

    async def _find_default(self) -> Choice:
        async with self._asking:  # of many that wait, one asks
            if (known := self._known_default()) is not None:
                return known
            choice = await self._choose({})
            self._default = self._clock.monotonic(), choice
            return choice

    async def _find_and_launch(self, launch: port.Launch) -> None:
        attempt_id = launch.attempt.attempt_id
        try:
            found = await self._cluster_of(launch)
            runtime = (await self._member(found)).of(launch.body)
        except errors.Fatal:
            raise
        except errors.TradewindError as error:
            self._finding.pop(attempt_id, None)
            failed = Failed(message=str(error.problem), reason=EndReason.REJECTED, entered=False)
            self._refuse(attempt_id, failed)
            return
        self._finding.pop(attempt_id, None)
        await runtime.launch([launch])

    async def _cluster_of(self, launch: port.Launch) -> Choice:
        """Raises `errors.TradewindError`."""
        arguments = _arguments(launch.body)
        if not cluster_choice.names_one(arguments):
            return await self._find_default()
        if cluster_choice.is_templated(arguments):
            found = await launching.rendered(launch, self._render)
            if isinstance(found, Failed):
                raise errors.Rejected(
                    found.message,
                    object=f"task {launch.task.task_id!r}",
                    code="render-failed",
                    hint="tradewind render FILE TASK shows where",
                )
            self._rendered[launch.attempt.attempt_id] = found
            arguments = found.fields
        return await self._choose(arguments)

    async def _member(self, choice: Choice) -> Member:
        async with self._opening:
            if (known := self._members.get(choice)) is not None:
                return known
            member = self._members[choice] = await self._stack.enter_async_context(self._open(choice))
        for runtime in (member.pods, member.acts):
            if self._epoch is not None:
                runtime.lead(self._epoch)
            self._background.spawn(self._pump(runtime), f"events of cluster {choice}")
        return member

    # -- small things ----------------------------------------------------------------------------------------------

    async def _pump(self, runtime: port.AttemptRuntime) -> None:
        async for batch in runtime.events():
            for event in batch:
                self._background.tell(event)

    def _refuse(self, attempt_id: AttemptId, failed: Failed) -> None:
        end = AttemptEnded(
            attempt_id=attempt_id, at=self._clock.now(), result=Result(outcome=failed), verdict=failed.message
        )
        self._refused[attempt_id] = end
        self._background.tell(end)


def _arguments(body: Body) -> Mapping[str, Any]:
    return body.arguments if isinstance(body, (PodBody, ClusterBody)) else {}
