"""The credential of a cluster as it is now: read when it is first needed, before it ends, and when it was refused.

Concurrent requests share one reading. A credential that stays refused is read anew at most every few seconds: a
plugin is a process, and hundreds of requests meet the same 401.
"""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.runtime.kubernetes.access import Access, AccessSource

_BEFORE_ITS_END = timedelta(seconds=60)
_BETWEEN_READINGS_SECONDS = 5.0


class Credentials:
    """Of one cluster."""

    def __init__(self, source: AccessSource, clock: clock_port.Clock) -> None:
        self._source = source
        self._clock = clock
        self._reading = asyncio.Lock()
        self._access: Access | None = None
        self._failure: errors.TradewindError | None = None
        self._asked_anew_at = float("-inf")
        self._token: tuple[tuple[int, int, int], str] | None = None

    async def get(self) -> tuple[Access, str | None]:
        """The access, and its Authorization header now. Raises `errors.Unauthorized`, `errors.Rejected`."""
        access = self._access
        if access is None or self._ends_soon(access):
            await self._read_anew(access)
            access = self._access
        if access is None:
            raise self._failure or errors.Fatal("credentials were read and are not there")
        return access, self._from_file(access) if access.token_file is not None else access.authorization

    async def renew(self, refused: Access, authorization: str | None) -> bool:
        """The server answered 401 to these. True: there are others now, ask again. Raises as `get`."""
        if self._access is refused and refused.token_file is not None and self._from_file(refused) != authorization:
            return True
        return await self._read_anew(refused)

    async def _read_anew(self, old: Access | None) -> bool:
        async with self._reading:
            if self._access is not old:
                return True
            now = self._clock.monotonic()
            if now - self._asked_anew_at < _BETWEEN_READINGS_SECONDS:
                return self._not_yet(old)
            if old is not None or self._failure is not None:
                self._asked_anew_at = now
            try:
                self._access = await self._source.read()
            except errors.TradewindError as error:
                self._failure, self._asked_anew_at = error, now
                if old is None or self._is_over(old):
                    raise
                return False
            self._failure = self._token = None
            return True

    def _not_yet(self, old: Access | None) -> bool:
        if self._failure is not None and (old is None or self._is_over(old)):
            raise self._failure
        return False

    def _from_file(self, access: Access) -> str:
        """Looked at with every request, read when it changed: a kubelet swaps it long before the old one ends."""
        file = access.token_file
        if file is None:
            raise errors.Fatal("this access has no token file")
        try:
            seen = os.stat(file)
            mark = (seen.st_ino, seen.st_mtime_ns, seen.st_size)
            if self._token is None or self._token[0] != mark:
                self._token = (mark, f"Bearer {file.read_text().strip()}")
        except OSError as error:
            raise errors.Unauthorized(f"the token cannot be read: {error}", object=str(file)) from error
        return self._token[1]

    def _ends_soon(self, access: Access) -> bool:
        return access.expires_at is not None and self._clock.now() >= access.expires_at - _BEFORE_ITS_END

    def _is_over(self, access: Access) -> bool:
        return access.expires_at is not None and self._clock.now() >= access.expires_at
