"""Threads and connections: how the store's functions get at the database without blocking the event loop.

Each thread has a connection of its own. SQLite has one thread that writes, since it has one writer at a time anyway.
A connection that broke is dropped together with all that were opened before it, so that one restart of a server costs
one `errors.Transient`, not one for each thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tradewind.ports import errors
from tradewind.store.sessions import Dialect, Session

T = TypeVar("T")
Work = Callable[[Session], T]


class Connections:
    """Runs functions over a session in threads; every error that leaves is one of the port's."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._writers = ThreadPoolExecutor(dialect.writers, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(dialect.readers, thread_name_prefix="store-read")
        self._own = threading.local()
        self._generation = 0
        self._lock = threading.Lock()
        self._open: set[Session] = set()

    async def write(self, work: Work[T]) -> T:
        """In one transaction; nothing of it stays where an error leaves."""
        return await asyncio.get_running_loop().run_in_executor(self._writers, self._transaction, work)

    async def write_lightly(self, work: Work[T]) -> T:
        """As `write`, for what may be done again after a power cut: it does not wait for the disk."""
        return await asyncio.get_running_loop().run_in_executor(self._writers, self._light, work)

    async def ask_writer(self, work: Work[T]) -> T:
        """Read on a connection that writes, outside of a transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._writers, self._single, work)

    async def read(self, work: Work[T]) -> T:
        """One statement that reads."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._single, work)

    async def read_at_once(self, work: Work[T]) -> T:
        """Several statements that read, as of one moment."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._moment, work)

    def close(self) -> None:
        """Wait for what runs, then close every connection."""
        self._writers.shutdown()
        self._readers.shutdown()
        for session in self._open:
            session.close()
        self._open.clear()

    # -- in a thread -----------------------------------------------------------------------------------------------

    def _transaction(self, work: Work[T]) -> T:
        return self._run(work, lambda session: session.begin())

    def _light(self, work: Work[T]) -> T:
        return self._run(work, lambda session: session.begin_lightly())

    def _moment(self, work: Work[T]) -> T:
        return self._run(work, lambda session: session.begin_reading())

    def _single(self, work: Work[T]) -> T:
        return self._run(work, None)

    def _run(self, work: Work[T], begin: Callable[[Session], None] | None) -> T:
        session: Session | None = None
        try:
            session = self._session()
            if begin is None:
                return work(session)
            begin(session)
            result = work(session)
            session.commit()
            return result
        except BaseException as error:
            if session is not None and begin is not None:
                session.rollback()
            if not isinstance(error, Exception):
                raise
            ours = self._dialect.translate(error)
            if isinstance(ours, errors.Transient) and session is not None and session.broken:
                self._drop_all()
            if ours is error:
                raise
            raise ours from error

    def _session(self) -> Session:
        """The connection of this thread; a new one where there is none, or the old one is of a broken generation."""
        session: Session | None = getattr(self._own, "session", None)
        if session is not None and self._own.generation == self._generation:
            return session
        generation = self._generation
        if session is not None:
            self._own.session = None
            with self._lock:
                self._open.discard(session)
            session.close()
        session = self._dialect.connect()
        with self._lock:
            self._open.add(session)
        self._own.session, self._own.generation = session, generation
        return session

    def _drop_all(self) -> None:
        with self._lock:
            self._generation += 1
