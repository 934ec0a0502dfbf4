"""Answers what user code asks while it runs: Variables, Connections, XComs, runs, commands.

A worker connects to HOME/supervisor.sock when it first asks. Who asks is told by its first frame; the embedded mode
trusts its Unix user, so the socket's mode is the boundary. Every answer comes from a port.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from tradewind.model.commands import Command
from tradewind.model.ids import DagId, RunId, TaskId
from tradewind.model.problem import Problem
from tradewind.model.rows import DagRun, XComRow
from tradewind.model.snapshot import RunRef
from tradewind.model.states import RunState
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import runtime as runtime_port
from tradewind.ports import store as store_port
from tradewind.ports import vault as vault_port
from tradewind.protocol import frames, supervision
from tradewind.runtime.local.pod_supply import PodSupply

_log = logging.getLogger(__name__)
_decoder = msgspec.msgpack.Decoder(supervision.Ask)
_Handler = Callable[[Any], Awaitable[supervision.Answer]]


class Supply:
    """The server behind the supervisor socket."""

    def __init__(
        self,
        *,
        path: Path,
        store: store_port.Store,
        vault: vault_port.Vault,
        clock: clock_port.Clock,
        wake_leader: Callable[[], None],
    ) -> None:
        self._path = path
        self._store = store
        self._vault = vault
        self._clock = clock
        self._wake_leader = wake_leader
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._pods: asyncio.Future[PodSupply] | None = None
        self._handlers: dict[type, _Handler] = {
            supervision.GetVariable: self._get_variable,
            supervision.SetVariable: self._set_variable,
            supervision.DeleteVariable: self._delete_variable,
            supervision.GetConnection: self._get_connection,
            supervision.GetXCom: self._get_xcom,
            supervision.ListXComs: self._list_xcoms,
            supervision.CountXComs: self._count_xcoms,
            supervision.SetXCom: self._set_xcom,
            supervision.GetTasks: self._get_tasks,
            supervision.GetRun: self._get_run,
            supervision.CountRuns: self._count_runs,
            supervision.SendCommand: self._send_command,
        }

    def serve_pods(self, handovers: runtime_port.PodHandovers) -> None:
        """From now on workers may hand pods over."""
        self._served().set_result(PodSupply(self._store.views, handovers))

    def _served(self) -> asyncio.Future[PodSupply]:
        """Who answers about pods: not there yet while a control plane starts, whose workers ask at once."""
        if self._pods is None:
            self._pods = asyncio.get_running_loop().create_future()
        return self._pods

    async def __aenter__(self) -> Supply:
        """Listen. An old socket file of a server that is gone is replaced."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, path=str(self._path), backlog=512)
        os.chmod(self._path, 0o600)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and close what is open; workers wait and connect again."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
        serving = list(self._serving)
        for task in serving:
            task.cancel()  # one that waits for a pod may wait for hours
        await asyncio.gather(*serving, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if (task := asyncio.current_task()) is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        splitter, whose = frames.Splitter(), ""
        try:
            while data := await reader.read(1 << 16):
                for body in splitter.feed(data):
                    answer = await self._answer(body, whose)
                    if isinstance(answer, supervision.Introduce):
                        whose = answer.attempt_id
                    else:
                        writer.write(frames.pack(answer))
                await writer.drain()
        except (ConnectionError, frames.BadFrame) as error:
            _log.debug("worker's connection ended: %s", error)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, body: bytes, whose: str) -> supervision.Answer | supervision.Introduce:
        try:
            ask = _decoder.decode(body)
        except msgspec.MsgspecError as error:
            return _refuse("bad-request", f"not understood: {error}", "is the worker newer than the control plane?")
        if isinstance(ask, supervision.Introduce):
            return ask
        handler = self._handlers.get(type(ask))
        if isinstance(ask, supervision.OfPod):
            handler = functools.partial((await asyncio.shield(self._served())).answer, attempt_id=whose)
        if handler is None:
            return _refuse("not-here-yet", f"{type(ask).__name__} comes with a later version", "see the reference docs")
        while True:
            try:
                return await handler(ask)
            except errors.Transient as error:
                # The worker waits anyway; its question is answered when the database is back.
                _log.warning("answer put off: %s", error)
                await self._clock.sleep(0.2)
            except errors.TradewindError as error:
                return supervision.Refused(problem=error.problem)

    # -- Variables and Connections ---------------------------------------------------------------------------------

    async def _get_variable(self, ask: supervision.GetVariable) -> supervision.Answer:
        value = await self._vault.find_variable(ask.key)
        return supervision.Value(value=value, absent=value is None)

    async def _set_variable(self, ask: supervision.SetVariable) -> supervision.Answer:
        await self._vault.set_variable(ask.key, ask.value, ask.description)
        return supervision.Done()

    async def _delete_variable(self, ask: supervision.DeleteVariable) -> supervision.Answer:
        await self._vault.delete_variable(ask.key)
        return supervision.Done()

    async def _get_connection(self, ask: supervision.GetConnection) -> supervision.Answer:
        found = await self._vault.find_connection(ask.conn_id)
        return supervision.Value(value=None if found is None else msgspec.to_builtins(found), absent=found is None)

    # -- XComs -----------------------------------------------------------------------------------------------------

    async def _get_xcom(self, ask: supervision.GetXCom) -> supervision.Answer:
        key = await self._store.xcoms.find_run_key(ask.dag_id, ask.run_id)
        row = None if key is None else await self._store.xcoms.find(key, ask.task_id, ask.map_index, ask.key)
        if row is None and ask.include_prior_dates:
            row = await self._prior_xcom(ask)
        return supervision.Value(value=None if row is None else row.value, absent=row is None)

    async def _prior_xcom(self, ask: supervision.GetXCom) -> XComRow | None:
        run = await self._store.runs.find_run(RunRef(dag_id=DagId(ask.dag_id), run_id=ask.run_id))
        if run is None or run.run.logical_date is None:
            return None
        rows = await self._store.xcoms.latest_before(ask.dag_id, run.run.logical_date, ask.task_id, ask.key)
        return next((row for row in rows if row.map_index == ask.map_index), None)

    async def _list_xcoms(self, ask: supervision.ListXComs) -> supervision.Answer:
        key = await self._store.xcoms.find_run_key(ask.dag_id, ask.run_id)
        if key is None:
            return supervision.Values()
        rows = await self._store.xcoms.list(key, ask.task_id, ask.key, ask.start, ask.stop)
        return supervision.Values(values=tuple((row.map_index, row.value) for row in rows))

    async def _count_xcoms(self, ask: supervision.CountXComs) -> supervision.Answer:
        key = await self._store.xcoms.find_run_key(ask.dag_id, ask.run_id)
        rows = () if key is None else await self._store.xcoms.list(key, ask.task_id, ask.key)
        return supervision.Value(value=len(rows))

    async def _set_xcom(self, ask: supervision.SetXCom) -> supervision.Answer:
        key = await self._store.xcoms.find_run_key(ask.dag_id, ask.run_id)
        if key is None:
            return _refuse("not-found", f"DAG {ask.dag_id!r} has no run {ask.run_id!r}", "check the run id")
        await self._store.xcoms.put(
            XComRow(
                run_key=key,
                task_id=TaskId(ask.task_id),
                map_index=ask.map_index,
                key=ask.key,
                value=ask.value,
                length=ask.length,
            )
        )
        return supervision.Done()

    # -- runs ------------------------------------------------------------------------------------------------------

    async def _get_tasks(self, ask: supervision.GetTasks) -> supervision.Answer:
        found = await self._store.runs.find_run(RunRef(dag_id=DagId(ask.dag_id), run_id=ask.run_id))
        tasks = () if found is None else found.tasks
        chosen = [task for task in tasks if not ask.task_ids or task.task_id in ask.task_ids]
        return supervision.Value(value=[msgspec.to_builtins(task) for task in chosen], absent=found is None)

    async def _get_run(self, ask: supervision.GetRun) -> supervision.Answer:
        run = await self._find_run(ask)
        return supervision.Value(value=None if run is None else msgspec.to_builtins(run), absent=run is None)

    async def _find_run(self, ask: supervision.GetRun) -> DagRun | None:
        before = ask.before
        while True:
            ref = RunRef(dag_id=DagId(ask.dag_id), run_id=ask.run_id, before=None if ask.run_id else before)
            found = await self._store.runs.find_run(ref)
            if found is None or ask.state is None or found.run.state.value == ask.state:
                return None if found is None else found.run
            if ask.run_id is not None or found.run.logical_date is None:
                return None
            before = found.run.logical_date

    async def _count_runs(self, ask: supervision.CountRuns) -> supervision.Answer:
        states = tuple(RunState(state) for state in ask.states)
        if ask.run_ids or ask.logical_dates:
            refs = [RunRef(dag_id=DagId(ask.dag_id), run_id=RunId(run_id)) for run_id in ask.run_ids]
            refs += [RunRef(dag_id=DagId(ask.dag_id), logical_date=date) for date in ask.logical_dates]
            found = [await self._store.runs.find_run(ref) for ref in refs]
            count = sum(1 for one in found if one is not None and (not states or one.run.state in states))
            return supervision.Value(value=count)
        count, page = 0, store_port.Page(limit=1000)
        runs = await self._store.views.list_runs(page, DagId(ask.dag_id), states)
        count = len(runs)
        return supervision.Value(value=count)

    async def _send_command(self, ask: supervision.SendCommand) -> supervision.Answer:
        command = msgspec.json.decode(ask.command, type=Command)
        inbox_id = await self._store.inbox.put(command, "task", self._clock.now())
        self._wake_leader()
        while (result := await self._store.inbox.find_result(inbox_id)) is None:
            await self._clock.sleep(0.05)
        return supervision.Value(value=msgspec.to_builtins(result))


def _refuse(code: str, message: str, hint: str) -> supervision.Refused:
    return supervision.Refused(problem=Problem(code=code, message=message, hint=hint))
