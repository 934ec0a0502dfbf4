"""Mail out of the outbox: sent once, tried again while the server is away, given up in the end, in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from tests.support import rows
from tradewind.logs import folder
from tradewind.logs import line as log_line
from tradewind.model.facts import OutboxFact
from tradewind.model.ids import RunKey
from tradewind.model.notice import FailureNotice
from tradewind.model.rows import OutboxRow
from tradewind.model.states import AttemptPhase, TaskState
from tradewind.ports import errors
from tradewind.ports import logs as logs_port
from tradewind.ports import store as store_port
from tradewind.scheduler import outbox, postman
from tradewind.testing.clock import ManualClock, SeededRandom
from tradewind.testing.memory_mailer import MemoryMailer
from tradewind.testing.memory_store import MemoryStore

NOW = rows.day(31)


def row(key: str = "mail:1", *to: str, **more: Any) -> OutboxRow:
    given: dict[str, Any] = {
        "to": to or ("ops@example.com",),
        "at": NOW,
        "dag_id": "d",
        "run_id": "r<1>",
        "run_key": 1,
        "task_id": "t",
        "map_index": -1,
        "try_number": 1,
        "max_tries": 0,
        "verdict": "OOMKilled at its limit of 512Mi & more.",
    } | more
    payload = msgspec.to_builtins(FailureNotice(**given))
    return OutboxRow(key=key, kind="mail", payload=payload, due_at=NOW)


class _Leaving:
    """The outbox of a database that goes away."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def list_due(self, now: datetime, limit: int = 100) -> Sequence[OutboxRow]:
        return await self._there().list_due(now, limit)

    async def done(self, keys: Sequence[str]) -> None:
        await self._there().done(keys)

    async def postpone(self, key: str, due_at: datetime, error: str) -> None:
        await self._there().postpone(key, due_at, error)

    def _there(self) -> store_port.Outbox:
        if self._world.away:
            raise errors.Transient("gone", object="the database")
        return self._world.store.outbox


class _Slow(_Leaving):
    """One that answers a moment after it wrote."""

    async def postpone(self, key: str, due_at: datetime, error: str) -> None:
        await super().postpone(key, due_at, error)
        for _ in range(5):
            await asyncio.sleep(0)


class World:
    """An outbox with these rows, a mailer, and who works both off."""

    def __init__(self, home: Path, *given: OutboxRow, slow: bool = False, **options: Any) -> None:
        self.clock = ManualClock(NOW)
        self.store = MemoryStore(self.clock)
        self.mailer = MemoryMailer()
        self.logs = folder.FolderLogs(home, self.clock)
        self.given = given
        self.away = False
        nothing: Any = None
        self.postman = postman.Postman(
            mailer=self.mailer,
            outbox=_Leaving(self),
            views=self.store.views,
            logs=self.logs,
            clock=self.clock,
            random=SeededRandom(),
            **options,
        )
        self.outbox = outbox.OutboxRunner(
            outbox=_Slow(self) if slow else self.store.outbox,
            files=nothing,
            runs=self.store.runs,
            versions=nothing,
            clock=self.clock,
            random=SeededRandom(),
            remove_dag=nothing,
            send_mail=self.postman.take,
        )
        asyncio.run(self._fill())

    async def _fill(self) -> None:
        await self.store.versions.put([rows.version("d", "v1")], [], [], NOW)
        self.epoch = await rows.lead(self.store)
        ended = rows.attempt("a1", 1, phase=AttemptPhase.ENDED)
        batch = rows.batch(rows.run(1), rows.task(1, state=TaskState.FAILED), ended)
        facts = tuple(OutboxFact(row=one) for one in self.given)
        batch = msgspec.structs.replace(batch, facts=(*batch.facts, *facts))
        await self.store.runs.commit(batch, self.epoch)

    def round(self) -> None:
        """What is due now is done, once."""

        async def work() -> None:
            await self.outbox.run_due()
            await self.postman.finish()

        asyncio.run(work())

    def left(self) -> Sequence[OutboxRow]:
        return asyncio.run(self.store.outbox.list_due(NOW + timedelta(days=365)))

    def pass_time(self, by: timedelta) -> None:
        asyncio.run(self.clock.advance(by))


def test_a_mail_has_the_verdict_the_ids_and_the_end_of_the_log(tmp_path: Path) -> None:
    world = World(tmp_path, row(attempt_id="a1", max_tries=2, next_try_at=NOW + timedelta(minutes=5), operator="Op"))
    place = world.logs.place(rows.attempt("a1", 1))
    place.parent.mkdir(parents=True)
    lines = [logs_port.LogLine(at=NOW, stream="stdout", text=f"line {n} <b>") for n in range(100)]
    place.write_text("".join(log_line.format(one) + "\n" for one in lines))
    world.round()
    (mail,) = world.mailer.taken
    assert mail.subject == "d.t failed in try 1, will be tried again (r<1>)"
    assert mail.text.startswith("OOMKilled at its limit of 512Mi & more.\n")
    for part in ("d", "r<1>", "t (Op)", "1 of 3", "2026-01-31 00:05:00+00:00", "  line 99 <b>", "  line 60 <b>"):
        assert part in mail.text
    assert "line 59" not in mail.text
    assert "tradewind tasks logs d 'r<1>' t --try 1" in mail.text
    assert "512Mi &amp; more" in mail.html
    assert "line 99 &lt;b&gt;" in mail.html
    assert "r<1>" not in mail.html


def test_a_mail_about_a_task_that_wrote_nothing_has_no_log(tmp_path: Path) -> None:
    world = World(tmp_path, row(attempt_id="a1"), row("mail:2", attempt_id="gone"), row("mail:3", map_index=3))
    world.round()
    assert len(world.mailer.taken) == 3
    assert not any("The log ends" in mail.text for mail in world.mailer.taken)
    assert "'t[3]'" in world.mailer.taken[2].text


def test_a_mail_that_is_just_being_handed_over_is_sent_before_the_process_ends(tmp_path: Path) -> None:
    world = World(tmp_path, row(attempt_id="a1"), slow=True)

    async def work() -> None:
        forever = asyncio.ensure_future(world.outbox.run_forever())
        while await world.store.outbox.list_due(NOW):
            await asyncio.sleep(0)
        await world.outbox.run_due(insists=False)
        await world.postman.finish()
        forever.cancel()
        await asyncio.gather(forever, return_exceptions=True)

    asyncio.run(work())
    assert len(world.mailer.taken) == 1


def test_the_end_of_a_log_that_is_not_sealed_yet_is_waited_for(tmp_path: Path) -> None:
    logs = folder.FolderLogs(tmp_path, clock := ManualClock(NOW))
    attempt = rows.attempt("a1", 1)
    live = tmp_path / "attempts" / "a1"
    live.mkdir(parents=True)
    entry = log_line.format(logs_port.LogLine(at=NOW, stream="stdout", text="last words")) + "\n"

    async def work() -> Sequence[logs_port.LogLine]:
        reading = asyncio.ensure_future(logs.tail(attempt, 5, within=timedelta(seconds=5)))
        await clock.advance(timedelta(seconds=1))
        assert not reading.done()
        (live / "log").write_text(entry)
        await logs.seal(attempt)
        await clock.advance(timedelta(seconds=1))
        return await reading

    assert [one.text for one in asyncio.run(work())] == ["last words"]


def test_of_a_long_log_only_its_end_is_read_and_whole_lines_of_it(tmp_path: Path) -> None:
    logs = folder.FolderLogs(tmp_path, ManualClock(NOW))
    place = logs.place(rows.attempt("a1", 1))
    place.parent.mkdir(parents=True)
    entry = log_line.format(logs_port.LogLine(at=NOW, stream="stdout", text="x" * 10_000)) + "\n"
    place.write_text(entry * 100)
    found = asyncio.run(logs.tail(rows.attempt("a1", 1), 1000, within=timedelta(0)))
    assert 20 <= len(found) < 30
    assert {one.text for one in found} == {"x" * 10_000}


def test_a_sent_mail_is_out_of_the_outbox_and_counted(tmp_path: Path) -> None:
    world = World(tmp_path, row())
    world.round()
    world.round()
    assert len(world.mailer.taken) == 1
    assert world.left() == []
    assert world.postman.results == {"sent": 1}


def test_while_the_server_is_away_mail_waits_longer_and_longer_and_is_sent_when_it_is_back(tmp_path: Path) -> None:
    world = World(tmp_path, row(), row("mail:2"), row("mail:3"))
    world.mailer.fails = errors.Transient("is away", object="mail server")
    world.round()
    assert world.mailer.calls == 1  # the others are not even tried
    assert len(world.postman.failing) == 3
    waits = []
    for _ in range(6):
        due = max(one.due_at for one in world.left())
        waits.append(due - world.clock.now())
        world.pass_time(due - world.clock.now())
        world.round()
    assert waits == sorted(waits)
    assert waits[0] >= timedelta(seconds=5)
    assert waits[-1] > 4 * waits[0]
    world.mailer.fails = None
    world.pass_time(timedelta(minutes=15))
    world.round()
    assert len(world.mailer.taken) == 3
    assert (world.left(), world.postman.failing) == ([], {})


def test_a_mail_that_no_server_took_for_a_day_is_given_up(tmp_path: Path) -> None:
    world = World(tmp_path, row(), give_up=timedelta(days=1))
    world.mailer.fails = errors.Unauthorized("refuses user and password", object="mail server")
    for _ in range(24 * 6 + 10):
        world.round()
        world.pass_time(timedelta(minutes=15))
    assert world.left() == []
    assert world.postman.results["given_up"] == 1
    assert world.postman.failing == {}
    assert world.clock.now() > NOW + timedelta(days=1)


def test_a_mail_that_is_refused_for_good_or_put_off_is_in_no_others_way(tmp_path: Path) -> None:
    world = World(tmp_path, row("mail:1", "wrong@example.com"), row("mail:2", "grey@example.com"), row("mail:3"))
    world.mailer.refused.add("wrong@example.com")
    world.mailer.deferred.add("grey@example.com")
    world.round()
    assert [mail.key for mail in world.mailer.taken] == ["mail:3"]
    assert [one.key for one in world.left()] == ["mail:2"]
    assert world.postman.results == {"refused": 1, "failed": 1, "sent": 1}


def test_without_a_server_mail_is_dropped_and_that_is_no_error(tmp_path: Path) -> None:
    world = World(tmp_path, row(), row("mail:2"))
    world.mailer.where = None
    world.round()
    assert world.left() == []
    assert world.postman.results == {"no_server": 2}
    assert world.postman.failing == {}


def test_a_crash_before_the_mail_was_taken_leaves_its_row(tmp_path: Path) -> None:
    world = World(tmp_path, row())
    asyncio.run(world.outbox.run_due())  # handed over, and the process ends here
    (kept,) = world.left()
    assert kept.due_at > NOW
    again = World(tmp_path, kept)
    again.pass_time(timedelta(minutes=2))
    again.round()
    assert [mail.key for mail in again.mailer.taken] == ["mail:1"]


def test_a_row_that_comes_again_while_its_mail_waits_is_sent_once(tmp_path: Path) -> None:
    world = World(tmp_path, row())
    for _ in range(2):
        world.postman.take(row())
    asyncio.run(world.postman.finish())
    assert len(world.mailer.taken) == 1


def test_while_the_database_is_away_a_mail_waits_for_it(tmp_path: Path) -> None:
    world = World(tmp_path, row())
    asyncio.run(world.outbox.run_due())
    world.mailer.fails = errors.Transient("is away")
    world.away = True
    asyncio.run(world.postman.finish())
    world.away = False
    world.mailer.fails = None
    asyncio.run(world.postman.finish())
    assert [mail.key for mail in world.mailer.taken] == ["mail:1"]


def test_the_attempt_of_a_deleted_run_is_not_looked_for_in_others(tmp_path: Path) -> None:
    world = World(tmp_path, row(run_key=RunKey(99), attempt_id="a1"))
    world.round()
    assert len(world.mailer.taken) == 1
