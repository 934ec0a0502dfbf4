"""Container images for the test cluster, written without a container engine.

An image is a docker-archive: a tar with `manifest.json`, the configuration and one layer, made from a root directory.
The same root directory gives the same archive, byte for byte, wherever it is made.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import pathlib
import platform
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence

from tests.support import cluster_cache

PREFIX = "tradewind.test"
"""Of the names; nobody owns `.test`, so a pull of such a name fails anywhere."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Configuration:
    """What a container does unless its pod says otherwise."""

    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Sequence[str] = (_PATH,)
    user: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "Entrypoint": list(self.entrypoint) or None,
            "Cmd": list(self.command) or None,
            "Env": list(self.environment),
            "User": self.user,
            "WorkingDir": "/",
        }


def reference(name: str) -> str:
    """The name that pods use for one of ours."""
    return f"{PREFIX}/{name}:1"


def make(name: str) -> pathlib.Path:
    """Write the archive of one of `cluster_cache.IMAGES`, or leave it where it is there. Needs the binaries."""
    target = cluster_cache.image(name)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tradewind-image-", dir=target.parent) as folder:
        tree = pathlib.Path(folder) / "root"
        tree.mkdir(mode=0o755)
        configuration = _RECIPES[name](tree)
        beside = pathlib.Path(folder) / target.name
        write_archive(tree, beside, reference(name), configuration)
        beside.replace(target)
    return target


def write_archive(tree: pathlib.Path, target: pathlib.Path, name: str, configuration: Configuration) -> None:
    """Write a docker-archive of everything below `tree`. `name` is as `docker load` would show it."""
    layer = target.with_suffix(".layer")
    _write_layer(tree, layer)
    digest = _digest(layer)
    described = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": configuration.as_json(),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "tradewind's tests"}],
    }
    raw = json.dumps(described, sort_keys=True).encode()
    config_name = f"{hashlib.sha256(raw).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": [f"{digest}/layer.tar"]}]
    with tarfile.open(target, "w") as archive:
        _add_bytes(archive, "manifest.json", json.dumps(manifest).encode())
        _add_bytes(archive, config_name, raw)
        archive.add(layer, arcname=f"{digest}/layer.tar", filter=_anonymous)
    layer.unlink()


def _write_layer(tree: pathlib.Path, target: pathlib.Path) -> None:
    def fixed(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(target, "w") as layer:
        for path in sorted(tree.rglob("*")):
            layer.add(path, arcname=str(path.relative_to(tree)), recursive=False, filter=fixed)


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _digest(file: pathlib.Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _pause(tree: pathlib.Path) -> Configuration:
    shutil.copy2(cluster_cache.binary("pause"), tree / "pause")
    return Configuration(entrypoint=("/pause",), user="65535:65535")


def _busybox(tree: pathlib.Path) -> Configuration:
    for folder in ("bin", "etc", "home", "root", "tmp", "usr", "var"):
        (tree / folder).mkdir()
    (tree / "tmp").chmod(0o1777)
    (tree / "etc" / "passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
    )
    (tree / "etc" / "group").write_text("root:x:0:\nnogroup:x:65534:\n")
    program = shutil.which("busybox")
    if program is None:
        raise FileNotFoundError("busybox (Debian: busybox-static)")
    shutil.copy2(program, tree / "bin" / "busybox")
    applets = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            os.link(tree / "bin" / "busybox", tree / "bin" / applet)
    return Configuration(command=("sh",))


def _python(tree: pathlib.Path) -> Configuration:
    """Debian's smallest system with its Python, of the release and from the mirror that this machine uses."""
    system = dict(
        line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    suite = system.get("VERSION_CODENAME", "").strip('"') or "stable"
    command = ["debootstrap", "--variant=minbase", "--include=python3", suite, str(tree), *_mirror()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for unneeded in (
        "var/cache/apt",
        "var/lib/apt/lists",
        "usr/share/doc",
        "usr/share/man",
        "usr/share/locale",
        "var/log",
    ):
        shutil.rmtree(tree / unneeded, ignore_errors=True)
        (tree / unneeded).mkdir(parents=True)
    shutil.rmtree(tree / "dev", ignore_errors=True)
    (tree / "dev").mkdir()
    os.symlink("python3", tree / "usr" / "bin" / "python")
    return Configuration(command=("python3",), environment=(_PATH, "LANG=C.UTF-8"))


def _mirror() -> list[str]:
    places = [pathlib.Path("/etc/apt/sources.list"), *sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*"))]
    for place in places:
        for line in place.read_text().splitlines() if place.is_file() else ():
            words = line.split()
            if words and words[0] in {"deb", "URIs:"}:
                addresses = [word for word in words[1:] if word.startswith(("http://", "https://"))]
                if addresses:
                    return addresses[:1]
    return []


_RECIPES: Mapping[str, Callable[[pathlib.Path], Configuration]] = {
    "pause": _pause,
    "busybox": _busybox,
    "python": _python,
}

__all__ = ["PREFIX", "Configuration", "make", "reference", "write_archive"]
