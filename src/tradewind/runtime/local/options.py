"""What the embedded runtime is configured with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    pattern: str
    venv: str = ""
    root: str = ""
    path: str = ""
    entrypoint: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    images: tuple[Image, ...] = ()
    secrets: str = ""
    configmaps: str = ""
    zygote_memory_bytes: int = 256 << 20
    zygote_count: int = 64
    max_xcom_bytes: int = 48 << 20
    log_quota_bytes: int = 1 << 30
    ephemeral: bool = False
