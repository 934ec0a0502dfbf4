"""Snapshots of bundle trees, content-addressed: blobs once by hash, trees of hard links to them.

Invariant: a kept tree never changes; its blobs are copies, so editing a DAG file in place cannot reach a running run.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tradewind.bundles import dag_files
from tradewind.ports import errors


class FolderSnapshots:
    """Trees under one folder: `<tree hash>/…`, and `blobs/<hash>`."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._hashes: dict[tuple[str, int, int, int], str] = {}

    def path(self, tree: str) -> Path:
        """The directory of a kept tree."""
        return self._folder / tree

    def read(self, tree: str, name: str) -> bytes:
        """The source of a DAG file of a kept tree. Raises OSError where it is not there."""
        return dag_files.read(self._folder / tree / name)

    async def keep(self, root: Path, paths: Sequence[str]) -> str:
        """Copy these files as one tree; its hash. Raises `errors.Rejected` over the size limit."""
        return await asyncio.to_thread(self._keep, root, list(paths))

    async def drop_unused(self, in_use: frozenset[str]) -> int:
        """Delete other trees, and blobs that no tree holds; how many trees went."""
        return await asyncio.to_thread(self._drop, in_use)

    def _keep(self, root: Path, paths: list[str]) -> str:
        blobs = self._folder / "blobs"
        blobs.mkdir(parents=True, exist_ok=True)
        total = 0
        entries: list[tuple[str, str]] = []
        for relative in paths:
            try:
                digest, size = self._blob(root / relative, blobs)
            except FileNotFoundError:
                continue  # removed while we looked; the next event tells
            total += size
            if total > self._limit:
                raise errors.Rejected(
                    f"its files are more than {self._limit >> 20} MiB together",
                    object=f"bundle {root}",
                    code="bundle-too-large",
                    hint="list data in .airflowignore, or raise dags.tree_limit_mb",
                )
            entries.append((relative, digest))
        tree = hashlib.sha256("\n".join(f"{digest} {relative}" for relative, digest in entries).encode()).hexdigest()
        target = self._folder / tree
        if not target.exists():
            self._link(target, blobs, entries)
        return tree

    def _blob(self, source: Path, blobs: Path) -> tuple[str, int]:
        info = source.stat()
        key = (str(source), info.st_size, info.st_mtime_ns, info.st_ino)
        known = self._hashes.get(key)
        if known is not None and (blobs / known).exists():
            return known, info.st_size
        content = source.read_bytes()
        mode = "x" if info.st_mode & 0o100 else "-"
        digest = hashlib.sha256(mode.encode() + content).hexdigest()
        blob = blobs / digest
        if not blob.exists():
            handle, temporary = tempfile.mkstemp(dir=blobs)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(temporary, 0o755 if mode == "x" else 0o644)
            os.rename(temporary, blob)
        self._hashes[key] = digest
        return digest, len(content)

    def _link(self, target: Path, blobs: Path, entries: list[tuple[str, str]]) -> None:
        building = Path(tempfile.mkdtemp(dir=self._folder, prefix="building-"))
        os.chmod(building, 0o755)
        for relative, digest in entries:
            place = building / relative
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(blobs / digest, place)
        try:
            os.rename(building, target)
        except OSError:
            # Another process kept the same tree first: that one is as good.
            shutil.rmtree(building, ignore_errors=True)
            if not target.exists():
                raise

    def _drop(self, in_use: frozenset[str]) -> int:
        dropped = 0
        if not self._folder.is_dir():
            return 0
        for tree in self._folder.iterdir():
            if tree.name != "blobs" and tree.name not in in_use and not tree.name.startswith("building-"):
                shutil.rmtree(tree, ignore_errors=True)
                dropped += 1
        blobs = self._folder / "blobs"
        if dropped and blobs.is_dir():
            for blob in blobs.iterdir():
                if blob.stat().st_nlink == 1:
                    blob.unlink(missing_ok=True)
            self._hashes.clear()
        return dropped
