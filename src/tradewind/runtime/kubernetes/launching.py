"""The way of an attempt to its pod: rendered by a worker where it has templates, checked, recorded, created.

Invariant: an attempt ends or has a pod, whatever goes wrong on the way; what may pass is asked again. One that was
stopped before its create was asked gets no pod. A full quota parks it: no pod, and no clock runs.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from tradewind.model.dagspec import PodBody
from tradewind.model.outcome import Failed, Skipped
from tradewind.model.states import EndReason
from tradewind.pods.view import PodView
from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port
from tradewind.ports import runtime as port
from tradewind.runtime.kubernetes import requesting
from tradewind.runtime.kubernetes.creating import Creator
from tradewind.runtime.kubernetes.options import Options
from tradewind.runtime.kubernetes.parking import Parking
from tradewind.runtime.kubernetes.record import Record

Json = dict[str, Any]
Render = Callable[[port.RenderRequest], Awaitable[port.Rendered]]
Hook = Callable[[port.Launch, Json], Awaitable[port.Rendered]]
"""Asks the site's `pod_mutation_hook` what it makes of a pod."""
_log = logging.getLogger(__name__)


class Launching:
    """One attempt's. `run` gives its pod, or how it ended without one."""

    def __init__(
        self,
        launch: port.Launch,
        body: PodBody,
        *,
        render: Render,
        creator: Creator,
        parking: Parking,
        place: Callable[[], Awaitable[requesting.Place]],
        handover: Callable[[], Awaitable[requesting.Handover]],
        record: Callable[[Record, Mapping[str, Any]], Awaitable[None]],
        note: Callable[[str], None],
        waits: Callable[[str], None],
        hook: Hook | None = None,
        clock: clock_port.Clock,
        random: clock_port.Random,
    ) -> None:
        self._hook = hook
        self._launch = launch
        self._body = body
        self._render = render
        self._creator = creator
        self._parking = parking
        self._place = place
        self._handover = handover
        self._record = record
        self._note = note
        self._waits = waits
        self._clock = clock
        self._pause = backoff.Backoff(random, first_seconds=1.0, cap_seconds=20.0)
        self._told = ""
        """Code of what it waits for, as people were told."""
        self.is_asking = False
        """A create is under way: its pod may be there."""

    async def run(self) -> PodView | Failed | Skipped:
        """Never raises but for being cancelled, which is sound unless `is_asking`."""
        try:
            while True:
                try:
                    return await self._once()
                except (errors.Transient, errors.Unauthorized) as error:
                    await self._later(error)
        except errors.NotFound as error:
            if error.code == "created-and-gone":
                return Failed(message=str(error), reason=EndReason.NEVER_STARTED, entered=False)
            return _refused(error)
        except errors.TradewindError as error:
            # Its arguments are what they are: another try would be refused in the same way.
            return _refused(error)
        except OSError as error:
            said = f"Its record could not be written: {error}"
            return Failed(message=said, reason=EndReason.NEVER_STARTED, entered=False)
        except Exception as error:  # noqa: BLE001 - arguments may hold anything; the attempt must end
            _log.exception("pod of attempt %s", self._launch.attempt.attempt_id)
            said = f"Its pod could not be made: {type(error).__name__}: {error}"
            return Failed(message=said, retry=False, reason=EndReason.REJECTED, entered=False)

    async def draft(self) -> tuple[dict[str, Any], Record] | Failed | Skipped:
        """The manifest as it is sent, and what is kept of it. Raises `errors.TradewindError`."""
        return await self._draft(await self._rendered())

    async def _draft(self, rendered: port.Rendered) -> tuple[dict[str, Any], Record] | Failed | Skipped:
        if (end := rendered.end()) is not None:
            return end
        handover = await self._handover() if self._body.do_xcom_push else None
        place = await self._place()
        composed = requesting.compose(self._launch, rendered, place, handover)
        if self._hook is not None:
            changed = await self._hook(self._launch, composed.pod)
            if (end := changed.end()) is not None:
                return end
            composed = requesting.after_hook(self._launch, composed, changed.fields)
        return requesting.finish(self._launch, self._body, rendered, place, composed)

    async def _once(self) -> PodView | Failed | Skipped:
        rendered = await self._rendered()  # first: how long that takes is its DAG file's
        async with self._creator.drafting(self._launch.priority_weight):
            draft = await self._draft(rendered)
            if isinstance(draft, (Failed, Skipped)):
                return draft
            manifest, record = draft
            await self._record(record, manifest)
        return await self._parking.enter(
            record.namespace,
            lambda: self._create(manifest),
            priority=self._launch.priority_weight,
            kind=requesting.size(manifest),
            parked=self._parked,
        )

    async def _create(self, manifest: Mapping[str, Any]) -> PodView:
        self.is_asking = True
        try:
            return await self._creator.create(manifest, priority=self._launch.priority_weight)
        except errors.TradewindError as error:
            # A create that was not answered may have arrived; one that was refused has not.
            self.is_asking = isinstance(error, errors.Transient)
            raise

    async def _rendered(self) -> port.Rendered:
        if not self._launch.templated and not self._body.templated:
            return port.Rendered(fields=self._body.arguments, masked=self._launch.masked)
        return await rendered(self._launch, self._render)

    def _parked(self, error: errors.Rejected | None) -> None:
        """A quota is full. Of which kind it is, is told once."""
        if error is None:
            self._tell("quota-exceeded", "others wait already for the namespace's quota")
        else:
            self._tell(error.code, error.message, str(error))

    def _tell(self, kind: str, why: str, in_full: str = "") -> None:
        if self._told != kind:
            self._told = kind
            self._note(f"waiting: {in_full or why}")
            self._waits(why)

    async def _later(self, error: errors.TradewindError) -> None:
        self._tell(error.code, error.message, str(error))
        _log.info("pod of attempt %s put off: %s", self._launch.attempt.attempt_id, error)
        await self._clock.sleep(self._pause.next_seconds())


def hook_of(options: Options, render: Render) -> Hook | None:
    """The site's hook, which runs in a process of its own file; None where it has none."""
    if not options.local_settings:
        return None
    path = Path(options.local_settings)
    source = port.Source(bundle="site", tree="", root=str(path.parent), file=path.name)

    def ask(launch: port.Launch, pod: Json) -> Awaitable[port.Rendered]:
        return render(
            port.RenderRequest(
                source=source,
                run=launch.run,
                task=launch.task,
                attempt_id=launch.attempt.attempt_id,
                pod=pod,
                options=options.of_local_settings,
            )
        )

    return ask


async def rendered(launch: port.Launch, render: Render) -> port.Rendered:
    """The arguments as a worker rendered them, or why it could not. Raises `errors.Transient`."""
    return await render(
        port.RenderRequest(source=launch.source, run=launch.run, task=launch.task, attempt_id=launch.attempt.attempt_id)
    )


def _refused(error: errors.TradewindError) -> Failed:
    return Failed(message=str(error.problem), retry=False, reason=EndReason.REJECTED, entered=False)
