"""Copies of a database as of one moment, while a leader goes on, and putting one in the place of another.

Invariant: the database of a home is replaced by renaming, when the other is whole and on the disk; what was there
before is kept aside. The key of the vault is in no backup: who holds a backup can read no secret.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tradewind.ports import errors
from tradewind.ports.upkeep import Manifest, Member
from tradewind.store import archive, schema, sessions
from tradewind.store import dialect as dialects

SQLITE, POSTGRES = "tradewind.db", "tradewind.dump"
_FOLDERS = ("logs", "snapshots")
_UNPACKED = ".restoring-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A home and its database."""

    home: Path
    url: str
    busy: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did."""

    manifest: Manifest
    aside: Path | None
    """Where what was there before is kept, if anything was."""


def back_up(
    place: Place, target: Path, *, with_logs: bool, version: str, now: datetime, progress: archive.Progress
) -> Manifest:
    """Write a backup. Raises `errors.Rejected` where it cannot be written or PostgreSQL's tools are missing."""
    if target.exists():
        raise errors.Rejected("is there already", object=f"backup {target}", hint="name another", code="backup-exists")
    if not target.parent.is_dir():
        raise errors.Rejected(
            "its folder does not exist",
            object=f"backup {target}",
            hint=f"mkdir -p {target.parent}",
            code="backup-place",
        )
    dialect = dialects.choose(place.url, place.busy)
    made: list[Manifest] = []
    with _copied(dialect, place.url, target) as (copy, revision):

        def about(members: tuple[Member, ...]) -> Manifest:
            made.append(
                Manifest(
                    format=archive.FORMAT,
                    tradewind=version,
                    schema=revision,
                    database=dialect.name,
                    made_at=now,
                    with_logs=with_logs,
                    members=members,
                )
            )
            return made[0]

        with archive.writing(target, about, progress) as writer:
            writer.add(copy, SQLITE if dialect.name == "sqlite" else POSTGRES)
            for name in _FOLDERS if with_logs else ():
                writer.add_tree(place.home / name, name)
    return made[0]


@contextlib.contextmanager
def _copied(dialect: sessions.Dialect, url: str, target: Path) -> Iterator[tuple[Path, str]]:
    """A file with the database as of one moment, beside the target while it is used, and its schema's revision."""
    try:
        folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise archive.not_writable(target, error) from error
    try:
        if isinstance(dialect, dialects.Sqlite):
            yield _copy_sqlite(dialect, folder / SQLITE)
        else:
            yield _dump_postgres(dialect, url, folder / POSTGRES)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_sqlite(dialect: dialects.Sqlite, copy: Path) -> tuple[Path, str]:
    if not dialect.path.is_file():
        raise errors.NotFound(
            "does not exist", object=dialect.label, code="no-database", hint="there is nothing to keep"
        )
    try:
        with contextlib.closing(dialect.connect()) as session:
            revision = schema.find_version(session)
            if revision is None:
                raise errors.Rejected(
                    "is not ours", object=dialect.label, hint="look at --home", code="database-foreign"
                )
            # One reading transaction: a leader goes on committing beside it.
            session.run("vacuum into ?", (str(copy),))
    except sqlite3.Error as error:
        raise dialect.translate(error) from error
    return copy, revision


def _dump_postgres(dialect: sessions.Dialect, url: str, copy: Path) -> tuple[Path, str]:
    dsn, environment = _without_secret(url)
    program = shutil.which("pg_dump")
    if program is None:
        raise errors.Rejected(
            "pg_dump, which makes backups of PostgreSQL, is not installed here",
            object=dialect.label,
            hint=f"where it is: pg_dump --format=custom --no-owner --file={POSTGRES} '{dsn}'",
            code="pg-dump-missing",
        )
    with contextlib.closing(dialect.connect()) as session:
        revision = schema.find_version(session) or ""
    command = [program, "--format=custom", "--no-owner", f"--file={copy}", dsn]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise errors.Rejected(
            " ".join(done.stderr.split()), object=dialect.label, hint="pg_dump said so", code="pg-dump-failed"
        )
    return copy, revision


def _without_secret(url: str) -> tuple[str, dict[str, str]]:
    """The address without its password, which others could see among the processes, and the environment with it."""
    import psycopg

    given = psycopg.conninfo.conninfo_to_dict("postgresql://" + url.partition("://")[2])
    password = given.pop("password", None)
    secret = {} if password is None else {"PGPASSWORD": str(password)}
    return psycopg.conninfo.make_conninfo("", **given), {**os.environ, **secret}


# -- restoring -----------------------------------------------------------------------------------------------------


def restore(place: Place, source: Path, *, replace: bool, now: datetime, progress: archive.Progress) -> Restored:
    """Put a backup into a home without a database, or in the place of what is there.

    No server may run. Raises `errors.Rejected` for a backup that is not whole, or of another program.
    """
    dialect = dialects.choose(place.url, place.busy)
    if not isinstance(dialect, dialects.Sqlite):
        raise _by_hand(dialect, place.url, source)
    if dialect.path.exists() and not replace:
        raise errors.Conflict(
            "there is a database already",
            object=f"home {place.home}",
            hint="name an empty home, or say --replace: what is there is kept aside",
            code="home-not-empty",
        )
    try:
        place.home.mkdir(parents=True, exist_ok=True)
        for left in place.home.glob(f"{_UNPACKED}*"):
            shutil.rmtree(left)
        folder = Path(tempfile.mkdtemp(dir=place.home, prefix=_UNPACKED))
    except OSError as error:
        raise errors.Rejected(
            f"cannot be written: {error.strerror}",
            object=f"home {place.home}",
            hint="name another one with --home, or free some space",
            code="home-not-writable",
        ) from error
    try:
        manifest = archive.read(source, folder, progress)
        _fit(manifest, dialect, place.url, source)
        _let_go_of_lease(folder / SQLITE)
        aside = _swap(place.home, dialect.path, folder, now)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Restored(manifest=manifest, aside=aside)


def _fit(manifest: Manifest, dialect: sessions.Dialect, url: str, source: Path) -> None:
    from tradewind.store import migrating

    if manifest.database != dialect.name:
        raise _by_hand(dialect, url, source)
    if manifest.schema not in migrating.known():
        raise errors.Rejected(
            f"was made by tradewind {manifest.tradewind}, whose schema {manifest.schema!r} this program does not know",
            object=f"backup {source}",
            hint=f"restore it with tradewind {manifest.tradewind}, or a newer one",
            code="database-newer",
        )


def _by_hand(dialect: sessions.Dialect, url: str, source: Path) -> errors.Rejected:
    dsn = _without_secret(url)[0] if dialect.name == "postgresql" else "postgresql://…"
    commands = f"tar -xf {source} {POSTGRES} && pg_restore --clean --if-exists --no-owner --dbname='{dsn}' {POSTGRES}"
    return errors.Rejected(
        "a backup of PostgreSQL is restored by its own program",
        object=dialect.label,
        hint=f"while no server runs: {commands}",
        code="restore-by-hand",
    )


def _let_go_of_lease(database: Path) -> None:
    """Whoever led when the backup was made does not lead this one."""
    with contextlib.closing(sqlite3.connect(database)) as raw, raw:
        raw.execute("update lease set expires_at = 0")


def _swap(home: Path, database: Path, folder: Path, now: datetime) -> Path | None:
    # The log beside a database belongs to it: without it the newest commits would be lost.
    old = [path for path in (database, *(Path(f"{database}{end}") for end in ("-wal", "-shm"))) if path.exists()]
    old += [home / name for name in _FOLDERS if (folder / name).is_dir() and (home / name).is_dir()]
    aside = home / f"before-restore-{now:%Y%m%dT%H%M%S}" if old else None
    if aside is not None:
        aside.mkdir()
        for path in old:
            path.rename(aside / path.name)
    for name in _FOLDERS:
        if (folder / name).is_dir():
            (folder / name).rename(home / name)
    database.parent.mkdir(parents=True, exist_ok=True)
    (folder / SQLITE).rename(database)
    archive.sync_folder(database.parent)
    return aside
