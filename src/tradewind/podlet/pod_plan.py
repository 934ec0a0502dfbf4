"""What a manifest comes to on this machine: each container with its command, environment, mounts and user.

Everything that can be refused is refused here, before the start fence: a missing Secret, an image's environment that
is not there, a container without a command.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradewind.podlet import system
from tradewind.podlet.container import Container
from tradewind.podlet.environment import Environment, PodFields, expand
from tradewind.podlet.keyed_folder import KeyedFolder
from tradewind.podlet.mounts import Mount
from tradewind.podlet.refusal import PodRefused
from tradewind.podlet.volumes import Volume, Volumes
from tradewind.pods import quantity
from tradewind.protocol.podlet import ImageRow, StartPod

TERMINATION_FILE = "/dev/termination-log"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A container and what its manifest says beside how to start it."""

    container: Container
    spec: Json
    is_sidecar: bool = False
    message_file: Path

    @property
    def name(self) -> str:
        """Its name."""
        return self.container.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All containers of a pod; `main` is also the first of `containers`."""

    inits: tuple[Planned, ...]
    containers: tuple[Planned, ...]
    volumes: Path
    secrets: tuple[str, ...] = ()
    """Values of the Secrets that its containers are given; bytes that are no UTF-8 as lone surrogates."""

    @property
    def main(self) -> Planned:
        """The container that decides how the attempt ends."""
        return self.containers[0]


def make(start: StartPod, folder: Path, *, no_mounts: str | None) -> Plan:
    """Resolve everything. `no_mounts` is why this process can make no mounts. Raises `PodRefused`."""
    return _Maker(start, folder, no_mounts).make()


class _Maker:
    def __init__(self, start: StartPod, folder: Path, no_mounts: str | None) -> None:
        self._start = start
        self._folder = folder
        self._no_mounts = no_mounts
        self._may_switch = system.may_switch_users()
        self._spec: Json = start.manifest.get("spec") or {}
        fields = PodFields.of(start.manifest, start.attempt_id)
        self._secrets = secrets = KeyedFolder("Secret", start.secrets)
        configmaps = KeyedFolder("ConfigMap", start.configmaps)
        self._environment = Environment(fields=fields, secrets=secrets, configmaps=configmaps)
        self._volumes = Volumes(
            folder=folder / "volumes",
            fields=fields,
            secrets=secrets,
            configmaps=configmaps,
            in_memory=no_mounts is None,
        )

    def make(self) -> Plan:
        (self._folder / "messages").mkdir()
        (self._folder / "work").mkdir()
        volumes = self._volumes.prepare(self._spec)
        inits = tuple(self._planned(one, volumes) for one in self._spec.get("initContainers") or [])
        containers = tuple(self._planned(one, volumes) for one in self._spec.get("containers") or [])
        if not containers:
            raise PodRefused("spec.containers", "is empty", "a pod has at least one container")
        given = tuple(value.decode("utf-8", "surrogateescape") for value in self._secrets.given)
        return Plan(inits=inits, containers=containers, volumes=self._volumes.folder, secrets=given)

    def _planned(self, spec: Json, volumes: Mapping[str, Volume]) -> Planned:
        name = str(spec.get("name") or "")
        about = f"container {name!r}"
        row = self._row(spec, about)
        user = _security(self._spec, spec, "runAsUser")
        name_of_pod = str((self._start.manifest.get("metadata") or {}).get("name") or "")
        environment = self._environment.resolve(spec, {**_of_image(row, user), "HOSTNAME": name_of_pod[:63]})
        message_file = self._folder / "messages" / name
        message_file.touch(0o666)
        message_file.chmod(0o666)
        container = Container(
            name=name,
            command=_command(spec, environment, about),
            environment=environment,
            folder=self._working_folder(spec),
            root=os.path.realpath(row.root) if row.root else "/",
            mounts=self._mounts(spec, row, environment, volumes, message_file),
            user=self._checked_user(user, spec, about),
            group=_security(self._spec, spec, "runAsGroup") if self._may_switch else None,
            groups=_groups(self._spec) if self._may_switch else (),
            no_new_privileges=(spec.get("securityContext") or {}).get("allowPrivilegeEscalation") is False,
            memory_limit=_memory(spec),
        )
        return Planned(
            container=container,
            spec=spec,
            is_sidecar=spec.get("restartPolicy") == "Always",
            message_file=message_file,
        )

    def _row(self, spec: Json, about: str) -> ImageRow:
        image = str(spec.get("image") or "")
        row = self._start.images.get(image)
        if row is None:
            raise PodRefused(about, f"nothing stands in for its image {image!r}", "add a row [[runtime.local.images]]")
        for kind, path in (("venv", row.venv), ("root", row.root)):
            if path and not os.path.isdir(path if kind == "root" else f"{path}/bin"):
                raise PodRefused(f"image {image!r}", f"its {kind} {path} is not there", f"make it, or correct {kind}")
        if row.root and self._no_mounts:
            raise PodRefused(f"image {image!r}", f"a root directory cannot stand in: {self._no_mounts}", "use a venv")
        return row

    def _working_folder(self, spec: Json) -> str:
        # Without a root of its own a program that writes where it stands would write into this machine's root.
        return str(spec.get("workingDir") or ("/" if self._no_mounts is None else self._folder / "work"))

    def _mounts(
        self, spec: Json, row: ImageRow, environment: Mapping[str, str], volumes: Mapping[str, Volume], message: Path
    ) -> tuple[Mount, ...]:
        about = f"container {spec.get('name')!r}"
        asked = [_mount(one, environment, volumes, about) for one in spec.get("volumeMounts") or []]
        if self._no_mounts is not None:
            if asked:
                hint = "run as root, or allow user namespaces (see sysctl user.max_user_namespaces)"
                raise PodRefused(about, f"it mounts {asked[0].target}, but {self._no_mounts}", hint)
            return ()
        file = str(spec.get("terminationMessagePath") or TERMINATION_FILE)
        own = [Mount(target=file, source=os.path.realpath(message)), Mount(target=self._working_folder(spec))]
        if row.root:
            own += [Mount(target=path, source=path) for path in ("/etc/hosts", "/etc/resolv.conf") if _is_file(path)]
        taken = {one.target for one in asked}
        return (*asked, *(one for one in own if one.target not in taken and one.target != "/"))

    def _checked_user(self, user: int | None, spec: Json, about: str) -> int | None:
        own = os.geteuid()
        if not self._may_switch:
            for name, mine in (("runAsUser", own), ("runAsGroup", os.getegid())):
                wanted = _security(self._spec, spec, name)
                if wanted not in (None, mine):
                    said = f"{name} is {wanted}, and only root may start processes as others"
                    raise PodRefused(about, said, f"leave {name} out here, or run the podlet as root")
        if user in (None, 0) and own == 0 and _security(self._spec, spec, "runAsNonRoot"):
            hint = "set runAsUser, or run Tradewind as another user than root"
            raise PodRefused(about, "runAsNonRoot is set, and it would run as root", hint)
        return user if self._may_switch else None


def _of_image(row: ImageRow, user: int | None) -> dict[str, str]:
    found = {"PATH": row.path or _PATH, "HOME": _home(row.root, os.geteuid() if user is None else user)}
    if row.venv:
        found |= {"PATH": f"{row.venv}/bin:{_PATH}", "VIRTUAL_ENV": row.venv}
    return found


def _home(root: str, user: int) -> str:
    """As the image's own /etc/passwd says."""
    try:
        with open(f"{root}/etc/passwd", encoding="utf-8", errors="replace") as file:
            for line in file:
                fields = line.rstrip("\n").split(":")
                if len(fields) > 5 and fields[2] == str(user):
                    return fields[5]
    except OSError:
        pass
    return "/"


def _command(spec: Json, environment: Mapping[str, str], about: str) -> tuple[str, ...]:
    command = [str(word) for word in spec.get("command") or []]
    if not command:
        hint = "set cmds in the task, or entrypoint in the image's row of [[runtime.local.images]]"
        raise PodRefused(about, f"has no command, and what image {spec.get('image')!r} runs is not known here", hint)
    return tuple(expand(word, environment) for word in [*command, *map(str, spec.get("args") or [])])


def _mount(one: Json, environment: Mapping[str, str], volumes: Mapping[str, Volume], about: str) -> Mount:
    target, name = str(one.get("mountPath") or ""), str(one.get("name") or "")
    volume = volumes.get(name)
    if volume is None:
        raise PodRefused(about, f"there is no volume {name!r} to mount at {target}")
    if not target.strip("/") or target.split("/")[1] in ("proc", "sys") or ".." in target.split("/"):
        raise PodRefused(about, f"a volume cannot be mounted at {target!r}", "choose a folder of its own")
    below = str(one.get("subPath") or "") or expand(str(one.get("subPathExpr") or ""), environment)
    if below.startswith("/") or ".." in below.split("/"):
        raise PodRefused(about, f"subPath {below!r} must stay inside volume {name!r}")
    return Mount(
        target=target,
        source=volume.source,
        contents=None if volume.source else volume.contents,
        group=volume.group if system.may_switch_users() else None,
        below=below.strip("/"),
        read_only=bool(one.get("readOnly")),
    )


def _security(pod: Json, container: Json, name: str) -> int | None:
    own = (container.get("securityContext") or {}).get(name)
    found: int | None = (pod.get("securityContext") or {}).get(name) if own is None else own
    return found


def _groups(pod: Json) -> tuple[int, ...]:
    context = pod.get("securityContext") or {}
    own = context.get("fsGroup")
    return (*(context.get("supplementalGroups") or ()), *(() if own is None else (own,)))


def _memory(spec: Json) -> int | None:
    limit = ((spec.get("resources") or {}).get("limits") or {}).get("memory")
    return None if limit is None else quantity.parse_bytes(limit)


def _is_file(path: str) -> bool:
    return os.path.isfile(path)
