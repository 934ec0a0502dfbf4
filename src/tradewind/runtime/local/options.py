"""What the embedded runtime is configured with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What stands in for images whose name matches: a virtual environment, a root directory, or a PATH."""

    pattern: str
    venv: str = ""
    root: str = ""
    path: str = ""
    entrypoint: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Settings `runtime.local`, and the limits that attempts get from other places of the tree."""

    images: tuple[Image, ...] = ()
    secrets: str = ""
    configmaps: str = ""
    zygote_memory_bytes: int = 256 << 20
    zygote_count: int = 64
    max_xcom_bytes: int = 48 << 20
    log_quota_bytes: int = 1 << 30
    airflow: tuple[tuple[str, str], ...] = ()
    """Settings that stand for options of Airflow, for DAG files: (`section.key`, text)."""
    ephemeral: bool = False
    """The podlet ends with us, and takes down what runs."""
    worker: str = "tradewind.worker"
    """The package that loads files and runs attempts; tests have smaller ones."""
