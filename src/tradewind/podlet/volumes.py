"""A pod's volumes: directories that its containers share, or contents that exist in their mount namespaces only.

Invariant: the value of a Secret is never written to a disk; only to a tmpfs that ends with its container.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradewind.podlet import system
from tradewind.podlet.environment import PodFields
from tradewind.podlet.keyed_folder import KeyedFolder
from tradewind.podlet.refusal import PodRefused
from tradewind.pods import quantity

_DEFAULT_MODE = 0o644
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One file of a volume."""

    path: str
    """Relative, inside the volume."""
    value: bytes
    mode: int = _DEFAULT_MODE


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """`source` is a path of this machine; where it is empty the volume is `contents`, read-only."""

    name: str
    source: str = ""
    contents: tuple[Content, ...] = ()
    group: int | None = None
    """Who may read the contents beside their owner (fsGroup)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """Makes the volumes of one pod."""

    folder: Path
    """Where the directories of its emptyDirs are."""
    fields: PodFields
    secrets: KeyedFolder
    configmaps: KeyedFolder
    in_memory: bool = False
    """This process has a mount namespace of its own, so that a volume in memory can be mounted and goes with it."""

    def prepare(self, spec: Json) -> dict[str, Volume]:
        """All volumes by name. Raises `PodRefused`."""
        group = (spec.get("securityContext") or {}).get("fsGroup")
        container = str(((spec.get("containers") or [{}])[0]).get("name") or "")
        found: dict[str, Volume] = {}
        for volume in spec.get("volumes") or []:
            name = str(volume.get("name") or "")
            if volume.get("hostPath") is not None:
                found[name] = Volume(name=name, source=_host_path(name, volume["hostPath"]))
            elif set(volume) - {"name"} <= {"emptyDir"}:
                found[name] = Volume(name=name, source=self._empty(name, volume.get("emptyDir") or {}, group))
            else:
                found[name] = Volume(name=name, contents=tuple(self._contents(volume, container)), group=group)
        return found

    def _empty(self, name: str, source: Json, group: int | None) -> str:
        path = self.folder / name
        path.mkdir(parents=True)
        if source.get("medium") == "Memory" and self.in_memory:
            size = f",size={quantity.parse_bytes(source['sizeLimit'])}" if source.get("sizeLimit") else ""
            system.mount("tmpfs", str(path), "tmpfs", system.NO_SUID | system.NO_DEV, f"mode=777{size}")
        # Open to all, as the kubelet makes it: containers may run as any user.
        path.chmod(0o777 if group is None else 0o2777)
        if group is not None and system.may_switch_users():
            os.chown(path, -1, group)
        return os.path.realpath(path)

    def _contents(self, volume: Json, container: str) -> Iterator[Content]:
        if volume.get("secret") is not None:
            source = volume["secret"]
            yield from self._keyed(self.secrets, source, str(source.get("secretName") or ""))
        elif volume.get("configMap") is not None:
            source = volume["configMap"]
            yield from self._keyed(self.configmaps, source, str(source.get("name") or ""))
        elif volume.get("downwardAPI") is not None:
            yield from self._downward(volume["downwardAPI"], container)
        elif volume.get("projected") is not None:
            yield from self._projected(volume["projected"], container)
        else:
            kinds = ", ".join(sorted(set(volume) - {"name"}))
            raise PodRefused(f"volume {volume.get('name')!r}", f"{kinds} is a kind that only a cluster has")

    def _projected(self, projected: Json, container: str) -> Iterator[Content]:
        mode = projected.get("defaultMode")
        for source in projected.get("sources") or []:
            for kind, folder in (("secret", self.secrets), ("configMap", self.configmaps)):
                if source.get(kind):
                    below = {"defaultMode": mode, **source[kind]}
                    yield from self._keyed(folder, below, str(below.get("name") or ""))
            if source.get("downwardAPI"):
                yield from self._downward({"defaultMode": mode, **source["downwardAPI"]}, container)

    def _keyed(self, folder: KeyedFolder, source: Json, name: str) -> Iterator[Content]:
        values = folder.find(name) if source.get("optional") else folder.get(name)
        mode = source.get("defaultMode")
        items = source.get("items")
        if items is None:
            items = [{"key": key, "path": key} for key in values or {}]
        for item in items:
            key = str(item.get("key") or "")
            if source.get("optional") and key not in (values or {}):
                continue
            value = (values or {}).get(key)
            yield Content(
                path=_inside(str(item.get("path") or key), name),
                value=folder.get_key(name, key) if value is None else value,
                mode=_mode(item.get("mode"), mode),
            )

    def _downward(self, source: Json, container: str) -> Iterator[Content]:
        for item in source.get("items") or []:
            if item.get("fieldRef"):
                text = self.fields.get(str(item["fieldRef"].get("fieldPath") or ""))
            else:
                text = self.fields.get_resource(item.get("resourceFieldRef") or {}, container)
            path = _inside(str(item.get("path") or ""), "downwardAPI")
            yield Content(path=path, value=text.encode(), mode=_mode(item.get("mode"), source.get("defaultMode")))


_HOST_KINDS = {
    "Directory": (stat.S_ISDIR, "directory"),
    "File": (stat.S_ISREG, "file"),
    "Socket": (stat.S_ISSOCK, "socket"),
    "CharDevice": (stat.S_ISCHR, "character device"),
    "BlockDevice": (stat.S_ISBLK, "block device"),
}


def _host_path(name: str, given: Json) -> str:
    path, kind = Path(str(given.get("path") or "")), str(given.get("type") or "")
    where = f"volume {name!r}"
    if not path.is_absolute():
        raise PodRefused(where, f"hostPath {str(path)!r} is not absolute", "give it from the root of this machine")
    try:
        if kind in ("", "DirectoryOrCreate") and not path.exists():
            # Without a type too: container runtimes make what is missing as a directory.
            path.mkdir(parents=True, mode=0o755)
        elif kind == "FileOrCreate" and not path.exists():
            path.touch(0o644)
        found = path.stat().st_mode
    except OSError as error:
        raise PodRefused(where, f"hostPath {path}: {error.strerror}", "make it first, or name another path") from error
    wanted = kind.removesuffix("OrCreate")
    if wanted and wanted not in _HOST_KINDS:
        raise PodRefused(where, f"hostPath type {kind!r} does not exist", f"one of {', '.join(_HOST_KINDS)}")
    if wanted and not _HOST_KINDS[wanted][0](found):
        raise PodRefused(where, f"hostPath {path} is no {_HOST_KINDS[wanted][1]}", "its type says what it must be")
    return os.path.realpath(path)


def _inside(path: str, where: str) -> str:
    parts = path.split("/")
    if not path or path.startswith("/") or ".." in parts:
        raise PodRefused(f"path {path!r} of {where!r}", "must stay inside its volume")
    return path


def _mode(*given: Any) -> int:
    return next((int(mode) for mode in given if mode is not None), _DEFAULT_MODE)
