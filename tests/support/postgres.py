"""A real PostgreSQL for tests: one cluster in a temporary directory, reached by a unix socket only, ended by pid.

The cluster listens on no network address. As root its processes run as the `postgres` user (the server refuses root),
else as ourselves. By default durability is off, for speed; `Cluster.start(durable=True)` keeps it on for tests about
lost power and restarts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import glob
import itertools
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Iterator

import psycopg
from psycopg import sql

from tests.support import leaks

START_DEADLINE_SECONDS = 30.0
TEMPLATE = "tradewind_template"

_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_SMALL = {
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_wal_size": "512MB",
    "autovacuum_naptime": "10min",
    "log_min_messages": "warning",
    "jit": "off",
}


class PostgresError(Exception):
    """The cluster could not be made or started; the message holds the server's own words."""


@functools.cache
def find_bin() -> pathlib.Path | None:
    """Return the directory with `postgres` and `initdb` of the newest version installed, or None."""
    places = [pathlib.Path(p) for p in glob.glob("/usr/lib/postgresql/*/bin")]
    places.sort(key=lambda place: [int(part) for part in place.parent.name.split(".") if part.isdigit()], reverse=True)
    found = shutil.which("initdb")
    if found:
        places.append(pathlib.Path(found).resolve().parent)
    for place in places:
        if (place / "postgres").exists() and (place / "initdb").exists():
            return place
    return None


def why_not() -> str | None:
    """Return why this machine cannot run a PostgreSQL cluster, or None when it can."""
    if find_bin() is None:
        return "PostgreSQL's server is not installed (Debian: apt-get install postgresql)"
    if os.getuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "we are root and there is no user `postgres` to run the server as"
    return None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Database:
    """One empty database of a cluster, for one test."""

    name: str
    cluster: Cluster

    @property
    def url(self) -> str:
        """The address as SQLAlchemy takes it, with the psycopg driver."""
        return "postgresql+psycopg://" + self._rest()

    @property
    def dsn(self) -> str:
        """The address as libpq and psycopg take it."""
        return "postgresql://" + self._rest()

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Open an autocommit connection; the caller closes it."""
        return psycopg.connect(self.dsn, autocommit=True)

    def _rest(self) -> str:
        return f"{self.cluster.user}@/{self.name}?host={urllib.parse.quote(str(self.cluster.socket_dir), safe='')}"


class Cluster:
    """A running PostgreSQL server that belongs to this test process."""

    def __init__(self, root: pathlib.Path, *, durable: bool) -> None:
        self._root = root
        self._durable = durable
        self._server: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        self._account = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self.user = "postgres"
        self.socket_dir = root

    @classmethod
    @contextlib.contextmanager
    def start(cls, *, durable: bool = False) -> Iterator[Cluster]:
        """Make a cluster, run it while the block runs, then stop it and remove its files."""
        # A unix socket's path may have 107 bytes at most, so not below pytest's long temporary directories.
        root = pathlib.Path(tempfile.mkdtemp(prefix="tw-pg-", dir="/tmp"))
        cluster = cls(root, durable=durable)
        try:
            cluster._init()
            cluster._launch()
            cluster._execute(f"CREATE DATABASE {TEMPLATE}")
            yield cluster
        finally:
            cluster.stop()
            shutil.rmtree(root, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The pid of the server's first process."""
        if self._server is None:
            raise PostgresError("the cluster is stopped")
        return self._server.pid

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """Give an empty database; it is dropped at the end, together with connections that were left open."""
        name = f"test_{os.getpid()}_{next(self._names)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield Database(name=name, cluster=self)
        finally:
            if self._server is None:
                self._launch()
            self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def restart(self, *, immediate: bool = False) -> None:
        """Stop the server and start it again; `immediate` is the crash (no checkpoint, connections cut)."""
        self.stop(immediate=immediate)
        self._launch()

    def stop(self, *, immediate: bool = False) -> None:
        """Stop the server if it runs. Connections are cut in either way; a durable cluster loses nothing committed."""
        server, self._server = self._server, None
        if server is None:
            return
        server.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
        try:
            server.wait(START_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait(START_DEADLINE_SECONDS)
        leaks.disown(server.pid)

    def launch(self) -> None:
        """Start the server after a `stop`."""
        if self._server is None:
            self._launch()

    def _init(self) -> None:
        if os.getuid() == 0:
            os.chown(self._root, self._account.pw_uid, self._account.pw_gid)
        os.chmod(self._root, 0o755)
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        made = self._popen("initdb", "-D", str(self._data), "-U", self.user, *options)
        if made.wait(START_DEADLINE_SECONDS * 2) != 0:
            raise PostgresError(f"initdb failed:\n{self._log.read_text()}")
        settings = _SMALL | ({} if self._durable else _FAST)
        settings |= {"listen_addresses": "''", "unix_socket_directories": f"'{self.socket_dir}'", "timezone": "'UTC'"}
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        with (self._data / "postgresql.conf").open("a") as config:
            config.write(lines)

    def _launch(self) -> None:
        server = self._popen("postgres", "-D", str(self._data))
        leaks.own(server.pid)
        self._server = server
        deadline = time.monotonic() + START_DEADLINE_SECONDS
        while True:
            try:
                self._execute("SELECT 1")
            except psycopg.OperationalError:
                if server.poll() is not None or time.monotonic() > deadline:
                    self.stop(immediate=True)
                    raise PostgresError(f"PostgreSQL did not start:\n{self._log.read_text()}") from None
                time.sleep(0.02)
            else:
                return

    def _execute(self, statement: str) -> None:
        dsn = f"postgresql://{self.user}@/postgres?host={urllib.parse.quote(str(self.socket_dir), safe='')}"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(sql.SQL(statement))

    def _popen(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        place = find_bin()
        if place is None:
            raise PostgresError(why_not() or "PostgreSQL is not installed")
        as_root = os.getuid() == 0
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [str(place / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._root,
                env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "HOME": str(self._root)},
                start_new_session=True,
                user=self._account.pw_uid if as_root else None,
                group=self._account.pw_gid if as_root else None,
                extra_groups=[] if as_root else None,
            )

    @property
    def _data(self) -> pathlib.Path:
        return self._root / "data"

    @property
    def _log(self) -> pathlib.Path:
        return self._root / "server.log"
