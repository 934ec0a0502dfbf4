"""What goes wrong with lists and watches in the field, each with a server that does just that."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from tests.unit.runtime_kubernetes import api_server as api
from tradewind.runtime.kubernetes.access import Access, Fixed
from tradewind.runtime.kubernetes.client import ClientOptions, ClusterClient
from tradewind.runtime.kubernetes.limiter import Limits
from tradewind.runtime.kubernetes.reflector import Blind, Change, PodGone, PodSeen, Reflector, ReflectorOptions, Synced
from tradewind.runtime.kubernetes.reflectors import reflect
from tradewind.runtime.kubernetes.scope import Scope
from tradewind.testing.clock import SeededRandom

SCOPE = Scope(cluster="c", namespace="a")


def told(change: Change) -> str:
    match change:
        case PodSeen(view=view):
            return f"seen {view.name} {view.uid.removeprefix('uid-of-')} {view.resource_version}"
        case PodGone(view=view):
            assert view.deleted
            return f"gone {view.name} {view.uid.removeprefix('uid-of-')} {view.resource_version}"
        case Synced():
            return "synced"
        case Blind(problem=problem):
            return f"blind {problem.code}"


class World:
    """A server, a client of it and what a reflector told."""

    def __init__(self, server: api.ApiServer, client: ClusterClient, clock: api.LeapingClock) -> None:
        self.server = server
        self.client = client
        self.clock = clock
        self.changes: list[Change] = []

    @property
    def told(self) -> list[str]:
        return [told(change) for change in self.changes]

    def reflector(self, scope: Scope = SCOPE, options: ReflectorOptions | None = None) -> Reflector:
        return Reflector(self.client, scope, clock=self.clock, random=SeededRandom(1), options=options)

    async def take(self, change: Change) -> None:
        self.changes.append(change)

    async def reflect_until(self, enough: Callable[[], bool], *reflectors: Reflector) -> None:
        """Reflect until `enough` holds."""
        async with asyncio.timeout(15):
            running = asyncio.create_task(reflect(reflectors or [self.reflector()], self.take))
            try:
                while not enough() and not running.done():
                    await asyncio.sleep(0.001)
            finally:
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await running


@contextlib.asynccontextmanager
async def world(script: api.Script, options: ClientOptions | None = None) -> AsyncIterator[World]:
    clock = api.LeapingClock()
    async with api.ApiServer(script).serving() as server:
        source = Fixed(access=Access(server=server.access.server))
        async with ClusterClient(source, clock=clock, options=options, limits=Limits(rate=1e6, burst=1000)) as client:
            yield World(server, client, clock)


def in_order(*answers: api.Answer) -> Callable[[api.Request], api.Answer]:
    """Lists and watches answered in this order; afterwards a watch in which nothing happens."""
    left = list(answers)

    def script(request: api.Request) -> api.Answer:
        if not left:
            return api.watched()
        return left.pop(0)

    return script


def test_pods_are_listed_then_watched_from_the_version_of_the_list() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(api.pod("one"), version=10),
            api.watched(
                api.event("ADDED", api.pod("two", version=11)), api.event("DELETED", api.pod("one", version=12))
            ),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: len(here.changes) == 4)
            assert here.told == ["seen one one 1", "synced", "seen two two 11", "gone one one 12"]
            watch = here.server.watches[0]
            assert (watch.query["resourceVersion"], watch.query["allowWatchBookmarks"]) == ("10", "true")
            assert watch.query["labelSelector"] == "app.kubernetes.io/managed-by=tradewind"
            assert watch.path == "/api/v1/namespaces/a/pods"

    asyncio.run(scene())


def test_a_410_as_status_lists_again_and_tells_what_vanished() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(api.pod("one"), api.pod("two"), version=10),
            api.refused(410),
            api.listed(api.pod("two"), version=20),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: here.told.count("synced") == 2 and len(here.server.watches) == 2)
            assert here.told == ["seen one one 1", "seen two two 1", "synced", "gone one one 1", "synced"]
            assert here.server.watches[1].query["resourceVersion"] == "20"

    asyncio.run(scene())


def test_a_410_in_the_stream_lists_again_and_tells_what_vanished() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(api.pod("one"), version=10),
            api.watched(
                api.event("MODIFIED", api.pod("one", version=11, phase="Succeeded")),
                api.event("ERROR", api.status(410)),
            ),
            api.listed(version=20),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: here.told.count("synced") == 2)
            assert here.told == ["seen one one 1", "synced", "seen one one 11", "gone one one 11", "synced"]
            gone = next(change for change in here.changes if isinstance(change, PodGone))
            assert gone.view.phase == "Succeeded"

    asyncio.run(scene())


def test_a_server_that_closes_at_once_is_asked_ever_more_slowly() -> None:
    async def scene() -> None:
        def script(request: api.Request) -> api.Answer:
            return api.watched(hold=False) if request.is_watch else api.listed(api.pod("one"))

        async with world(script) as here:
            await here.reflect_until(lambda: len(here.server.watches) >= 100)
            # Pauses reach 10 s and are 5 s in the mean: 100 watches and a list for each three of them.
            assert here.clock.elapsed > 300
            assert len(here.server.lists) <= 40
            assert here.told.count("seen one one 1") == 1
            assert "gone one one 1" not in here.told

    asyncio.run(scene())


def test_a_server_that_sends_one_event_and_closes_is_not_asked_in_a_hot_loop() -> None:
    async def scene() -> None:
        def script(request: api.Request) -> api.Answer:
            again = api.event("MODIFIED", api.pod("one", version=11))
            return api.watched(again, hold=False) if request.is_watch else api.listed(api.pod("one"))

        async with world(script) as here:
            await here.reflect_until(lambda: len(here.server.watches) >= 100)
            assert here.clock.elapsed > 300

    asyncio.run(scene())


def test_a_list_that_always_expires_for_its_watch_is_not_asked_in_a_hot_loop() -> None:
    async def scene() -> None:
        def script(request: api.Request) -> api.Answer:
            return api.refused(410) if request.is_watch else api.listed(api.pod("one"))

        async with world(script) as here:
            await here.reflect_until(lambda: len(here.server.lists) >= 100)
            assert here.clock.elapsed > 300

    asyncio.run(scene())


def test_garbage_in_the_stream_ends_the_watch_and_loses_nothing() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(api.pod("one"), version=10),
            api.watched(api.event("MODIFIED", api.pod("one", version=11)), b"<html>502</html>\n"),
            api.watched(api.event("DELETED", api.pod("one", version=12))),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: "gone one one 12" in here.told)
            assert here.told == ["seen one one 1", "synced", "seen one one 11", "gone one one 12"]
            assert here.server.watches[1].query["resourceVersion"] == "11"

    asyncio.run(scene())


def test_half_a_line_at_the_end_is_no_event_and_comes_again() -> None:
    async def scene() -> None:
        line = api.event("DELETED", api.pod("one", version=12))
        script = in_order(
            api.listed(api.pod("one"), version=10),
            api.watched(line[:40], hold=False),
            api.watched(line[:40], line[40:]),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: "gone one one 12" in here.told)
            assert here.told == ["seen one one 1", "synced", "gone one one 12"]
            assert [watch.query["resourceVersion"] for watch in here.server.watches] == ["10", "10"]

    asyncio.run(scene())


def test_a_cut_connection_goes_on_from_the_last_version() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(version=10),
            api.watched(api.event("ADDED", api.pod("one", version=11)), cut=True),
            api.watched(api.event("ADDED", api.pod("two", version=12))),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: "seen two two 12" in here.told)
            assert len(here.server.lists) == 1

    asyncio.run(scene())


def test_bookmarks_move_the_version_and_tell_nothing() -> None:
    async def scene() -> None:
        script = in_order(api.listed(api.pod("one"), version=10), api.watched(api.bookmark(50), hold=False))
        async with world(script) as here:
            await here.reflect_until(lambda: len(here.server.watches) == 2)
            assert here.told == ["seen one one 1", "synced"]
            assert here.server.watches[1].query["resourceVersion"] == "50"

    asyncio.run(scene())


def test_a_deletion_while_disconnected_is_told_with_the_last_known_state() -> None:
    async def scene() -> None:
        lost = api.refused(500)
        script = in_order(
            api.listed(api.pod("one", phase="Pending"), version=10),
            api.watched(api.event("MODIFIED", api.pod("one", version=11, phase="Running")), cut=True),
            lost,
            lost,
            lost,
            api.listed(version=20),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: here.told.count("synced") == 2)
            gone = next(change for change in here.changes if isinstance(change, PodGone))
            assert (gone.view.name, gone.view.phase, gone.view.resource_version) == ("one", "Running", "11")

    asyncio.run(scene())


def test_a_pod_of_the_same_name_that_came_while_disconnected_is_another_pod() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(api.pod("one", uid="first"), version=10),
            api.refused(410),
            api.listed(api.pod("one", uid="second", version=15), version=20),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: here.told.count("synced") == 2)
            assert here.told == ["seen one first 1", "synced", "gone one first 1", "seen one second 15", "synced"]

    asyncio.run(scene())


def test_a_watch_that_deletes_another_pod_of_that_name_is_not_believed_alone() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(api.pod("one", uid="first"), version=10),
            api.watched(api.event("DELETED", api.pod("one", uid="second", version=12))),
            api.listed(api.pod("one", uid="first"), version=20),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: here.told.count("synced") == 2)
            assert here.told == ["seen one first 1", "synced", "gone one second 12", "synced"]

    asyncio.run(scene())


def test_a_list_whose_page_expires_begins_anew() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(api.pod("one"), version=10, more="page2"),
            api.refused(410),
            api.listed(api.pod("one"), version=11, more="page2"),
            # Never seen of a server; if it happened, the first page's version is the one that misses nothing.
            api.listed(api.pod("two"), version=12),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: len(here.server.watches) == 1)
            assert here.told == ["seen one one 1", "seen two two 1", "synced"]
            assert [one.query.get("continue") for one in here.server.lists] == [None, "page2", None, "page2"]
            assert here.server.watches[0].query["resourceVersion"] == "11"

    asyncio.run(scene())


def test_a_list_whose_pages_keep_expiring_is_asked_for_in_one_piece() -> None:
    async def scene() -> None:
        first = api.listed(api.pod("one"), version=10, more="page2")
        script = in_order(first, api.refused(410), first, api.refused(410), api.listed(api.pod("one"), api.pod("two")))
        async with world(script) as here:
            await here.reflect_until(lambda: "synced" in here.told)
            assert "limit" not in here.server.lists[4].query
            assert here.told == ["seen one one 1", "seen two two 1", "synced"]

    asyncio.run(scene())


def test_a_silent_watch_is_opened_anew_from_where_it_was() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(api.pod("one"), version=10),
            api.watched(api.bookmark(12)),
            api.watched(api.event("DELETED", api.pod("one", version=13))),
        )
        async with world(script) as here:
            quick = ReflectorOptions(idle_after=timedelta(milliseconds=50))
            await here.reflect_until(lambda: "gone one one 13" in here.told, here.reflector(options=quick))
            assert here.server.watches[1].query["resourceVersion"] == "12"
            assert len(here.server.lists) == 1

    asyncio.run(scene())


def test_watches_that_stay_silent_lead_to_a_list() -> None:
    """A server whose store was restored from a backup waits, silently, for the version that we name."""

    async def scene() -> None:
        script = in_order(
            api.listed(api.pod("one"), version=10), api.watched(), api.watched(), api.watched(), api.listed(version=5)
        )
        async with world(script) as here:
            quick = ReflectorOptions(idle_after=timedelta(milliseconds=50))
            await here.reflect_until(lambda: "gone one one 1" in here.told, here.reflector(options=quick))
            assert len(here.server.watches) >= 3  # the next one may have begun already

    asyncio.run(scene())


def test_a_server_that_was_away_is_listed_before_it_is_watched_again() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(api.pod("one"), version=10),
            api.watched(api.bookmark(20), cut=True),
            api.Answer(chunks=[], cut=True),
            api.listed(version=5),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: here.told.count("synced") == 2 and len(here.server.watches) == 3)
            assert here.told == ["seen one one 1", "synced", "gone one one 1", "synced"]
            assert here.server.watches[2].query["resourceVersion"] == "5"

    asyncio.run(scene())


def test_a_server_that_never_answers_a_watch_is_given_up() -> None:
    async def scene() -> None:
        silent = asyncio.Event()

        async def never() -> api.Answer:
            await silent.wait()
            return api.watched()

        def script(request: api.Request) -> api.Answer | asyncio.Future[api.Answer]:
            return asyncio.ensure_future(never()) if request.is_watch else api.listed(api.pod("one"))

        async with world(script, ClientOptions(open_seconds=0.05)) as here:
            await here.reflect_until(lambda: here.told.count("synced") >= 2)
            silent.set()

    asyncio.run(scene())


def test_a_forbidden_namespace_is_told_and_does_not_stop_the_other() -> None:
    message = (
        'pods is forbidden: User "system:serviceaccount:tw:tw" cannot list resource "pods" in API group "" '
        'in the namespace "b"'
    )

    async def scene() -> None:
        def script(request: api.Request) -> api.Answer:
            if request.path == "/api/v1/namespaces/b/pods":
                return api.refused(403, message)
            if not request.is_watch:
                return api.listed(api.pod("one"), version=10)
            return api.watched(api.event("MODIFIED", api.pod("one", version=11)))

        async with world(script) as here:
            both = [here.reflector(), here.reflector(Scope(cluster="c", namespace="b"))]
            await here.reflect_until(lambda: len(here.server.requests) > 10 and "seen one one 11" in here.told, *both)
            blind = [change for change in here.changes if isinstance(change, Blind)]
            assert [change.scope.namespace for change in blind] == ["b"]
            assert blind[0].problem.code == "missing-right"
            assert blind[0].problem.message == "system:serviceaccount:tw:tw may not list pods in namespace b"
            assert here.clock.elapsed > 200  # between 30 and 60 s for each time it was asked in vain

    asyncio.run(scene())


def test_a_missing_right_to_watch_leaves_the_lists() -> None:
    async def scene() -> None:
        left = [api.listed(api.pod("one")), api.listed()]

        def script(request: api.Request) -> api.Answer:
            return api.refused(403, "no") if request.is_watch else (left.pop(0) if left else api.listed())

        async with world(script) as here:
            await here.reflect_until(lambda: here.told.count("synced") >= 4)
            assert here.told[:5] == ["seen one one 1", "synced", "blind admission-denied", "gone one one 1", "synced"]
            assert here.told.count("blind admission-denied") == 1

    asyncio.run(scene())


def test_a_server_that_answers_nonsense_makes_nobody_vanish() -> None:
    async def scene() -> None:
        answers = [
            api.Answer(body=b"{}"),
            api.Answer(body=b"<html>welcome</html>"),
            api.Answer(body=json.dumps({"metadata": {}, "items": []}).encode()),
            api.Answer(body=json.dumps({"metadata": {"resourceVersion": "9"}, "items": [{}]}).encode()),
            api.Answer(status=502, body=b"<html>bad gateway</html>"),
        ]
        script = in_order(
            api.listed(api.pod("one"), version=10), api.refused(410), *answers, api.listed(api.pod("one"))
        )
        async with world(script) as here:
            await here.reflect_until(lambda: here.told.count("synced") == 2)
            assert here.told == ["seen one one 1", "synced", "blind nonsense", "blind transient", "synced"]

    asyncio.run(scene())


def test_a_list_is_compared_now_and_then_though_the_watch_never_complains() -> None:
    async def scene() -> None:
        lists = [api.listed(api.pod("one")), api.listed()]
        here: World

        def script(request: api.Request) -> api.Answer:
            if not request.is_watch:
                return lists.pop(0) if lists else api.listed()
            here.clock.elapsed += 400  # as if it had lasted so long
            return api.watched(hold=False)

        async with world(script) as here:
            await here.reflect_until(lambda: "gone one one 1" in here.told)
            first, second = [at for at, one in enumerate(here.server.requests) if not one.is_watch][:2]
            assert second - first <= 4  # 3 watches of 400 s are more than 15 minutes

    asyncio.run(scene())


def test_five_thousand_pods_come_in_pages() -> None:
    async def scene() -> None:
        def script(request: api.Request) -> api.Answer:
            if request.is_watch:
                return api.watched()
            at, size = int(request.query.get("continue", 0)), int(request.query["limit"])
            pods = [api.pod(f"pod-{number}") for number in range(at, min(at + size, 5000))]
            return api.listed(*pods, more=str(at + size) if at + size < 5000 else None)

        async with world(script) as here:
            await here.reflect_until(lambda: here.changes[-1:] == [Synced(scope=SCOPE)])
            assert len({change.view.uid for change in here.changes if isinstance(change, PodSeen)}) == 5000
            assert len(here.server.lists) == 10

    asyncio.run(scene())


def test_a_reflector_forgets_who_is_gone() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(api.pod("one"), api.pod("two"), version=10),
            api.watched(api.event("DELETED", api.pod("one", version=12))),
        )
        async with world(script) as here:
            reflector = here.reflector()
            await here.reflect_until(lambda: len(here.changes) == 4, reflector)
            assert [view.name for view in reflector.pods] == ["two"]

    asyncio.run(scene())


def test_pauses_are_short_again_after_a_watch_that_lasted() -> None:
    async def scene() -> None:
        watches = 0
        slept: list[list[float]] = []
        here: World

        def script(request: api.Request) -> api.Answer:
            nonlocal watches
            if not request.is_watch:
                return api.listed()
            watches += 1
            if watches in (30, 60):
                here.clock.elapsed += 60  # this one lasted
                slept.append(here.clock.slept[:])
                here.clock.slept.clear()
            return api.watched(api.bookmark(watches), hold=False)

        async with world(script) as here:
            await here.reflect_until(lambda: watches >= 60)
        first, second = slept
        assert max(first) > 5
        assert max(second) > 5
        assert all(max(pauses[:3]) <= 0.8 for pauses in slept)  # at most 0.2, 0.4 and 0.8

    asyncio.run(scene())


def test_a_token_that_was_rotated_between_two_watches_is_read_anew() -> None:
    async def scene() -> None:
        tokens = ["first", "second"]
        server: api.ApiServer

        class Rotating:
            async def read(self) -> Access:
                return Access(server=server.access.server, authorization=f"Bearer {tokens[0]}")

        def script(request: api.Request) -> api.Answer:
            if request.headers["authorization"] != f"Bearer {tokens[0]}":
                return api.refused(401)
            if not request.is_watch:
                return api.listed(version=10)
            if len(tokens) > 1:
                tokens.pop(0)
                return api.watched(api.event("ADDED", api.pod("one", version=11)), hold=False)
            return api.watched(api.event("ADDED", api.pod("two", version=12)))

        server, clock = api.ApiServer(script), api.LeapingClock()
        async with server.serving(), ClusterClient(Rotating(), clock=clock) as client:
            here = World(server, client, clock)
            await here.reflect_until(lambda: "seen two two 12" in here.told)
            assert here.told == ["synced", "seen one one 11", "seen two two 12"]
            assert len(server.lists) == 1

    asyncio.run(scene())


def test_a_watch_that_is_pushed_back_waits_as_long_as_it_was_told() -> None:
    async def scene() -> None:
        script = in_order(
            api.listed(version=10),
            api.refused(429, headers={"Retry-After": "20"}),
            api.watched(api.event("ADDED", api.pod("one", version=11))),
        )
        async with world(script) as here:
            await here.reflect_until(lambda: "seen one one 11" in here.told)
            assert here.clock.elapsed >= 20
            assert len(here.server.lists) == 1

    asyncio.run(scene())
