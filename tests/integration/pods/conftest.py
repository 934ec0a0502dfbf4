"""Pods of these tests: real processes in real mount namespaces, started by a real podlet over its socket."""

from __future__ import annotations

import json
import pathlib
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.podlets import Podlet
from tradewind.model.outcome import Failed
from tradewind.protocol import podlet as protocol

IMAGE = "registry.example.com/tools:1"
PLAIN = protocol.ImageRow(pattern="*", path="/usr/local/bin:/usr/bin:/bin")


@dataclass(frozen=True)
class Ran:
    """A pod that has ended."""

    ended: protocol.Ended
    lines: list[str]

    @property
    def outcome(self) -> Any:
        """Success, Skipped or Failed."""
        return self.ended.result.outcome

    @property
    def failed(self) -> Failed:
        """The failure."""
        assert isinstance(self.outcome, Failed), (self.outcome, self.lines)
        return self.outcome

    @property
    def values(self) -> dict[str, Any]:
        """What it pushed."""
        return {push.key: json.loads(push.value) for push in self.ended.result.xcoms}

    def container(self, name: str) -> dict[str, Any]:
        """A container's status."""
        return next(one for one in self.ended.detail["containers"] if one["name"] == name)


class Pods:
    """A podlet with folders of Secrets and ConfigMaps."""

    def __init__(self, podlet: Podlet, folder: pathlib.Path) -> None:
        self.podlet = podlet
        self.secrets = folder / "secrets"
        self.configmaps = folder / "configmaps"
        self._numbers = 0

    def keep(self, folder: pathlib.Path, name: str, **values: str) -> None:
        """A Secret or ConfigMap."""
        (folder / name).mkdir(parents=True, exist_ok=True)
        for key, value in values.items():
            (folder / name / key).write_text(value)

    def start(
        self,
        script: str = "",
        *,
        command: Sequence[str] | None = None,
        spec: Mapping[str, Any] | None = None,
        images: Mapping[str, protocol.ImageRow] | None = None,
        start: Mapping[str, Any] | None = None,
        **container: Any,
    ) -> str:
        """Start a pod whose main container runs a shell script (or a command); the attempt's id."""
        self._numbers += 1
        attempt_id = f"{self._numbers:04d}podpodpod"
        words = ["sh", "-c", textwrap.dedent(script)] if command is None else list(command)
        main = {"name": "base", "image": IMAGE, **({"command": words} if words else {}), **container}
        given = dict(spec or {})
        manifest = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"pod-{self._numbers}", "namespace": "team", "labels": {"tier": "gold"}},
            "spec": {**given, "containers": [main, *given.get("containers", [])]},
        }
        self.podlet.client.send(
            protocol.StartPod(
                attempt_id=attempt_id,
                manifest=manifest,
                images={IMAGE: PLAIN, **(images or {})},
                secrets=str(self.secrets),
                configmaps=str(self.configmaps),
                **(start or {}),
            )
        )
        return attempt_id

    def end_of(self, attempt_id: str) -> Ran:
        """Wait for its end."""
        ended = self.podlet.client.end_of(attempt_id)
        # A line that begins with a bracket is told from a container's name by an empty one before it.
        return Ran(ended, [line.removeprefix("[] ") for line in self.podlet.lines(attempt_id)])

    def run(self, script: str = "", **options: Any) -> Ran:
        """Start one and wait for its end."""
        return self.end_of(self.start(script, **options))


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    """One podlet for the tests of a module."""
    folder = tmp_path_factory.mktemp("pods")
    with Podlet(folder) as podlet:
        yield Pods(podlet, folder)
