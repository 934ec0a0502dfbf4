"""The entry of `make bench` and `make bench-cluster`: run the measures, keep the raw samples, write the page.

What it needs of the machine, make installs (scripts/prepare); what is missing then is told before any measure.

usage: bench/run [--cluster] [--only start,chain] [--systems airflow-tuned,tradewind-default] [--samples N] [--quick]
                 [--out FILE] [--page FILE]
       bench/run --report FILE      the page again, from samples that are there
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench import airflow_system, plan, report, system
from tests.support import machine as this_machine

RESULTS = system.ROOT / "bench" / "results"
PAGE = system.ROOT / "docs" / "reference" / "benchmarks.md"
ON_ONE_MACHINE = ("start", "idle", "chain", "fanout", "listed", "loading", "many_files", "commands", "history")
ON_A_CLUSTER = ("pods", "pods_fake", "pods_standing", "pod_gap", "pods_waiting", "log_relay")
MEASURES = (*ON_ONE_MACHINE, *ON_A_CLUSTER)
SYSTEMS = (*(f"airflow-{variant}" for variant in airflow_system.Airflow.variants), plan.OURS)


def main(argv: list[str]) -> int:
    """Do what was asked."""
    options = parse(argv)
    if options.report:
        write_page(options.report, options.page)
        return 0
    measures = options.only or (ON_A_CLUSTER if options.cluster else ON_ONE_MACHINE)
    if why_not := missing(measures):
        print(f"error: cannot measure: {why_not}", file=sys.stderr)
        print("hint: scripts/prepare installs it; without it, leave out what needs it (--only)", file=sys.stderr)
        return 2
    sizes = plan.QUICK if options.quick else plan.Sizes()
    if options.samples:
        sizes = dataclasses.replace(sizes, samples=options.samples)
    folder = Path(tempfile.mkdtemp(prefix="tw-bench-"))
    ours = plan.Plan(sizes=sizes, folder=folder, systems=options.systems)
    out: Path = options.out or RESULTS / ("quick.json" if options.quick else "samples.json")
    results = begin(sizes, out)
    failed = []
    try:
        for name in measures:
            try:
                series = importlib.import_module(f"bench.measures.{name}").measure(ours)
            except (system.NotHealthyError, OSError) as error:
                failed.append(name)
                ours.say(f"{name} failed: {error}")
                continue
            keep(results, series, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write_page(out, options.page or (out.with_suffix(".md") if options.quick else PAGE))
    return 1 if failed else 0


def missing(measures: Sequence[str]) -> str | None:
    """What these measures need and this machine has not, or None. Airflow is needed even where it is not measured:
    the page names its version.
    """
    needs: list[Callable[[], str | None]] = [this_machine.why_no_airflow]
    if "many_files" in measures:
        needs.append(this_machine.why_no_postgresql)
    if set(measures) & {name for name in ON_A_CLUSTER if name.startswith("pod")}:
        needs.append(this_machine.why_no_cluster)
    return "; ".join(why for need in needs if (why := need()) is not None) or None


def parse(argv: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="bench/run", description="Tradewind beside Apache Airflow, in one run.")
    parser.add_argument("--cluster", action="store_true", help="those of a cluster instead of those of one machine")
    parser.add_argument("--only", type=some_of(MEASURES), default=(), help=f"measures, of {','.join(MEASURES)}")
    parser.add_argument("--systems", type=some_of(SYSTEMS), default=SYSTEMS, help=f"of {','.join(SYSTEMS)}")
    parser.add_argument("--samples", type=int, default=0, help="pairs of samples (7)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one sample: does everything work?")
    parser.add_argument(
        "--out", type=Path, help="where the raw samples go; measures already there are replaced one by one"
    )
    parser.add_argument("--page", type=Path, help="where the page goes (docs/reference/benchmarks.md)")
    parser.add_argument("--report", type=Path, help="only make the page of these raw samples")
    return parser.parse_args(argv)


def some_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Reads an option: names of these, with commas between."""

    def read(text: str) -> tuple[str, ...]:
        if unknown := set(text.split(",")) - set(known):
            raise argparse.ArgumentTypeError(f"no {', '.join(sorted(unknown))}; there is {', '.join(known)}")
        return tuple(text.split(","))

    return read


def begin(sizes: plan.Sizes, out: Path) -> dict[str, Any]:
    """The head of the results; what is not measured this time stays beside what is, each series with its day."""
    old = json.loads(out.read_text())["series"] if out.exists() else []
    from tests.corpus import oracle

    return {
        "began_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "airflow": oracle.version(),
        "samples": sizes.samples,
        "machine": machine(),
        "series": old,
    }


def keep(results: dict[str, Any], series: list[plan.Series], out: Path) -> None:
    """Put new series in the place of older ones of the same measure and system, each with its day; write the file."""
    today = results["began_at"][:10]
    fresh = {(one.measure, one.system) for one in series}
    results["series"] = [old for old in results["series"] if (old["measure"], old["system"]) not in fresh]
    results["series"] += [{**dataclasses.asdict(one), "measured_on": today} for one in series]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """What it was measured on, without names."""
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:"))
    gigabytes = int(memory.split()[1]) / 1024 / 1024
    cores = len(os.sched_getaffinity(0))
    python = platform.python_version()
    text = f"{cores} cores, {gigabytes:.0f} GiB of memory, Linux {platform.release().split('-')[0]}, Python {python}"
    return {
        "cores": cores,
        "memory_gib": round(gigabytes, 1),
        "python": python,
        "load_before": os.getloadavg(),
        "text": text,
    }


def write_page(raw: Path, page: Path | None) -> None:
    """Write the page and show it."""
    text = report.page(raw)
    target = page or PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    print(text)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
