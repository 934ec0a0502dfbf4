"""What relaying a log costs the control plane: MB for each second of one core, from the socket to the file.

Ours alone: Airflow's processes fetch a log each for themselves, and keep no one core busy with all of them.
"""

from __future__ import annotations

import json
import subprocess
import sys

from bench import plan, system

TITLE = "Log relay"
_MEGABYTES, _QUICK_MEGABYTES = 1000, 50


def measure(ours: plan.Plan) -> list[plan.Series]:
    """Plain and over TLS; each sample is a process of its own, which relays a GB."""
    if not ours.only(plan.OURS):
        return []
    megabytes = _MEGABYTES if ours.sizes.samples > 1 else _QUICK_MEGABYTES
    found = []
    for name, options in (("tls", ["--tls"]), ("plain", [])):
        samples = [_relay(ours, megabytes, options) for _ in range(ours.sizes.samples)]
        found.append(
            plan.Series(
                measure=f"log_relay_{name}_mb_per_cpu_second",
                unit="MB/s",
                system=plan.OURS,
                samples=tuple(one["mb_per_cpu_second"] for one in samples),
                higher_is_better=True,
                note=f"lines of 200 bytes; {max(one['peak_mb_more'] for one in samples):.0f} MB more memory at most",
                detail={"runs": samples},
            )
        )
    return found


def _relay(ours: plan.Plan, megabytes: int, options: list[str]) -> dict[str, float]:
    ours.say(f"log relay: {megabytes} MB {' '.join(options)}")
    command = [sys.executable, "-m", "bench.log_relay", "--megabytes", str(megabytes), *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=system.ROOT, check=False)
    if done.returncode != 0:
        raise system.NotHealthyError(f"the relay failed:\n{done.stderr}")
    return dict(json.loads(done.stdout))
