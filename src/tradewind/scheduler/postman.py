"""Sends the outbox's mail, beside everything else: a server that hangs holds up neither callbacks nor runs.

Invariant: a row is postponed before it comes here (`outbox`) and goes only when its mail was taken, refused for good,
or given up; so a crash at any moment means that it is sent later, in the worst case twice, with the same Message-ID.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import datetime, timedelta

import msgspec

from tradewind.model.ids import AttemptId, RunKey
from tradewind.model.notice import FailureNotice
from tradewind.model.rows import OutboxRow
from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port
from tradewind.ports import logs as logs_port
from tradewind.ports import mail as mail_port
from tradewind.ports import store as store_port
from tradewind.scheduler import failure_mail

_log = logging.getLogger(__name__)
_TAIL_LINES = 40
_SEALED_WITHIN = timedelta(seconds=5)
"""The end of an attempt comes a moment before its log is whole."""
_SOONEST, _LATEST = timedelta(seconds=5), timedelta(minutes=10)


class Postman:
    """Sends mail one by one."""

    def __init__(
        self,
        *,
        mailer: mail_port.Mailer,
        outbox: store_port.Outbox,
        views: store_port.Views,
        logs: logs_port.Logs,
        clock: clock_port.Clock,
        random: clock_port.Random,
        give_up: timedelta = timedelta(days=1),
    ) -> None:
        self._mailer = mailer
        self._outbox = outbox
        self._views = views
        self._logs = logs
        self._clock = clock
        self._random = random
        self._give_up = give_up
        self._waiting: dict[str, OutboxRow] = {}
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._told_without = False
        self.results: Counter[str] = Counter()
        """Mails by what became of them: sent, refused, given up, no server; and tries that failed: failed."""
        self.failing: dict[str, str] = {}
        """Mails that wait to be tried again, by key, with the last error."""

    def take(self, row: OutboxRow) -> None:
        """Send this soon; taken twice it is sent once."""
        self._waiting.setdefault(row.key, row)
        self._wake.set()

    async def run_forever(self) -> None:
        """Send what comes."""
        pause = backoff.Backoff(self._random)
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.send_all()
                pause.reset()
            except errors.Transient as error:
                _log.warning("mail not worked off: %s", error)
                await self._clock.sleep(pause.next_seconds())
                self._wake.set()

    async def finish(self) -> None:
        """What came and was not tried yet, before the process ends; what fails waits for the next one."""
        try:
            await self.send_all()
        except errors.Transient as error:
            _log.warning("mail not worked off: %s", error)

    async def send_all(self) -> None:
        """Everything that waits, each once. Raises `errors.Transient` where the database is away."""
        away: errors.TradewindError | None = None
        async with self._one_at_a_time:
            while self._waiting:
                key, row = next(iter(self._waiting.items()))
                if away is None:
                    away = await self._send(row)
                else:
                    await self._again(row, away)
                self._waiting.pop(key, None)

    async def _send(self, row: OutboxRow) -> errors.TradewindError | None:
        """Send one; the error where no other would be taken either."""
        notice = msgspec.convert(row.payload, FailureNotice)
        try:
            if await self._mailer.find_server() is None:
                self._tell_without()
                await self._done(row, "no_server")
                return None
            mail = failure_mail.compose(row.key, notice, await self._tail(notice))
            await self._mailer.send(mail)
        except mail_port.Deferred as error:
            await self._again(row, error)
        except errors.Rejected as error:
            if error.code != "mail-refused":  # the Connection is wrong, and may be put right
                await self._again(row, error)
                return error
            _log.error("a mail is refused for good: %s", error, extra=_ids(notice))
            await self._done(row, "refused")
        except errors.TradewindError as error:
            await self._again(row, error)
            return error
        else:
            _log.info(
                "mail sent to %s: %s",
                ", ".join(mail.to),
                mail.subject,
                extra={"dag": notice.dag_id, "run": notice.run_id},
            )
            await self._done(row, "sent")
        return None

    async def _again(self, row: OutboxRow, error: errors.TradewindError) -> None:
        """Later, after as long again as it has waited; or never, when it has waited for too long."""
        notice = msgspec.convert(row.payload, FailureNotice)
        ids = {**_ids(notice), "code": error.code}
        age = self._clock.now() - notice.at
        self.results["failed"] += 1
        if age >= self._give_up:
            _log.error("a mail to %s is given up after %s: %s", ", ".join(notice.to), age, error, extra=ids)
            await self._done(row, "given_up")
            return
        self.failing[row.key] = str(error)
        _log.warning("a mail to %s waits and is tried again: %s", ", ".join(notice.to), error, extra=ids)
        await self._outbox.postpone(row.key, self._next(age), str(error))

    def _next(self, age: timedelta) -> datetime:
        span = max(_SOONEST, min(age, _LATEST))
        return self._clock.now() + span * (1 + self._random.uniform() / 4)

    async def _done(self, row: OutboxRow, result: str) -> None:
        await self._outbox.done([row.key])
        self.failing.pop(row.key, None)
        self.results[result] += 1

    def _tell_without(self) -> None:
        if not self._told_without:
            self._told_without = True
            hint = "set mail.host, or make a Connection smtp_default"
            _log.warning("tasks ask for mail, and no server is set up: none is sent", extra={"hint": hint})

    async def _tail(self, notice: FailureNotice) -> list[str]:
        """The last lines of the attempt's log; nothing where it wrote none."""
        if notice.attempt_id is None:
            return []
        try:
            attempts = await self._views.list_attempts(RunKey(notice.run_key), notice.task_id, notice.map_index)
            attempt = next((one for one in attempts if one.attempt_id == AttemptId(notice.attempt_id or "")), None)
            if attempt is None:
                return []  # its history was deleted
            lines = await self._logs.tail(attempt, _TAIL_LINES, within=_SEALED_WITHIN)
        except errors.NotFound:
            return []
        return [f"[{line.container}] {line.text}" if line.container and line.named else line.text for line in lines]


def _ids(notice: FailureNotice) -> dict[str, str]:
    return {"dag": notice.dag_id, "run": notice.run_id, "task": notice.task_id}
