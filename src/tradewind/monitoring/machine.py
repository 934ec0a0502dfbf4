"""What this machine offers to a server, and what it lacks, as findings with hints. Looking changes nothing."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from tradewind.model.finding import Finding

_LOW_DISK_BYTES, _NO_DISK_BYTES = 2 << 30, 256 << 20
_LOW_INODES = 10_000
_FILES_OF_A_SERVER, _FILES_OF_AN_ATTEMPT = 200, 6
_MOST_FOLDERS = 100_000
_PROBE_SECONDS = 30


class _Abilities(msgspec.Struct, frozen=True):
    """What `tradewind.podlet.abilities` prints."""

    mounts: str
    memory: int


def look(home: Path, dags: Path, *, parallelism: int) -> Iterator[Finding]:
    """Everything about the machine. `home` need not exist yet."""
    yield python()
    yield disk(home)
    yield open_files(resource.getrlimit(resource.RLIMIT_NOFILE), parallelism)
    yield watches(dags)
    yield from abilities()


def python(version: tuple[int, int, int] = sys.version_info[:3], system: str = sys.platform) -> Finding:
    """The interpreter and the system."""
    text = f"{'.'.join(map(str, version))} at {sys.executable}, {platform.system()} {platform.release()}"
    if version < (3, 11):
        return Finding(check="python", state="fail", message=text, hint="the server needs Python 3.11 or newer")
    if system != "linux":
        return Finding(
            check="python", state="fail", message=text, hint="attempts are run on Linux only (on Windows: in WSL 2)"
        )
    return Finding(check="python", state="ok", message=text)


def disk(home: Path) -> Finding:
    """Whether the home can be written, and how much room there is."""
    place = _existing(home)
    if not os.access(place, os.W_OK | os.X_OK):
        why = "it is on a read-only file system" if _is_read_only(place) else f"{place} is not yours to write to"
        return Finding(
            check="home", state="fail", message=f"{home} cannot be written: {why}", hint="name another with --home"
        )
    space, files = shutil.disk_usage(place), os.statvfs(place).f_favail
    message = f"{home}{'' if place == home else ' (made by the first start)'}, {space.free / (1 << 30):.1f} GiB free"
    hint = "free some space; `tradewind db clean` removes old runs and logs"
    if space.free < _NO_DISK_BYTES:
        return Finding(check="home", state="fail", message=message, hint=hint)
    if space.free < _LOW_DISK_BYTES:
        return Finding(check="home", state="warn", message=message, hint=hint)
    if 0 < files < _LOW_INODES:
        return Finding(check="home", state="warn", message=f"{message}, but {files} inodes", hint=hint)
    return Finding(check="home", state="ok", message=message)


def open_files(limits: tuple[int, int], parallelism: int) -> Finding:
    """How many files a process may open, against what a full server needs."""
    soft, hard = limits
    needed = _FILES_OF_A_SERVER + _FILES_OF_AN_ATTEMPT * parallelism
    message = f"{_limit(soft)} (at most {_limit(hard)}); {parallelism} attempts at once need about {needed}"
    if soft != resource.RLIM_INFINITY and soft < needed:
        hint = f"`ulimit -n {needed}`, or LimitNOFILE= in the unit; or lower scheduler.parallelism"
        return Finding(check="open files", state="fail", message=message, hint=hint)
    return Finding(check="open files", state="ok", message=message)


def watches(dags: Path, proc: Path = Path("/proc/sys/fs/inotify")) -> Finding:
    """Whether each folder below the DAG folder can be watched for changes."""
    try:
        most = int((proc / "max_user_watches").read_text())
    except (OSError, ValueError):
        hint = "changes of DAG files are seen once a minute only"
        return Finding(check="file events", state="warn", message="this system has no inotify", hint=hint)
    if not _may_watch():
        hint = "raise fs.inotify.max_user_instances, or end programs of this user that use them up"
        return Finding(check="file events", state="fail", message="no inotify instance is left", hint=hint)
    folders = _count_folders(dags)
    message = f"folders to watch: {folders}, of {most} allowed"
    if folders > most * 0.8:
        hint = "raise fs.inotify.max_user_watches; without it changes are seen once a minute"
        return Finding(check="file events", state="warn", message=message, hint=hint)
    return Finding(check="file events", state="ok", message=message)


def abilities() -> Iterator[Finding]:
    """What pods as processes can have: mounts and memory limits."""
    done = subprocess.run(
        [sys.executable, "-m", "tradewind.podlet.abilities"],
        capture_output=True,
        text=True,
        timeout=_PROBE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        yield Finding(check="pods", state="fail", message=f"could not be tried: {done.stderr.strip()[-300:]}")
        return
    found = msgspec.json.decode(done.stdout, type=_Abilities)
    yield mounts(found.mounts, has_bubblewrap=shutil.which("bwrap") is not None)
    if found.memory:
        yield Finding(check="pod memory", state="ok", message=f"limits by control groups, version {found.memory}")
    else:
        yield Finding(
            check="pod memory",
            state="warn",
            message="no control group can be made; limits hold by address space, for each process",
            hint="run the server as a user service of systemd (`tradewind systemd-unit --user`), or as root",
        )


def mounts(why_not: str, *, has_bubblewrap: bool) -> Finding:
    """Whether pods can have volumes at their paths."""
    if not why_not:
        return Finding(check="pod mounts", state="ok", message="mount namespaces can be made")
    hint = "allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone"
    hint += ", kernel.apparmor_restrict_unprivileged_userns); pods without volumes run all the same"
    beside = "; bubblewrap is installed and needs the same right" if has_bubblewrap else ""
    return Finding(check="pod mounts", state="warn", message=why_not + beside, hint=hint)


def clock(now: float, newest: float | None, server_zone: str, environment: Mapping[str, str]) -> Iterator[Finding]:
    """The clock against the newest thing in the database, and the zone against the server's.

    `now`, `newest`: seconds since 1970; `server_zone`: as the running server told it, or empty.
    """
    if newest is not None and newest > now + 60:
        hint = "set the clock (`timedatectl set-ntp true`); runs that are due by the later time are not made twice"
        behind = f"{newest - now:.0f} s behind the newest run in the database"
        yield Finding(check="clock", state="warn", message=behind, hint=hint)
    else:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
        yield Finding(check="clock", state="ok", message=f"{moment} UTC")
    own = zone(environment)
    if server_zone and server_zone != own:
        hint = (
            "stored times and schedules are the same in both; only what commands show is in yours, and tasks that ask "
        )
        hint += "for the local time get the server's"
        message = f"{own} here, {server_zone} for the server"
        yield Finding(check="time zone", state="warn", message=message, hint=hint)
    else:
        yield Finding(check="time zone", state="ok", message=own)


def zone(environment: Mapping[str, str], localtime: Path = Path("/etc/localtime")) -> str:
    """The zone of this process by name, as far as the system tells."""
    if told := environment.get("TZ", "").lstrip(":"):
        return told
    try:
        target = os.readlink(localtime)
    except OSError:
        return time.strftime("UTC%z")
    return target.partition("zoneinfo/")[2] or time.strftime("UTC%z")


def _existing(path: Path, exists: Callable[[Path], bool] = Path.exists) -> Path:
    while not exists(path) and path != path.parent:
        path = path.parent
    return path


def _is_read_only(place: Path) -> bool:
    return bool(os.statvfs(place).f_flag & os.ST_RDONLY)


def _may_watch() -> bool:
    """Whether one more inotify instance can be made; the podlet cannot do without one."""
    library = ctypes.CDLL(None)
    descriptor: int = library.inotify_init1(os.O_CLOEXEC)
    if descriptor >= 0:
        os.close(descriptor)
    return descriptor >= 0


def _limit(number: int) -> str:
    return "no limit" if number == resource.RLIM_INFINITY else str(number)


def _count_folders(folder: Path) -> int:
    count = 0
    for _ in os.walk(folder):
        count += 1
        if count >= _MOST_FOLDERS:
            break
    return count
