"""Asks the control plane on behalf of user code: Variables, Connections, XComs, runs, commands, handovers.

One blocking connection, made when the first question comes, asked under a lock. While the control plane is away the
worker waits and connects again (capped exponential back-off, full jitter); the question without an answer is asked
again, which is safe because reads are reads and writes are idempotent by what they write.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from tradewind.model import masking
from tradewind.model.problem import Problem
from tradewind.protocol import VERSION, frames, supervision
from tradewind.sdk.supervision import EnvironmentSupervisor
from tradewind.worker import secrets

_decoder = msgspec.msgpack.Decoder(supervision.Answer)
_FIRST_WAIT = 0.02
_LONGEST_WAIT = 2.0


class Refusal(RuntimeError):
    """The control plane refused a question; `problem` says why and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class SocketSupervisor:
    """Answers come over a Unix socket. Every method blocks; any thread may call."""

    def __init__(self, path: str, attempt_id: str = "", *, purpose: str = "attempt") -> None:
        self._path = path
        self._introduction = supervision.Introduce(version=VERSION, attempt_id=attempt_id, purpose=purpose)
        self._number = 0
        self._pods = 0
        self._patient: SocketSupervisor | None = None
        self._forget()

    def _forget(self) -> None:
        """Start anew, without the connection: in a process that user code forked it belongs to its parent."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._splitter = frames.Splitter()

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()
        if self._patient is not None:
            self._patient.close()

    # -- questions -------------------------------------------------------------------------------------------------

    def get_variable(self, key: str) -> str | None:
        """Text of a Variable, None where there is none; also one that a file put into its own environment."""
        value: str | None = self._value(supervision.GetVariable(key=key))
        if value is None:
            value = EnvironmentSupervisor().get_variable(key)
        secrets.OWN.add(masking.secrets_of_json(value, key))
        return value

    def set_variable(self, key: str, value: str, description: str = "") -> None:
        """Write a Variable."""
        secrets.OWN.add(masking.secrets_of_json(value, key))
        self.ask(supervision.SetVariable(key=key, value=value, description=description))

    def delete_variable(self, key: str) -> None:
        """Delete a Variable."""
        self.ask(supervision.DeleteVariable(key=key))

    def get_connection(self, conn_id: str) -> dict[str, Any] | None:
        """Fields of a Connection, None where there is none; also one that a file put into its own environment."""
        found: dict[str, Any] | None = self._value(supervision.GetConnection(conn_id=conn_id))
        if found is None:
            found = EnvironmentSupervisor().get_connection(conn_id)
        if found is not None:
            secrets.OWN.add(masking.secrets_of_connection(found))
        return found

    def keep_secret(self, secret: Any, name: str | None = None) -> None:
        """`mask_secret`: hide a text in the log from now on; of a dict, what is below sensitive names."""
        secrets.OWN.add(
            masking.secrets_in(secret, "secret" if name is None and not isinstance(secret, dict) else name or "")
        )

    def get_xcom(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        map_index: int = -1,
        key: str = "return_value",
        include_prior_dates: bool = False,
    ) -> bytes | None:
        """JSON of one value."""
        return self._value(  # type: ignore[no-any-return]
            supervision.GetXCom(
                dag_id=dag_id,
                run_id=run_id,
                task_id=task_id,
                map_index=map_index,
                key=key,
                include_prior_dates=include_prior_dates,
            )
        )

    def list_xcoms(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        key: str = "return_value",
        start: int = 0,
        stop: int | None = None,
    ) -> list[tuple[int, bytes]]:
        """(map index, JSON) of a task's values, in order of map index, sliced."""
        answer = self.ask(
            supervision.ListXComs(dag_id=dag_id, run_id=run_id, task_id=task_id, key=key, start=start, stop=stop)
        )
        return list(answer.values) if isinstance(answer, supervision.Values) else []

    def count_xcoms(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> int:
        """How many values a task has."""
        return int(self._value(supervision.CountXComs(dag_id=dag_id, run_id=run_id, task_id=task_id, key=key)) or 0)

    def set_xcom(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        map_index: int,
        key: str,
        value: bytes,
        kind: str = "other",
        length: int | None = None,
    ) -> None:
        """Write a value of any task."""
        self.ask(
            supervision.SetXCom(
                dag_id=dag_id,
                run_id=run_id,
                task_id=task_id,
                map_index=map_index,
                key=key,
                value=value,
                kind=kind,
                length=length,
            )
        )

    def get_tasks(self, dag_id: str, run_id: str, task_ids: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Task instances of a run as objects."""
        found = self._value(supervision.GetTasks(dag_id=dag_id, run_id=run_id, task_ids=tuple(task_ids)))
        return found or []

    def get_run(
        self,
        dag_id: str,
        run_id: str | None = None,
        before: datetime | None = None,
        state: str | None = None,
    ) -> dict[str, Any] | None:
        """A run by id, or the last one before a moment, as an object."""
        return self._value(  # type: ignore[no-any-return]
            supervision.GetRun(dag_id=dag_id, run_id=run_id, before=_plain(before), state=state)
        )

    def count_runs(
        self,
        dag_id: str,
        logical_dates: Sequence[datetime] = (),
        run_ids: Sequence[str] = (),
        states: Sequence[str] = (),
    ) -> int:
        """How many runs match."""
        dates = tuple(date for one in logical_dates if (date := _plain(one)) is not None)
        asked = supervision.CountRuns(dag_id=dag_id, logical_dates=dates, run_ids=tuple(run_ids), states=tuple(states))
        return int(self._value(asked) or 0)

    def send_command(self, command: bytes) -> dict[str, Any]:
        """Ask the leader for something (JSON of a `model.commands.Command`); its result."""
        self._number += 1
        return self._value(supervision.SendCommand(command=command, number=self._number)) or {}

    # -- its pod ---------------------------------------------------------------------------------------------------

    def hand_over(
        self,
        dag_id: str,
        run_id: str,
        manifest: dict[str, Any],
        options: dict[str, Any],
        relays: bool = False,
        act: str = "",
    ) -> dict[str, Any]:
        """Give the attempt's pod (or act) to the control plane; what is told when it is there. A second is refused."""
        self._pods += 1
        return self._of_pod(
            supervision.Handover(
                dag_id=dag_id,
                run_id=run_id,
                manifest=manifest,
                options=options,
                masked=tuple(secrets.OWN.known),
                relays=relays,
                number=self._pods,
                act=act,
            )
        )

    def await_pod(self, *, started: bool = False) -> dict[str, Any]:
        """What is told when its main container began, or when it has ended."""
        return self._of_pod(supervision.AwaitPod(phase="started" if started else "ended"))

    def read_pod_log(self, position: int, *, relays: bool) -> tuple[list[tuple[str, str, str]], int, bool]:
        """Lines after a position, the next position, and whether nothing comes after them."""
        found = self._waiting().ask(supervision.ReadPodLog(position=position, relays=relays))
        return list(found.lines), found.position, found.ended

    def stop_pod(self, reason: str = "") -> None:
        """Have it end."""
        self.ask(supervision.StopPod(reason=reason))

    def get_cluster(self) -> dict[str, Any] | None:
        """How the cluster of the pods is reached; None where pods are processes of this machine."""
        found: dict[str, Any] | None = self._value(supervision.GetCluster())
        return found

    def _of_pod(self, question: Any) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(self._waiting().ask(question), builtin_types=(bytes,))
        return found

    def _waiting(self) -> SocketSupervisor:
        """Another connection, for questions that wait long: meanwhile a signal handler or a thread asks on this one."""
        if self._patient is None or self._patient._pid != os.getpid():
            self._patient = SocketSupervisor(
                self._path, self._introduction.attempt_id, purpose=self._introduction.purpose
            )
        return self._patient

    # -- the connection --------------------------------------------------------------------------------------------

    def ask(self, question: Any) -> Any:
        """One answer. Raises `Refusal`; waits for as long as the control plane is away."""
        if os.getpid() != self._pid:
            self._forget()
        frame = frames.pack(question)
        with self._lock:
            body = self._exchange(frame)
        answer = _decoder.decode(body)
        if isinstance(answer, supervision.Refused):
            raise Refusal(answer.problem)
        return answer

    def _value(self, question: Any) -> Any:
        answer = self.ask(question)
        return None if not isinstance(answer, supervision.Value) or answer.absent else answer.value

    def _exchange(self, frame: bytes) -> bytes:
        wait = _FIRST_WAIT
        while (body := self._try_exchange(frame)) is None:
            time.sleep(random.uniform(0, wait))
            wait = min(wait * 2, _LONGEST_WAIT)
        return body

    def _try_exchange(self, frame: bytes) -> bytes | None:
        try:
            connection = self._socket or self._connect()
            connection.sendall(frame)
            return self._read(connection)
        except (OSError, EOFError):
            self.close()
            return None
        except BaseException:
            # A timeout or a signal came in the midst: what is left on the wire belongs to nobody.
            self.close()
            raise

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(self._path)
            connection.sendall(frames.pack(self._introduction))
        except BaseException:
            connection.close()
            raise
        self._splitter = frames.Splitter()
        self._socket = connection
        return connection

    def _read(self, connection: socket.socket) -> bytes:
        while True:
            data = connection.recv(1 << 16)
            if not data:
                raise EOFError
            bodies = self._splitter.feed(data)
            if bodies:
                return bodies[0]


def _plain(moment: datetime | None) -> datetime | None:
    """The same moment as a date of Python's own: the protocol knows no other, and user code hands over pendulum's."""
    return None if moment is None else datetime.fromisoformat(moment.isoformat())
