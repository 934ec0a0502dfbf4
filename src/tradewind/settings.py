"""The one tree of settings: each documented at its field with default, unit and reason.

Read from `tradewind.toml`; everything else in the program gets plain values by constructor.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from tradewind.ports import errors

FILE_NAME = "tradewind.toml"


class ImageSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in for images whose name matches `pattern` (fnmatch) where pods run as processes."""

    pattern: str
    venv: str = ""
    """A virtual environment; relative to the settings file."""
    root: str = ""
    """A root directory."""
    path: str = ""
    """A PATH to search for commands."""
    entrypoint: tuple[str, ...] = ()
    """What the image would run where a task names no command."""


class FolderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder of `<name>/<key>` files that stands in for Secrets or ConfigMaps."""

    directory: str = ""


class LocalRuntimeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The embedded runtime."""

    images: tuple[ImageSettings, ...] = ()
    secrets: FolderSettings = FolderSettings()
    configmaps: FolderSettings = FolderSettings()
    zygote_memory_mb: int = 256
    """MiB that idle processes with loaded DAG files may hold together; the least recently used end beyond it."""
    zygote_count: int = 64
    """How many DAG files stay loaded at most."""
    grace_seconds: float = 5
    """Between SIGTERM and SIGKILL of a Python attempt."""


class RuntimeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Runtimes by kind."""

    local: LocalRuntimeSettings = LocalRuntimeSettings()


class SchedulerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scheduler."""

    parallelism: int = 32
    """Attempts alive at once. Python tasks are processes on this machine; 32 keeps a small one responsive."""
    infrastructure_retries: int = 3
    """Launches per try that are made good when the infrastructure failed."""
    max_map_length: int = 1024
    """Elements of one mapped task, as Airflow's `max_map_length`."""
    lease_seconds: float = 15
    """How long a leader that went silent still holds the lease."""
    drain_seconds: float = 30
    """How long the first Ctrl-C waits for what runs."""
    poll_seconds: float = 1
    """How often the database's change counter is looked at, as a net beneath wake-ups."""


class DagsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """DAG files."""

    folder: str = ""
    """Empty: `dags` in the home."""
    airflow: str = ""
    """"2" or "3": which Airflow the files mean. Empty: found out per file."""
    parse_timeout_seconds: float = 30
    """Loading one file may take this long, as Airflow's `dagbag_import_timeout`."""
    tree_limit_mb: int = 256
    """A bundle's tree may be this large; every version keeps what changed of it."""


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The database."""

    url: str = ""
    """Empty: SQLite in the home. Otherwise `postgresql://…`."""
    busy_seconds: float = 10
    """How long another process may hold the SQLite file before we name it and give up."""


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Task logs."""

    quota_mb: int = 1024
    """MiB of output kept per attempt; beyond it a mark says that the rest was dropped."""


class XComSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """XCom values."""

    max_mb: float = 48
    """MiB of one value as JSON; larger ones belong in files or an object store."""


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `standalone` listens on."""

    health_port: int = 0
    """Loopback port of the health address; 0 takes a free one (told in HOME/standalone.json)."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings."""

    dags: DagsSettings = DagsSettings()
    database: DatabaseSettings = DatabaseSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    logs: LogSettings = LogSettings()
    xcom: XComSettings = XComSettings()
    server: ServerSettings = ServerSettings()


def load(path: Path | None) -> Settings:
    """Read a settings file (None: all defaults); relative paths in it become absolute, from its own folder.

    Raises `errors.Rejected` for a file that is missing, is not TOML, or has unknown or ill-typed keys.
    """
    if path is None:
        return Settings()
    try:
        raw = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise errors.Rejected(
            "no such settings file",
            object=str(path),
            hint="check the path given to --settings",
            code="settings-missing",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.Rejected(
            f"not valid TOML: {error}", object=str(path), hint="see the line it names", code="settings-not-toml"
        ) from error
    _check_names(raw, Settings, str(path), "")
    try:
        settings = msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise errors.Rejected(
            str(error), object=str(path), hint="the settings reference gives each type", code="settings-type"
        ) from error
    return _absolute(settings, path.resolve().parent)


def find(home: Path | None) -> Path | None:
    """The settings file that applies: in the home, else in the current folder, else none."""
    for folder in ([home] if home is not None else []) + [Path.cwd()]:
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def _check_names(raw: dict[str, Any], kind: Any, path: str, prefix: str) -> None:
    known = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for name, value in raw.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known here: {', '.join(sorted(known))}"
            raise errors.Rejected(f"unknown key {prefix}{name}", object=path, hint=hint, code="settings-unknown-key")
        if isinstance(value, dict) and isinstance(known[name], type) and issubclass(known[name], msgspec.Struct):
            _check_names(value, known[name], path, f"{prefix}{name}.")


def _absolute(settings: Settings, base: Path) -> Settings:
    def place(text: str) -> str:
        return os.path.normpath(base / Path(text).expanduser()) if text else ""

    local = settings.runtime.local
    images = tuple(
        msgspec.structs.replace(
            image,
            venv=place(image.venv),
            root=place(image.root),
            path=":".join(place(part) for part in image.path.split(":") if part),
        )
        for image in local.images
    )
    local = msgspec.structs.replace(
        local,
        images=images,
        secrets=FolderSettings(directory=place(local.secrets.directory)),
        configmaps=FolderSettings(directory=place(local.configmaps.directory)),
    )
    dags = msgspec.structs.replace(settings.dags, folder=place(settings.dags.folder))
    return msgspec.structs.replace(settings, runtime=RuntimeSettings(local=local), dags=dags)
