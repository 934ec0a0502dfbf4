"""What is told to systemd, heard at a real datagram socket."""

from __future__ import annotations

import os
import pathlib
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tradewind.monitoring import service_manager


@pytest.fixture
def heard(tmp_path: pathlib.Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        yield listener


def test_ready_alive_and_stopping_are_told_in_order(heard: socket.socket) -> None:
    manager = service_manager.ServiceManager.take({"NOTIFY_SOCKET": heard.getsockname()})
    manager.ready("serving /srv")
    manager.alive()
    manager.stopping()
    assert [heard.recv(4096) for _ in range(3)] == [
        b"READY=1\nSTATUS=serving /srv",
        b"WATCHDOG=1",
        b"STOPPING=1\nSTATUS=draining",
    ]


def test_an_address_without_a_file_is_reached_too() -> None:
    name = f"tradewind-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        listener.settimeout(5)
        service_manager.ServiceManager(f"@{name}").status("starting")
        assert listener.recv(4096) == b"STATUS=starting"


def test_what_was_asked_is_taken_out_of_the_environment_so_that_no_task_answers() -> None:
    environment = {
        "NOTIFY_SOCKET": "/run/x",
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
        "HOME": "/",
    }
    manager = service_manager.ServiceManager.take(environment)
    assert manager.watchdog == timedelta(seconds=30)
    assert environment == {"HOME": "/"}


def test_a_watchdog_that_watches_another_process_is_none_of_ours() -> None:
    assert service_manager.ServiceManager.take({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog is None


def test_nobody_who_listens_and_nobody_who_asked_are_no_errors(tmp_path: pathlib.Path) -> None:
    service_manager.ServiceManager(str(tmp_path / "nobody")).ready("x")
    service_manager.ServiceManager.take({}).ready("x")
