"""What we tell systemd, by its notification protocol (sd_notify(3)): ready, stopping, status, and that we are alive.

Nothing is sent where nobody asked (NOTIFY_SOCKET is not set). What was asked is taken out of the environment, so that
no task talks to the service manager in our name.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import MutableMapping
from datetime import timedelta

_log = logging.getLogger(__name__)


class ServiceManager:
    """Where to send, and how often it wants to hear from us."""

    def __init__(self, address: str = "", watchdog: timedelta | None = None) -> None:
        self._address = address
        self.watchdog = watchdog
        """It acts when it hears nothing for so long; None: it does not watch."""

    @classmethod
    def take(cls, environment: MutableMapping[str, str]) -> ServiceManager:
        """What the environment says, which then says it no more."""
        address = environment.pop("NOTIFY_SOCKET", "")
        micros, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        watched = micros.isdigit() and int(micros) > 0 and pid in ("", str(os.getpid()))
        return cls(address, timedelta(microseconds=int(micros)) if watched else None)

    def ready(self, status: str) -> None:
        """We would accept work."""
        self._send("READY=1", f"STATUS={status}")

    def status(self, status: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={status}")

    def stopping(self) -> None:
        """We are about to end."""
        self._send("STOPPING=1", "STATUS=draining")

    def alive(self) -> None:
        """For its watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # "@" stands for the zero byte that begins an address without a file.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            try:
                sender.connect(address)
                sender.send("\n".join(lines).encode())
            except OSError as error:
                _log.debug("the service manager was not told %s: %s", lines[0], error)
