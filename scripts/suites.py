"""The test suites: where each lies, how pytest runs it, and what it needs of the machine.

`machine-report` and `run-suites` both read this list, so what is promised and what is run cannot differ.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import sys
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support import machine  # noqa: E402  # the repository's root has to be on the path first


@dataclasses.dataclass(frozen=True, kw_only=True)
class Suite:
    """One call of pytest."""

    name: str
    folder: str
    options: tuple[str, ...] = ()
    why_not: Callable[[], str | None] = lambda: None
    #: Whether the suite has tests only some of the time (a folder where nothing is marked `long`).
    may_be_empty: bool = False

    @property
    def path(self) -> pathlib.Path:
        """The folder of its tests."""
        return ROOT / "tests" / self.folder


_PARALLEL = ("-n", "2")

DAILY = (
    Suite(name="architecture", folder="architecture", options=_PARALLEL),
    Suite(name="unit", folder="unit", options=_PARALLEL),
    Suite(name="property", folder="property", options=_PARALLEL),
    Suite(name="contract (memory, sqlite)", folder="contract", options=("-m", "not postgresql", *_PARALLEL)),
    Suite(
        name="contract (postgresql)",
        folder="contract",
        options=("-m", "postgresql", *_PARALLEL),
        why_not=machine.why_no_postgresql,
    ),
    Suite(name="integration", folder="integration", options=_PARALLEL),
    Suite(name="docs", folder="docs", options=_PARALLEL),
    Suite(name="corpus", folder="corpus", options=_PARALLEL, why_not=machine.why_no_airflow),
    Suite(name="e2e", folder="e2e", options=_PARALLEL, why_not=machine.why_no_namespaces),
    Suite(name="faults", folder="faults", why_not=machine.why_no_namespaces),
    # One after the other: each process of pytest would start a cluster, which needs a gigabyte.
    Suite(name="cluster", folder="cluster", why_not=machine.why_no_cluster),
)

# Everything marked `long`, wherever it lies, and the property tests once more with thousands of examples. The cluster's
# have a call of their own: `make test-cluster-long`.
LONG = (
    Suite(name="property, long", folder="property", options=("--hypothesis-profile=long", "--long", *_PARALLEL)),
    *(
        Suite(
            name=f"{folder}, long",
            folder=folder,
            options=("--long", "-m", "long", *parallel),
            why_not=why_not,
            may_be_empty=folder not in {"corpus", "e2e", "faults"},
        )
        for folder, why_not, parallel in (
            ("unit", lambda: None, _PARALLEL),
            ("contract", machine.why_no_postgresql, _PARALLEL),
            ("integration", lambda: None, _PARALLEL),
            ("corpus", machine.why_no_airflow, _PARALLEL),
            ("e2e", machine.why_no_namespaces, _PARALLEL),
            ("faults", machine.why_no_namespaces, ()),
        )
    ),
)


def must_run_all() -> bool:
    """Tell whether this is a machine on which every suite must run: Linux, as root."""
    return sys.platform == "linux" and os.getuid() == 0
