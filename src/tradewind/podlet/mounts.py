"""The file tree of one container: this machine's (or an image row's root), with the pod's volumes at their mount paths.

Invariant: nothing is created on this machine. The root is a tmpfs into which every entry of the real root is bound;
where a mount path does not exist, the folders above it become folders of that tmpfs in the same way.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tradewind.podlet import system
from tradewind.podlet.volumes import Content

_OF_THIS_MACHINE = ("dev", "proc", "sys")
_LINKS_FOLLOWED = 40
_GONE = (errno.ENOENT, errno.EACCES, errno.ENOTCONN, errno.ESTALE, errno.EIO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One thing to be found at `target`: a path of this machine, contents, or (neither) any folder."""

    target: str
    source: str = ""
    contents: tuple[Content, ...] | None = None
    group: int | None = None
    below: str = ""
    """Part of the volume (subPath)."""
    read_only: bool = False

    @property
    def covers(self) -> bool:
        """False where the folder that is there already will do."""
        return self.source != "" or self.contents is not None


def enter() -> str | None:
    """Give this process mount namespaces of its own; why that cannot be had, or None.

    Root may as a rule; for others, and for a root whose rights were cut, the right comes with a user namespace, which
    some systems forbid.
    """
    try:
        if os.geteuid() == 0:
            _enter(with_users=False)
            return None
    except OSError:
        pass
    if not _tried_with_users():
        return "this user may make no mount namespaces (nor user namespaces, which would do)"
    _enter(with_users=True)
    return None


def _tried_with_users() -> bool:
    """In a child: where it fails half way there is no way back."""
    pid = os.fork()
    if pid == 0:
        try:
            _enter(with_users=True)
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _enter(*, with_users: bool) -> None:
    user, group = os.geteuid(), os.getegid()
    system.unshare(system.NEW_MOUNTS | (system.NEW_USERS if with_users else 0))
    if with_users:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    system.mount("none", "/", flags=system.PRIVATE | system.RECURSIVE)


def change_root(stage: str, base: str, mounts: Sequence[Mount]) -> None:
    """Make the tree and step into it. `stage` is an empty folder; what is mounted there is seen by nobody else.

    Call it in a process with a mount namespace of its own. Raises `OSError` that names the path.
    """
    system.mount("none", "/", flags=system.PRIVATE | system.RECURSIVE)
    system.mount("tmpfs", stage, "tmpfs", system.NO_SUID | system.NO_DEV, "mode=755")
    for name in ("old", "new", "contents"):
        os.mkdir(f"{stage}/{name}")
    # The real root moves aside first: bound into the new one as a whole it would hold the new one again.
    system.swap_root(stage, f"{stage}/old")
    system.mount("tmpfs", "/new", "tmpfs", system.NO_SUID | system.NO_DEV, "mode=755")
    tree = Tree("/old", "/old" + base.rstrip("/"), "/new")
    tree.build(mounts)
    system.change_root("/new")


class Tree:
    """Builds the new root at `root` out of `base`, both folders of the present root; `machine` is the real root."""

    def __init__(self, machine: str, base: str, root: str) -> None:
        self._machine = machine
        self._base = base
        self._root = root

    def build(self, mounts: Sequence[Mount]) -> None:
        """Populate, then mount in the order of depth, so that a mount inside another volume is on top of it."""
        placed = sorted(((self._resolve(one.target), one) for one in mounts), key=lambda pair: pair[0].count("/"))
        remade = self._remade(placed)
        self._populate("", remade, {target for target, one in placed if one.covers})
        for number, (target, one) in enumerate(placed):
            self._mount_named(target, one, number)

    def _origin(self, path: str) -> str:
        first = path.split("/")[1] if path else ""
        return (self._machine if first in _OF_THIS_MACHINE else self._base) + path

    def _remade(self, placed: Iterable[tuple[str, Mount]]) -> set[str]:
        """Folders that must be the tmpfs's own, because something is to be created in them."""
        found: set[str] = {""}
        mounted: list[str] = []
        for target, one in placed:
            inside = any(target.startswith(above + "/") for above in mounted)
            if not inside and self._is_lacking(target, self._is_folder(one)):
                above = os.path.dirname(target)
                while above not in ("", "/"):
                    if os.path.isdir(self._origin(above)):
                        found.add(above)
                    above = os.path.dirname(above)
            mounted += [target] if one.covers else []
        return found

    def _is_lacking(self, target: str, is_folder: bool) -> bool:
        origin = self._origin(target)
        return not os.path.exists(origin) or os.path.isdir(origin) != is_folder

    def _populate(self, folder: str, remade: set[str], targets: set[str]) -> None:
        names = set(os.listdir(self._origin(folder)))
        if folder == "":
            names |= set(_OF_THIS_MACHINE)
        for name in names:
            path = f"{folder}/{name}"
            if path == "/proc":
                os.mkdir(self._root + path)
                self._mount_proc(self._root + path)
            elif path in remade:
                os.mkdir(self._root + path)
                self._like(self._root + path, os.stat(self._origin(path)))
                self._populate(path, remade, targets)
            elif path not in targets:  # else its point is made when it is mounted, as a file or as a folder
                self._show(path)

    def _show(self, path: str) -> None:
        """One entry as it is. What went away meanwhile, or is a mount that nobody answers for, is left out."""
        origin, here = self._origin(path), self._root + path
        try:
            found = os.lstat(origin)
            if stat.S_ISLNK(found.st_mode):
                os.symlink(os.readlink(origin), here)
            else:
                _make_point(here, is_folder=stat.S_ISDIR(found.st_mode))
                system.bind(origin, here)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            _remove_point(here)

    def _like(self, here: str, found: os.stat_result) -> None:
        os.chmod(here, stat.S_IMODE(found.st_mode))
        try:
            os.chown(here, found.st_uid, found.st_gid)
        except OSError:
            # In a user namespace only one user exists.
            return

    def _mount_proc(self, here: str) -> None:
        try:
            system.mount("proc", here, "proc", system.NO_SUID | system.NO_DEV | system.NO_EXEC)
        except PermissionError:
            # Inside another container a fresh /proc may be forbidden; the outer one shows more processes, no less.
            system.bind(f"{self._machine}/proc", here)

    def _mount_named(self, target: str, one: Mount, number: int) -> None:
        try:
            self._mount(target, one, number)
        except OSError as error:
            raise OSError(error.errno, error.strerror, one.target) from error

    def _mount(self, target: str, one: Mount, number: int) -> None:
        source = f"{self._machine}{one.source}" if one.source else ""
        if one.contents is not None:
            source = f"/contents/{number}"
            _write(source, one.contents, one.group)
        if one.below:
            source = f"{source}/{one.below}"
            if one.contents is None and not os.path.exists(source):
                os.makedirs(source)
        here = self._root + target
        is_folder = not source or os.path.isdir(source)
        if not os.path.exists(here) or os.path.isdir(here) != is_folder:
            _make_point(here, is_folder=is_folder)
        if source:
            system.bind(source, here, read_only=one.read_only or one.contents is not None)

    def _is_folder(self, one: Mount) -> bool:
        if one.contents is not None:
            return not any(content.path == one.below for content in one.contents)
        path = f"{self._machine}{one.source}/{one.below}".rstrip("/") if one.source else ""
        return not path or not os.path.exists(path) or os.path.isdir(path)

    def _resolve(self, path: str) -> str:
        """The same place without symbolic links, which count from the container's root."""
        left = [part for part in path.split("/") if part not in ("", ".")]
        found: list[str] = []
        followed = 0
        while left:
            part = left.pop(0)
            if part == "..":
                found = found[:-1]
                continue
            here = self._origin("/" + "/".join([*found, part]))
            if os.path.islink(here) and followed < _LINKS_FOLLOWED:
                followed += 1
                to = os.readlink(here)
                found = [] if to.startswith("/") else found
                left = [one for one in to.split("/") if one not in ("", ".")] + left
            else:
                found.append(part)
        return "/" + "/".join(found)


def _make_point(path: str, *, is_folder: bool) -> None:
    if is_folder:
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644))


def _remove_point(path: str) -> None:
    with suppress(FileNotFoundError):
        if os.path.isdir(path):
            os.rmdir(path)
        else:
            os.unlink(path)


def _write(folder: str, contents: Sequence[Content], group: int | None) -> None:
    os.mkdir(folder, 0o755)
    for content in contents:
        path = f"{folder}/{content.path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content.value)
        os.chmod(path, content.mode if group is None else content.mode | 0o440)
        if group is not None:
            os.chown(path, -1, group)
