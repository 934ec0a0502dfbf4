"""What a container finds in its environment: the image's own part, then envFrom, then env, each over the one before.

Sources: Kubernetes' `kubelet_pods.go` (order, `$(NAME)`, fields) and `third_party/forked/golang/expansion`.
"""

from __future__ import annotations

import math
import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tradewind.podlet.keyed_folder import KeyedFolder
from tradewind.podlet.refusal import PodRefused
from tradewind.pods import quantity

Json = Mapping[str, Any]


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$(NAME)` becomes the value; an unknown name stays as it is; `$$` is a plain `$`."""
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] != "$" or at + 1 == len(text):
            found.append(text[at])
            at += 1
        elif text[at + 1] == "$":
            found.append("$")
            at += 2
        elif text[at + 1] == "(" and (end := text.find(")", at)) > 0:
            found.append(values.get(text[at + 2 : end], text[at : end + 1]))
            at = end + 1
        else:
            found.append(text[at : at + 2])
            at += 2
    return "".join(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFields:
    """The pod's own facts, for downward fields."""

    manifest: Json
    uid: str

    @classmethod
    def of(cls, manifest: Json, attempt_id: str) -> PodFields:
        """The uid is made of the attempt's id: the same however often it is asked."""
        return cls(manifest=manifest, uid=str(uuid.uuid5(uuid.NAMESPACE_OID, attempt_id)))

    def get(self, path: str) -> str:
        """The text of a `fieldPath`. Raises `PodRefused` for one that does not exist."""
        metadata, spec = self.manifest.get("metadata") or {}, self.manifest.get("spec") or {}
        for kind in ("labels", "annotations"):
            entries: Mapping[str, str] = metadata.get(kind) or {}
            if path == f"metadata.{kind}":
                return "\n".join(f'{key}="{_escaped(value)}"' for key, value in sorted(entries.items()))
            if path.startswith(f"metadata.{kind}['") and path.endswith("']"):
                return entries.get(path[len(kind) + 11 : -2], "")
        plain = {
            "metadata.name": metadata.get("name") or "",
            "metadata.namespace": metadata.get("namespace") or "",
            "metadata.uid": self.uid,
            "spec.nodeName": socket.gethostname(),
            "spec.serviceAccountName": spec.get("serviceAccountName") or "default",
        }
        if path in plain:
            return str(plain[path])
        if path in ("status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs"):
            return _address()
        raise PodRefused(f"field {path!r}", "there is no such downward field", "the Kubernetes docs list them")

    def get_resource(self, reference: Json, default_container: str) -> str:
        """The whole number of a `resourceFieldRef`; this machine's own size where the container has no limit."""
        name = reference.get("containerName") or default_container
        spec = self.manifest.get("spec") or {}
        every = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
        container = next((one for one in every if one.get("name") == name), None)
        resource = str(reference.get("resource") or "")
        kind, _, what = resource.partition(".")
        if container is None or kind not in ("limits", "requests") or what not in _SIZES:
            raise PodRefused(f"resource field {resource!r} of container {name!r}", "there is no such field")
        resources = container.get("resources") or {}
        given = (resources.get(kind) or {}).get(what)
        if given is None:
            given = (resources.get("limits") or {}).get(what) if kind == "requests" else _SIZES[what]()
        divisor = quantity.parse(reference.get("divisor") or "1") or Decimal(1)
        return str(math.ceil(quantity.parse(given or 0) / divisor))


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Resolves the environment of each container of one pod."""

    fields: PodFields
    secrets: KeyedFolder
    configmaps: KeyedFolder

    def resolve(self, container: Json, start: Mapping[str, str]) -> dict[str, str]:
        """`start` is what the image itself would set. Raises `PodRefused`."""
        found = dict(start)
        for source in container.get("envFrom") or []:
            found.update(self._all_of(source))
        for entry in container.get("env") or []:
            name, value_from = str(entry.get("name") or ""), entry.get("valueFrom")
            if value_from:
                value = self._value(name, value_from, str(container.get("name") or ""))
            else:
                value = expand(str(entry.get("value") or ""), found)
            if value is not None:
                found[name] = value
        return found

    def _all_of(self, source: Json) -> dict[str, str]:
        prefix = str(source.get("prefix") or "")
        found: dict[str, str] = {}
        for key, folder in (("configMapRef", self.configmaps), ("secretRef", self.secrets)):
            reference = source.get(key)
            if reference:
                name = str(reference.get("name") or "")
                values = folder.find(name) if reference.get("optional") else folder.get(name)
                for field, value in (values or {}).items():
                    found[prefix + field] = _decoded(value, f"key {field!r} of {folder.kind} {name!r}")
        return found

    def _value(self, variable: str, source: Json, container: str) -> str | None:
        for key, folder in (("configMapKeyRef", self.configmaps), ("secretKeyRef", self.secrets)):
            reference = source.get(key)
            if reference:
                name, field = str(reference.get("name") or ""), str(reference.get("key") or "")
                if reference.get("optional"):
                    value = (folder.find(name) or {}).get(field)
                else:
                    value = folder.get_key(name, field)
                return None if value is None else _decoded(value, f"key {field!r} of {folder.kind} {name!r}")
        if source.get("fieldRef"):
            return self.fields.get(str(source["fieldRef"].get("fieldPath") or ""))
        if source.get("resourceFieldRef"):
            return self.fields.get_resource(source["resourceFieldRef"], container)
        raise PodRefused(
            f"variable {variable!r}",
            f"its source {', '.join(sorted(source)) or 'is empty'} cannot be had here",
            "use value, fieldRef, resourceFieldRef, configMapKeyRef or secretKeyRef",
        )


def _decoded(value: bytes, where: str) -> str:
    if b"\0" in value:
        raise PodRefused(where, "holds a zero byte, which no variable can hold", "mount it as a file")
    return os.fsdecode(value)


def _escaped(text: str) -> str:
    return str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _address() -> str:
    """The address that others reach this machine at; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _disk() -> int:
    found = os.statvfs("/")
    return found.f_frsize * found.f_blocks


_SIZES = {"cpu": lambda: os.cpu_count() or 1, "memory": _memory, "ephemeral-storage": _disk}
