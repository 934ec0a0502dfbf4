"""Chaos: parts of a cluster and our control plane fail at random under a load of runs, and a ledger judges the end.

Each pod appends a line to a file of the machine when its code enters and one when it leaves, with its attempt's id from
the downward API; a single short write to a file opened for appending is whole on Linux. What happens is drawn from a
seed; when it happens depends on the machine. Afterwards: every run as it should be, no attempt's code entered twice, no
pod without an attempt, each log whole or its gap named.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import datetime
import pathlib
import random
import signal
import sqlite3
import textwrap
import time
from collections.abc import Callable
from typing import Any

from tests.support import cluster as clusters
from tests.support import cluster_api, server
from tradewind import settings
from tradewind.model import commands
from tradewind.wiring import homes, storage

RUNS_AT_ONCE = 4
LINES = 25
_STANDSTILL_SECONDS = 300.0
_SWEPT_SECONDS = 240.0

_DAGS = """
from airflow.sdk import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes.client import models as k8s

attempt = k8s.V1EnvVarSource(field_ref=k8s.V1ObjectFieldSelector(field_path="metadata.labels['tradewind/attempt-id']"))
ledger = k8s.V1Volume(name="ledger", host_path=k8s.V1HostPathVolumeSource(path={ledger!r}))

def pod(task_id, ends="exit 0", **more):
    script = f'''
        echo "enter $ATTEMPT" >> /ledger/lines
        for n in $(seq {lines}); do echo "line $n of $ATTEMPT"; sleep 0.1; done
        echo "leave $ATTEMPT" >> /ledger/lines
        {{ends}}
    '''
    return KubernetesPodOperator(
        task_id=task_id, image={image!r}, cmds=["sh", "-c", script], termination_grace_period=1,
        env_vars=[k8s.V1EnvVar(name="ATTEMPT", value_from=attempt)],
        volumes=[ledger], volume_mounts=[k8s.V1VolumeMount(name="ledger", mount_path="/ledger")], **more,
    )

with DAG("goes_well", schedule=None, default_args={{"retries": 4, "retry_delay": 1}}):
    pod("first") >> [pod(f"wide_{{n}}") for n in range(4)] >> pod("last")

with DAG("goes_wrong", schedule=None, default_args={{"retry_delay": 1}}):
    pod("fails", "exit 3", retries=1) >> pod("after", retries=4, trigger_rule="all_done")
"""
_EXPECTED = {
    "goes_well": {**{f"wide_{n}": "success" for n in range(4)}, "first": "success", "last": "success"},
    "goes_wrong": {"fails": "failed", "after": "success"},
}


@dataclasses.dataclass(slots=True)
class Report:
    """What was done, and what was found wrong; the lists are empty if all is well."""

    seed: int
    seconds: float = 0.0
    done: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    runs: int = 0
    attempts: int = 0
    reasons: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    gaps: int = 0
    unseen: int = 0
    """Logs without such a line that end where containerd was killed: nothing that the API tells speaks for it."""
    needless: int = 0
    """Logs with a gap that are whole."""
    wrong_results: list[str] = dataclasses.field(default_factory=list)
    entered_twice: list[str] = dataclasses.field(default_factory=list)
    never_left: list[str] = dataclasses.field(default_factory=list)
    not_whole: list[str] = dataclasses.field(default_factory=list)
    orphans: list[str] = dataclasses.field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Everything that must not be."""
        return [*self.wrong_results, *self.entered_twice, *self.never_left, *self.not_whole, *self.orphans]

    def page(self, day: str) -> str:
        """The reference page."""
        done = "\n".join(f"| {what} | {times} |" for what, times in sorted(self.done.items()))
        reasons = "\n".join(f"| {reason} | {times} |" for reason, times in sorted(self.reasons.items()))
        found = {
            "runs that did not end as they should": self.wrong_results,
            "attempts whose code entered twice": self.entered_twice,
            "attempts told as completed whose code never left": self.never_left,
            "other logs of completed attempts that are neither whole nor have their gap named": self.not_whole,
            "pods without an attempt at the end": self.orphans,
        }
        told = "\n".join(f"| {what} | {len(ones)} |" for what, ones in found.items())
        told += f"\n| logs that end where containerd was killed, without a line that says so | {self.unseen} |"
        return _PAGE.format(
            seconds=round(self.seconds), seed=self.seed, day=day, runs=self.runs, attempts=self.attempts,
            gaps=self.gaps, needless=self.needless, done=done, reasons=reasons, told=told,
        )  # fmt: skip


_PAGE = """# Chaos

`make test-cluster-long` lets parts of a real Kubernetes and the control plane fail at random while runs go on. When all
have ended, the database, the cluster, the logs and a ledger that the pods write are compared. This page was written by
such a run.

{runs} runs with {attempts} attempts in {seconds} s of chaos, seed {seed}, on {day}, on 2 cores beside other work.

| what was done | times |
|---|---:|
{done}

| what is wrong afterwards | |
|---|---:|
{told}

{gaps} logs have a line that says that lines may be missing; {needless} of these are whole all the same. Lines are lost
where containerd is killed: it copies what containers write, and what one writes until its end while containerd is away
is on no disk. That is concluded from what kubelets answer, from logs that pause together and from ends that come late,
so an outage of a second is not seen where no two containers that write steadily outlived it. How the attempts ended:

| reason | attempts |
|---|---:|
{reasons}

*Error* is what the tasks that shall fail do. Pods that were deleted by others, and those whose end nobody could see,
are *Lost* (*Killed* where the kubelet still told the end); another attempt made them good.

To repeat it: `.venv/bin/pytest tests/cluster/test_chaos.py --long -s`, with `TRADEWIND_TEST_CHAOS_SECONDS` and
`TRADEWIND_TEST_CHAOS_SEED` for another length and another seed. The page is written to `.reports/chaos.md`.
"""


class Chaos:
    """One cluster, one home, one namespace."""

    def __init__(
        self, folder: pathlib.Path, cluster: clusters.Cluster, space: cluster_api.Namespace, image: str, *, seed: int
    ) -> None:
        self._random = random.Random(seed)
        self._cluster = cluster
        self._space = space
        self._report = Report(seed=seed)
        self._ledger = folder / "ledger"
        self._ledger.mkdir()
        (self._ledger / "lines").touch()
        (folder / "dags").mkdir()
        told = _DAGS.format(ledger=str(self._ledger), image=image, lines=LINES)
        (folder / "dags" / "chaos.py").write_text(textwrap.dedent(told))
        options = ["--runtime", "kubernetes"]
        for name, value in (("config_file", cluster.kubeconfig), ("namespace", space.name)):
            options += ["--set", f"runtime.kubernetes.{name}={value}"]
        self.server = server.Server(folder / "home", folder / "dags", *options, start_seconds=180)
        self._runs: list[tuple[str, str]] = []
        self._without_runtime: list[tuple[float, float]] = []
        """Seconds since 1970 between which no container runtime was there."""

    def run(self, seconds: float) -> Report:
        """Chaos for so long, then peace until all runs have ended; the judgement."""
        self.server.start()
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            self._load()
            time.sleep(self._random.uniform(1.0, 5.0))
            what, act = self._random.choice(self._acts())
            print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)
            if act():
                self._report.done[what] += 1
        self._report.seconds = time.monotonic() - began
        self._report.runs = len(self._runs)
        self._wait_runs()
        self._judge()
        return self._report

    # -- what is done --------------------------------------------------------------------------------------------------

    def _acts(self) -> list[tuple[str, Callable[[], bool]]]:
        return [
            ("control plane killed and started again", self._kill_control_plane),
            ("API server killed, away for up to 10 s", lambda: self._kill("apiserver", 10)),
            ("API server hung for up to 10 s", lambda: self._hang("apiserver", 10)),
            ("kubelet killed, away for up to 10 s", lambda: self._kill("kubelet-0", 10)),
            ("containerd killed, away for up to 5 s", self._kill_container_runtime),
            ("network to the cluster cut for up to 10 s", self._cut),
            ("pod deleted", lambda: self._delete_pod(force=False)),
            ("pod deleted without grace", lambda: self._delete_pod(force=True)),
        ]

    def _kill_control_plane(self) -> bool:
        self.server.kill()
        time.sleep(self._random.uniform(0, 3))
        self.server.start()
        return True

    def _kill(self, part: str, away: float) -> bool:
        self._cluster.kill(part)
        time.sleep(self._random.uniform(0, away))
        self._cluster.start(part)
        return True

    def _kill_container_runtime(self) -> bool:
        began = time.time()
        self._kill("containerd-0", 5)
        self._without_runtime.append((began, time.time()))
        return True

    def _hang(self, part: str, away: float) -> bool:
        self._cluster.signal(part, signal.SIGSTOP)
        time.sleep(self._random.uniform(0, away))
        self._cluster.signal(part, signal.SIGCONT)
        return True

    def _cut(self) -> bool:
        self._cluster.cut_off(0)
        time.sleep(self._random.uniform(0, 10))
        self._cluster.mend(0)
        return True

    def _delete_pod(self, *, force: bool) -> bool:
        try:
            names = sorted(pod["metadata"]["name"] for pod in self._space.pods())
            if not names:
                return False
            name = self._random.choice(names)
            self._space.api.delete(self._space.path("pods", name), **({"gracePeriodSeconds": "0"} if force else {}))
        except (cluster_api.ApiError, OSError):
            return False
        return True

    def _load(self) -> None:
        """Keep some runs going, asked for as the command line does."""
        going = len(self._runs) - sum(state in ("success", "failed") for state in self._states().values())
        begun: list[tuple[str, str]] = []
        for _ in range(RUNS_AT_ONCE - going):
            dag_id = self._random.choices(sorted(_EXPECTED), [3, 1])[0]
            begun.append((dag_id, f"r{len(self._runs) + len(begun)}"))
        if begun:
            asyncio.run(self._ask_for(begun))
            self._runs += begun

    async def _ask_for(self, runs: list[tuple[str, str]]) -> None:
        home = homes.Home(self.server.home)
        async with storage.open_store(home, settings.Settings()) as store:
            for dag_id, run_id in runs:
                await store.inbox.put(commands.TriggerRun(dag_id=dag_id, run_id=run_id), "chaos", homes.now())
        homes.wake_server(home)

    # -- what came of it -----------------------------------------------------------------------------------------------

    def _wait_runs(self) -> None:
        """Until all have ended, or nothing has moved for a long time."""
        moved, before = time.monotonic(), -1
        while time.monotonic() < moved + _STANDSTILL_SECONDS:
            states = self._states()
            if all(states.get(run) in ("success", "failed") for run in self._runs):
                return
            ended = len(self._read("select attempt_id from attempt where phase = 'ended'"))
            moved, before = (moved, before) if ended == before else (time.monotonic(), ended)
            time.sleep(0.2)

    def _judge(self) -> None:
        report = self._report
        report.wrong_results = list(self._wrong_results())
        lines = [line.split() for line in (self._ledger / "lines").read_text().splitlines()]
        entered = collections.Counter(words[1] for words in lines if words[0] == "enter")
        left = {words[1] for words in lines if words[0] == "leave"}
        report.entered_twice = [f"{one} entered {times} times" for one, times in entered.items() if times > 1]
        attempts = dict(self._read("select attempt_id, reason from attempt"))
        report.attempts = len(attempts)
        report.reasons.update(str(reason) for reason in attempts.values())
        report.never_left = [
            f"{one} never left" for one, why in attempts.items() if why == "Completed" and one not in left
        ]
        self._judge_pods()
        self._judge_logs([one for one, why in attempts.items() if why == "Completed"])

    def _wrong_results(self) -> list[str]:
        states = self._states()
        wrong = []
        for dag_id, run_id in self._runs:
            rows = self._read(
                "select t.task_id, t.state from task_instance t join dag_run r on t.run_key = r.run_key "
                f"where r.dag_id = '{dag_id}' and r.run_id = '{run_id}'"
            )
            found = dict(rows)
            if states.get((dag_id, run_id)) not in ("success", "failed") or found != _EXPECTED[dag_id]:
                wrong.append(f"{dag_id} {run_id} {states.get((dag_id, run_id))}: {self._told(dag_id, run_id)}")
        return wrong

    def _told(self, dag_id: str, run_id: str) -> list[str]:
        """Its tasks that are not as they should be."""
        tasks = self.server.run(dag_id, run_id)["tasks"]
        return [
            f"{task['task_id']} {task['state']} (try {task['try_number']}): {task['verdict']}"
            for task in tasks
            if task["state"] != _EXPECTED[dag_id].get(task["task_id"])
        ]

    def _judge_pods(self) -> None:
        """All have ended, so all pods go, some of them by the sweeper."""
        deadline = time.monotonic() + _SWEPT_SECONDS
        while (pods := self._pods()) and time.monotonic() < deadline:
            time.sleep(0.5)
        self._report.orphans = [f"pod {name} is left" for name in pods]

    def _pods(self) -> list[str]:
        return [str(pod["metadata"]["name"]) for pod in self._space.pods()]

    def _judge_logs(self, completed: list[str]) -> None:
        wait = time.monotonic() + 60
        while list((self.server.home / "attempts").glob("*/log")) and time.monotonic() < wait:
            time.sleep(0.2)
        files = {path.name.split(".")[-2]: path for path in (self.server.home / "logs").rglob("*.log")}
        for attempt_id in completed:
            if attempt_id not in files:
                self._report.not_whole.append(f"{attempt_id} has no log")
                continue
            rows = [line.split(" ", 3) for line in files[attempt_id].read_text().splitlines()]
            texts = [row[3] for row in rows if row[1] != "event"]
            has_gap = any("gap: " in row[3] for row in rows if row[1] == "event")
            self._report.gaps += has_gap
            whole = [f"line {n} of {attempt_id}" for n in range(1, LINES + 1)]
            self._report.needless += has_gap and texts == whole
            if texts == whole[: len(texts)] and texts != whole and not has_gap and self._is_cut_by_node(rows):
                self._report.unseen += 1
            elif texts != whole and not (has_gap and len(set(texts)) == len(texts) and set(texts) <= set(whole)):
                self._report.not_whole.append(
                    f"{attempt_id}: {len(texts)} lines of {LINES}: {texts[:3]} … {texts[-2:]}"
                )

    def _is_cut_by_node(self, rows: list[list[str]]) -> bool:
        """Whether its last line came just before, or in, a time without a container runtime."""
        times = [row[0] for row in rows if row[1] != "event"]
        last = datetime.datetime.fromisoformat(times[-1]).timestamp() if times else 0.0
        return any(began - 1 <= last <= ended + 1 for began, ended in self._without_runtime)

    def _states(self) -> dict[tuple[str, str], str]:
        rows = self._read("select dag_id, run_id, state from dag_run")
        return {(dag_id, run_id): state for dag_id, run_id, state in rows}

    def _read(self, query: str) -> list[Any]:
        database = sqlite3.connect(f"file:{self.server.home / 'tradewind.db'}?mode=ro", uri=True, timeout=10)
        with contextlib.closing(database):
            return database.execute(query).fetchall()
