"""The podlet's loop and its connections."""

from __future__ import annotations

import os
import socket

from tradewind.podlet import connection
from tradewind.podlet.loop import Loop
from tradewind.protocol import frames


def rounds(loop: Loop, until: list[object], most: int = 10_000) -> None:
    while not until and most:
        loop.round()
        most -= 1
    assert until


def test_timers_come_in_order_and_once() -> None:
    loop, came = Loop(), []
    loop.after(0.02, lambda: came.append("second"))
    loop.after(0.01, lambda: came.append("first"))
    loop.after(0.0, lambda: came.append("now"))
    while len(came) < 3:
        loop.round()
    assert came == ["now", "first", "second"]
    loop.close()


def test_what_is_to_be_done_soon_comes_after_the_descriptors_that_are_ready() -> None:
    loop, came = Loop(), []
    read, write = os.pipe()
    loop.watch(read, lambda _events: came.append(os.read(read, 1)))
    loop.soon(lambda: came.append(b"soon"))
    os.write(write, b"x")
    loop.round()
    assert came == [b"x", b"soon"]
    loop.unwatch(read)
    for descriptor in (read, write):
        os.close(descriptor)
    loop.close()


def test_a_handler_that_raises_stops_nobody() -> None:
    loop, came = Loop(), []

    def fail() -> None:
        raise ValueError

    loop.soon(fail)
    loop.soon(lambda: came.append("after"))
    loop.round()
    assert came == ["after"]
    loop.close()


def test_two_that_write_much_to_each_other_do_not_lock_up() -> None:
    loop = Loop()
    one, other = socket.socketpair()
    heard: dict[str, list[int]] = {"one": [], "other": []}
    done: list[object] = []

    def hear(name: str, body: bytes) -> None:
        heard[name].append(len(body))
        if len(heard["one"]) == len(heard["other"]) == 5:
            done.append(True)

    first = connection.Connection(loop, one, on_message=lambda body: hear("one", body), on_close=lambda: None)
    second = connection.Connection(loop, other, on_message=lambda body: hear("other", body), on_close=lambda: None)
    for _ in range(5):
        first.send("x" * (1 << 20))
        second.send("y" * (1 << 20))
    rounds(loop, done)
    assert heard["one"] == heard["other"]
    first.close()
    second.close()
    loop.close()


def test_what_a_peer_said_before_it_closed_is_heard() -> None:
    loop = Loop()
    ours, theirs = socket.socketpair()
    heard: list[bytes] = []
    closed: list[object] = []
    made = connection.Connection(loop, ours, on_message=heard.append, on_close=lambda: closed.append(True))
    theirs.sendall(frames.pack("last words"))
    theirs.close()
    assert made.has_ended() is False
    rounds(loop, closed)
    assert heard == [frames.pack("last words")[4:]]
    loop.close()


def test_a_loop_with_nothing_to_do_sleeps_until_its_next_timer() -> None:
    loop, came = Loop(), []
    loop.after(0.05, lambda: came.append(True))
    turns = 0
    while not came:
        loop.round()
        turns += 1
    assert turns <= 3
    loop.close()


def test_what_has_time_waits_until_nothing_else_is_to_be_done() -> None:
    loop, came = Loop(), []
    loop.when_idle(lambda: came.append("idle"))
    loop.soon(lambda: came.append("soon"))
    loop.round()
    loop.round()
    assert came == ["soon", "idle"]
    loop.close()
