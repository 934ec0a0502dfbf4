"""What a worker asks about its pod, over its socket, of a control plane that is just starting."""

from __future__ import annotations

import asyncio
import pathlib
from typing import Any

import msgspec

from tradewind.model.ids import AttemptId
from tradewind.ports import runtime as port
from tradewind.protocol import VERSION, frames, supervision
from tradewind.runtime.local import supply
from tradewind.testing import clock as clocks


class Pods:
    """Knows one pod that runs."""

    async def await_pod(self, attempt_id: AttemptId, *, started: bool) -> port.PodNews:
        return port.PodNews(name=f"of-{attempt_id}", started=started)


class Nothing:
    """A store and a vault that nobody asks."""

    def __getattr__(self, name: str) -> Any:
        return Nothing()


def test_a_worker_that_asks_before_the_runtime_is_open_is_answered_when_it_is(tmp_path: pathlib.Path) -> None:
    """It was refused, and its task failed, when a server with many workers was restarted."""
    given: dict[str, Any] = {"store": Nothing(), "vault": Nothing()}
    pods: Any = Pods()

    async def main() -> supervision.Answer:
        path = tmp_path / "s"
        async with supply.Supply(path=path, clock=clocks.ManualClock(), wake_leader=lambda: None, **given) as served:
            reader, writer = await asyncio.open_unix_connection(str(path))
            asked = supervision.Introduce(version=VERSION, attempt_id="a"), supervision.AwaitPod(phase="started")
            writer.write(b"".join(map(frames.pack, asked)))
            reading = asyncio.ensure_future(reader.read(1 << 16))
            await asyncio.sleep(0.05)
            assert not reading.done()
            served.serve_pods(pods)
            (body,) = frames.Splitter().feed(await reading)
            writer.close()
            await writer.wait_closed()
        answer: supervision.Answer = msgspec.msgpack.decode(body, type=supervision.Answer)
        return answer

    assert asyncio.run(main()) == supervision.PodTold(name="of-a", started=True)
