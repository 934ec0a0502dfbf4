"""Apache Airflow's `standalone` as a system under measurement.

Variants: `default` and `tuned` (the files in `bench/airflow/`), each whole, and with `-reduced` its API server holds
only what tasks need (the execution API) without the user interface's and the public REST API: ours has neither yet.
With `kubernetes-` before it, the variant is the same Airflow; its tasks are pods of the cluster that KUBECONFIG names.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import urllib.request
from pathlib import Path

import sqlalchemy

from bench import system


class Airflow(system.System):
    """`airflow standalone` on a loopback port, in a home of its own."""

    name = "airflow"
    variants = ("default", "default-reduced", "tuned", "tuned-reduced")

    def __init__(self, variant: str, folder: Path, database: str | None = None) -> None:
        super().__init__(variant, folder, database)
        self.python = _interpreter()
        self.port, self.health_port, self.log_port, self.trigger_log_port = (system.free_port() for _ in range(4))
        self.configuration, _, self.reduced = variant.removeprefix("kubernetes-").partition("-")
        self._secret = secrets.token_hex(64)
        self._hand: subprocess.Popen[str] | None = None
        self._engine = sqlalchemy.create_engine(self.address(), isolation_level="AUTOCOMMIT")

    def address(self) -> str:
        """Where the metadata is."""
        return self.database or f"sqlite:///{self.home}/airflow.db"

    def command(self) -> list[str]:
        return [str(self.python.with_name("airflow")), "standalone"]

    def environment(self) -> dict[str, str]:
        folder = system.ROOT / "bench" / "airflow"
        # psycopg2 is the driver that Airflow's own constraints name for PostgreSQL.
        address = self.address().replace("postgresql+psycopg://", "postgresql+psycopg2://")
        (self.home / "airflow.cfg").write_text((folder / f"{self.configuration}.cfg").read_text())
        return {
            **system.clean_environment(),
            "PATH": f"{self._programs()}:{os.environ['PATH']}",
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            # Where a configuration file is given, Airflow makes none of these, and each part would guess its own.
            "AIRFLOW__API_AUTH__JWT_SECRET": self._secret,
            "AIRFLOW__API__SECRET_KEY": self._secret,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.port}/execution/",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "True",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.health_port),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.log_port),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.trigger_log_port),
        }

    def is_healthy(self) -> bool:
        """Whole: its own report says so of every part. Reduced: the execution API and the scheduler answer."""
        if self.reduced:
            url = f"http://127.0.0.1:{self.port}/execution/health/ping"
            return bool(system.get_json(url)) and self._scheduler_answers()
        report = system.get_json(f"http://127.0.0.1:{self.port}/api/v2/monitor/health") or {}
        parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        return all((report.get(part) or {}).get("status") == "healthy" for part in parts) and self._scheduler_answers()

    def _scheduler_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def trigger_all(self, runs: list[tuple[str, str]]) -> None:
        self.hold_hand()
        hand = self._hand
        assert hand
        assert hand.stdin
        assert hand.stdout
        hand.stdin.write(json.dumps(runs) + "\n")
        hand.stdin.flush()
        if hand.stdout.readline().strip() != "ok":
            raise system.NotHealthyError(
                f"Airflow did not take the trigger of {runs[0][0]}; see {self.folder}/hand.log"
            )

    def hold_hand(self) -> None:
        if self._hand is not None:
            return
        log = (self.folder / "hand.log").open("ab")
        program = system.ROOT / "bench" / "airflow_hand.py"
        command = [str(self.python), str(program)]
        self._hand = subprocess.Popen(
            command, env=self.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert self._hand.stdout
        self._hand.stdout.readline()

    def run_state(self, dag_id: str, run_id: str) -> dict[str, int | str]:
        where = {"dag": dag_id, "run": run_id}
        with self._engine.connect() as database:
            state = database.execute(_RUN, where).scalar()
            counts = database.execute(_TASKS, where).all()
        return {"state": state or "", **{str(name or "none"): int(number) for name, number in counts}}

    def listed(self) -> set[str]:
        try:
            with self._engine.connect() as database:
                return set(database.execute(sqlalchemy.text("select dag_id from dag where not is_stale")).scalars())
        except sqlalchemy.exc.OperationalError:  # no table yet, or SQLite's writer has it
            return set()

    def stop(self) -> None:
        if self._hand is not None:
            self._hand.terminate()
            self._hand.wait(timeout=30)
            self._hand = None
        super().stop()
        self._engine.dispose()

    def _programs(self) -> Path:
        """Where `standalone` finds `airflow`: reduced, a program that passes the API server one option more."""
        if not self.reduced:
            return self.python.parent
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "airflow"
        real = self.python.with_name("airflow")
        program.write_text(f'#!/bin/sh\n[ "$1" = api-server ] && exec {real} "$@" --apps execution\nexec {real} "$@"\n')
        program.chmod(0o755)
        return folder


_RUN = sqlalchemy.text("select state from dag_run where dag_id = :dag and run_id = :run")
_TASKS = sqlalchemy.text(
    "select state, count(*) from task_instance where dag_id = :dag and run_id = :run group by state"
)


def _interpreter() -> Path:
    made = subprocess.run([system.ROOT / "scripts" / "airflow-env"], capture_output=True, text=True, check=True)
    return Path(made.stdout.strip())
