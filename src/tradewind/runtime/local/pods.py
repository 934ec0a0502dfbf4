"""The way of a pod operator's attempt to the podlet: rendered by a worker where it has templates, checked, handed over.

Invariant: an attempt that was stopped on its way is never handed over; what goes wrong on the way is its end.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

from tradewind.model.dagspec import PodBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Result, Skipped
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import runtime as port
from tradewind.protocol.podlet import StartPod
from tradewind.runtime.local import pod_request
from tradewind.runtime.local.options import Options

_AGAIN_SECONDS = 0.2
_log = logging.getLogger(__name__)


class Pods:
    """Pod attempts that the podlet does not have yet."""

    def __init__(
        self,
        *,
        options: Options,
        clock: clock_port.Clock,
        render: Callable[[port.RenderRequest], Awaitable[port.Rendered]],
        send: Callable[[StartPod], None],
        tell: Callable[[AttemptEnded | AttemptProgress], None],
    ) -> None:
        self._options = options
        self._clock = clock
        self._render = render
        self._send = send
        self._tell = tell
        self._underway: dict[AttemptId, asyncio.Task[None]] = {}

    def begin(self, launch: port.Launch, body: PodBody) -> None:
        """Hand it over as soon as it is rendered; its end arrives as an event whatever happens on the way."""
        attempt_id = launch.attempt.attempt_id
        if attempt_id not in self._underway:
            task = asyncio.get_running_loop().create_task(self._bring(launch, body), name=f"pod {attempt_id}")
            self._underway[attempt_id] = task
            task.add_done_callback(lambda _: self._underway.pop(attempt_id, None))

    def stop(self, attempt_id: AttemptId, reason: str) -> bool:
        """End it on its way; False where it is not on its way."""
        task = self._underway.pop(attempt_id, None)
        if task is None:
            return False
        task.cancel()
        said = f"It was stopped on request ({reason}) before it began." if reason else "It was stopped before it began."
        self._end(attempt_id, Failed(message=said, reason=EndReason.STOPPED, entered=False))
        return True

    def list_ids(self) -> list[AttemptId]:
        """Those on their way."""
        return list(self._underway)

    async def aclose(self) -> None:
        """Leave them: the next control plane launches them again, since the podlet does not know them."""
        tasks = list(self._underway.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _bring(self, launch: port.Launch, body: PodBody) -> None:
        attempt_id = launch.attempt.attempt_id
        while True:
            try:
                rendered = await self._rendered(launch, body)
                if (end := rendered.end()) is not None:
                    self._end(attempt_id, end)
                    return
                start = pod_request.build(launch, body, rendered, self._options)
                self._send(start)
                self._tell(self._submitted(start))
            except errors.Transient as error:
                _log.info("pod of attempt %s put off: %s", attempt_id, error)
                await self._clock.sleep(_AGAIN_SECONDS)
            except errors.Rejected as error:
                # Its arguments are what they are: another try would be refused in the same way.
                said = str(error.problem)
                self._end(attempt_id, Failed(message=said, retry=False, reason=EndReason.REJECTED, entered=False))
                return
            except Exception as error:  # noqa: BLE001 - arguments may hold anything; the attempt must end
                _log.exception("pod of attempt %s", attempt_id)
                said = f"Its pod could not be made: {type(error).__name__}: {error}"
                self._end(attempt_id, Failed(message=said, retry=False, reason=EndReason.REJECTED, entered=False))
                return
            else:
                return

    def _submitted(self, start: StartPod) -> AttemptProgress:
        metadata = start.manifest["metadata"]
        return AttemptProgress(
            attempt_id=AttemptId(start.attempt_id),
            phase=AttemptPhase.SUBMITTED,
            at=self._clock.now(),
            pod_name=metadata["name"],
            namespace=metadata["namespace"],
            node=socket.gethostname(),
        )

    async def _rendered(self, launch: port.Launch, body: PodBody) -> port.Rendered:
        if not launch.templated and not body.templated:
            return port.Rendered(fields=body.arguments, masked=launch.masked)
        request = port.RenderRequest(
            source=launch.source, run=launch.run, task=launch.task, attempt_id=launch.attempt.attempt_id
        )
        return await self._render(request)

    def _end(self, attempt_id: AttemptId, outcome: Failed | Skipped) -> None:
        self._tell(AttemptEnded(attempt_id=attempt_id, at=self._clock.now(), result=Result(outcome=outcome)))
