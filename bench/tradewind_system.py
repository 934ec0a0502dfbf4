"""`tradewind standalone` as a system under measurement."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import system


class Tradewind(system.System):
    """Our own `standalone` with its defaults, but for the address of PostgreSQL where that is the database.

    `kubernetes`: pods in the cluster that KUBECONFIG names; `fake` besides: as much at once as a cluster without a
    kubelet can take.
    """

    name = "tradewind"
    variants = ("default", "kubernetes", "kubernetes-fake")

    def __init__(self, variant: str, folder: Path, database: str | None = None) -> None:
        super().__init__(variant, folder, database)
        self.settings = folder / "tradewind.toml"
        self.settings.write_text(self._configuration())
        self._hand: subprocess.Popen[str] | None = None

    def command(self) -> list[str]:
        program = Path(sys.executable).with_name("tradewind")
        runtime = ["--runtime", "kubernetes"] if self.variant.startswith("kubernetes") else []
        options = [*runtime, "--settings", self.settings, "--home", self.home, "--dags", self.dags]
        return [str(part) for part in (program, "standalone", *options)]

    def environment(self) -> dict[str, str]:
        return system.clean_environment()

    def is_healthy(self) -> bool:
        try:
            url = json.loads((self.home / "standalone.json").read_text())["health"]
        except (FileNotFoundError, ValueError):
            return False
        return (system.get_json(url) or {}).get("status") == "healthy"

    def trigger_all(self, runs: list[tuple[str, str]]) -> None:
        self._ask_hand({"trigger": runs})

    def run_state(self, dag_id: str, run_id: str) -> dict[str, int | str]:
        return self._ask_hand({"state": [dag_id, run_id]})

    def listed(self) -> set[str]:
        return set(self._ask_hand({"listed": True})["dag_ids"])

    def hold_hand(self) -> None:
        if self._hand is not None:
            return
        log = (self.folder / "hand.log").open("ab")
        settings = str(self.settings)
        command = [sys.executable, "-m", "bench.tradewind_hand", str(self.home), settings]
        self._hand = subprocess.Popen(
            command,
            cwd=system.ROOT,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert self._hand.stdout
        self._hand.stdout.readline()

    def stop(self) -> None:
        if self._hand is not None:
            self._hand.terminate()
            self._hand.wait(timeout=30)
            self._hand = None
        super().stop()

    def _ask_hand(self, request: dict[str, Any]) -> dict[str, Any]:
        self.hold_hand()
        assert self._hand
        assert self._hand.stdin
        assert self._hand.stdout
        self._hand.stdin.write(json.dumps(request) + "\n")
        self._hand.stdin.flush()
        line = self._hand.stdout.readline()
        if not line:
            raise system.NotHealthyError(f"{self.label} took no request; see {self.folder}/hand.log")
        found: dict[str, Any] = json.loads(line)
        return found

    def _configuration(self) -> str:
        told = f'[database]\nurl = "{self.database}"\n' if self.database else ""
        return told + (_FAKE if self.variant == "kubernetes-fake" else "")


_FAKE = """\
[scheduler]
parallelism = 20000
default_pool_slots = 20000
[runtime.kubernetes]
requests_per_second = 2000
"""
