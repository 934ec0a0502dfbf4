"""Answers a worker about the pod that it hands over: whose it is, from the rows; what becomes of it, from the runtime.

Invariant: a pod is begun only for an attempt that is not over, under the ids that its rows have.
"""

from __future__ import annotations

from typing import Any, assert_never

from tradewind.model.ids import AttemptId, DagId
from tradewind.model.states import AttemptPhase
from tradewind.ports import errors
from tradewind.ports import runtime as port
from tradewind.ports import store as store_port
from tradewind.protocol import supervision

Ask = (
    supervision.Handover | supervision.AwaitPod | supervision.ReadPodLog | supervision.StopPod | supervision.GetCluster
)
_ABOUT = "the pod that execute() handed over"


class PodSupply:
    """For all workers."""

    def __init__(self, views: store_port.Views, handovers: port.PodHandovers) -> None:
        self._views = views
        self._handovers = handovers

    async def answer(self, ask: Ask, attempt_id: str) -> supervision.Answer:
        """The answer to the worker of an attempt. Raises `errors.TradewindError`."""
        whose = AttemptId(attempt_id)
        match ask:
            case supervision.Handover():
                return told(await self._handovers.hand_over(await self._request(ask, whose)))
            case supervision.AwaitPod():
                return told(await self._handovers.await_pod(whose, started=ask.phase == "started"))
            case supervision.ReadPodLog():
                found = await self._handovers.read_log(whose, ask.position, relays=ask.relays)
                return supervision.PodLines(lines=found.lines, position=found.position, ended=found.ended)
            case supervision.StopPod():
                await self._handovers.stop_pod(whose, ask.reason)
                return supervision.Done()
            case supervision.GetCluster():
                cluster = self._handovers.cluster()
                return supervision.Value(value=cluster, absent=cluster is None)
            case _:
                assert_never(ask)

    async def _request(self, ask: supervision.Handover, attempt_id: AttemptId) -> port.PodRequest:
        if ask.number != 1:
            raise _rejected(
                f"is the {_ordinal(ask.number)} one of this execute(); a task has one pod",
                "two-pods",
                "make a task of each, or use retries where the first one may fail",
            )
        attempt = await self._views.get_attempt(attempt_id)
        run = await self._views.get_run(DagId(ask.dag_id), ask.run_id)
        if attempt.phase is AttemptPhase.ENDED or run.run_key != attempt.run_key:
            said = f"comes from a worker whose attempt {attempt_id} is over or of another run"
            raise _rejected(said, "pod-refused", "nothing to do: the worker is being ended")
        return port.PodRequest(
            attempt=attempt,
            run=run,
            manifest=ask.manifest,
            options=ask.options,
            masked=ask.masked,
            relays=ask.relays,
            act=ask.act,
        )


def told(news: port.PodNews) -> supervision.PodTold:
    """The news as the worker gets them."""
    end = news.end
    more: dict[str, Any] = {}
    if end is not None:
        more = {"result": end.result, "verdict": end.verdict or "", "detail": end.detail}
    return supervision.PodTold(
        name=news.name, namespace=news.namespace, uid=news.uid, node=news.node, started=news.started, **more
    )


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")


def _rejected(message: str, code: str, hint: str) -> errors.Rejected:
    return errors.Rejected(message, object=_ABOUT, code=code, hint=hint)
