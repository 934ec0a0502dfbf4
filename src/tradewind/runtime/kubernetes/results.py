"""The value that a pod of the cluster hands over: from its helper's termination message, or else its log.

Invariant: a value arrives whole or it is said why not. It costs no request where the message holds it, and one where
not; a message that other containers' shares have cut shows by its length and hash.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

import msgspec

from tradewind.model.outcome import Failed, Outcome, Success, XComPush
from tradewind.model.states import EndReason
from tradewind.pods import manifest, result, result_helper
from tradewind.pods.view import ContainerView, PodView
from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.record import Record

_OVER = ("Succeeded", "Failed")
_AWAY = ("network", "no-answer", "idle")
"""Codes of errors for which the API server is away: it is waited for however long that lasts."""
_GIVE_UP_SECONDS = 120.0
_WRITTEN_WITHIN_SECONDS = 5.0
"""So long after a container's end its runtime may still write the last of its log."""
_LONG = 64 << 10
"""Bytes: a longer value is read beside the loop."""
_log = logging.getLogger(__name__)


class Lost(Exception):
    """Nobody has the value any more: the infrastructure's doing."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended: outcome, sentence, value, and a line for its log."""

    outcome: Outcome
    said: str
    value: XComPush | None = None
    note: str = ""


def may_have_value(record: Record, view: PodView, outcome: Outcome) -> bool:
    """Whether its main container ended by itself; what one that failed has written counts too, as in Airflow."""
    if view.main is None or view.main.state != "terminated":
        return False
    if record.result == result.TERMINATION_MESSAGE:
        return isinstance(outcome, Success)  # the message of a failure is for people
    return bool(record.result) and not (isinstance(outcome, Failed) and outcome.reason is EndReason.STOPPED)


def is_awaited(record: Record, view: PodView) -> bool:
    """Whether the main container has ended and the helper has yet to hand over."""
    helper = find_helper(view)
    return (
        record.result == result.SIDECAR
        and helper is not None
        and helper.state != "terminated"
        and view.phase not in _OVER
    )


def is_held_up(view: PodView) -> bool:
    """Whether another container runs on: the kubelet stops the helper only after all of them."""
    return not view.deleted and any(one.role == "other" and one.state != "terminated" for one in view.containers)


def find_helper(view: PodView) -> ContainerView | None:
    """The helper of a pod."""
    return next((one for one in view.containers if one.role == "sidecar" and one.name == result_helper.NAME), None)


def without_value(view: PodView) -> PodView:
    """What may be shown of a pod: the helper's message is the value."""
    shown = tuple(
        msgspec.structs.replace(one, message="") if one.name == result_helper.NAME else one for one in view.containers
    )
    return msgspec.structs.replace(view, containers=shown)


def read_message(view: PodView) -> XComPush | None:
    """The value in the main container's own message. Raises `result.BadResult`."""
    main = view.main
    message = b"" if main is None else main.message.encode()
    share = min(result.MESSAGE_LIMIT, result.MESSAGES_LIMIT // max(1, len(view.containers)))
    if len(message) >= share:
        raise result.BadResult(
            f"the termination message may be cut: a kubelet keeps {share} bytes of each in a pod of "
            f"{len(view.containers)} containers, and {len(message)} are there",
            f"return less, or write it to {manifest.RESULT_FILE} and set {result.FROM} to {result.SIDECAR}",
        )
    return result.read(message, "the termination message")


class Reader:
    """Of one cluster."""

    def __init__(self, client: ClusterClient, *, clock: clock_port.Clock, random: clock_port.Random) -> None:
        self._client = client
        self._clock = clock
        self._random = random

    async def with_value(self, record: Record, view: PodView, ending: Ending) -> Ending:
        """The end with its value. A value that cannot be taken fails what had succeeded, and changes no failure."""
        try:
            if record.result == result.TERMINATION_MESSAGE:
                value = read_message(view)
            else:
                value = await self.read(record, view)
        except result.BadResult as error:
            return _without(record, ending, error, EndReason.ERROR)
        except Lost as error:
            return _without(record, ending, result.BadResult(str(error)), EndReason.LOST)
        return replace(ending, value=value)

    async def read(self, record: Record, view: PodView) -> XComPush | None:
        """The value of a pod whose helper has ended. Raises `result.BadResult` and `Lost`."""
        helper = find_helper(view)
        found = None if helper is None else result_helper.find(helper.message.encode())
        if found is not None:
            told, rest = found
            if (refusal := result_helper.refusal(told)) is not None:
                raise refusal
            if told.what == "none":
                return None
            if (value := told.find_whole(rest)) is not None:
                return await _parse(value)
        return await _parse(await self._from_log(record, helper))

    async def _from_log(self, record: Record, helper: ContainerView | None) -> bytes:
        """Whole, as soon as it is there. Raises as `read`."""
        pause = backoff.Backoff(self._random, first_seconds=0.2, cap_seconds=5.0)
        began = self._clock.monotonic()
        while True:
            try:
                log = await self._log(record)
            except errors.Rejected as error:
                raise result.BadResult(error.message, error.hint) from error
            except errors.NotFound as error:
                raise Lost(f"the pod is gone with it: {error.message}") from error
            except (errors.Transient, errors.Unauthorized) as error:
                _log.info("value of attempt %s: %s", record.attempt_id, error)
                waited = self._clock.monotonic() - began
                if error.code not in _AWAY and isinstance(error, errors.Transient) and waited > _GIVE_UP_SECONDS:
                    raise Lost(f"the log that holds it cannot be read: {error.message}") from error
            else:
                found = result_helper.find(log)
                value = None if found is None else found[0].find_whole(found[1])
                if value is not None:
                    return value
                if self._clock.monotonic() - began > _WRITTEN_WITHIN_SECONDS:
                    raise _not_whole(helper, len(log))
            await self._clock.sleep(pause.next_seconds())

    async def _log(self, record: Record) -> bytes:
        path = f"/api/v1/namespaces/{record.namespace}/pods/{record.name}/log"
        # One byte more than can be right keeps a helper that somebody made his own from filling our memory.
        query = {"container": result_helper.NAME, "limitBytes": str(result.LIMIT + 4096)}
        return await self._client.request("GET", path, query)


def _without(record: Record, ending: Ending, error: result.BadResult, reason: EndReason) -> Ending:
    if not isinstance(ending.outcome, Success):
        return replace(ending, note=f"the value it handed over cannot be taken: {error}")
    why = result.cannot_take(record.base, error)
    return replace(ending, outcome=Failed(message=why, reason=reason, exit_code=0), said=why)


async def _parse(value: bytes) -> XComPush | None:
    if len(value) > _LONG:
        return await asyncio.to_thread(result.read, value, manifest.RESULT_FILE)
    return result.read(value, manifest.RESULT_FILE)


def _not_whole(helper: ContainerView | None, there: int) -> result.BadResult:
    if helper is None or not there:
        how = "" if helper is None else f" ({helper.reason or 'unknown'}, exit code {helper.exit_code})"
        return result.BadResult(
            f"container {result_helper.NAME!r} ended{how} before it handed the value over",
            "give it more memory (runtime.kubernetes.result.resources), or the pod a longer termination_grace_period",
        )
    return result.BadResult(
        f"the log of container {result_helper.NAME!r} does not hold the value whole ({there} bytes are there)",
        "the node may keep less of a log than the value is long: look at the kubelet's containerLogMaxSize",
    )
