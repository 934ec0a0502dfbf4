"""Rules for every test: nothing is skipped silently, nothing is left behind, and a real PostgreSQL is at hand.

- A test whose mark names a need that this machine lacks (`postgresql`, `namespaces`, `cluster`) is deselected, and
  the last lines say so with the reason. A test that skips itself fails: a skipped test is not a passed one.
- `postgres_database` gives a test an empty database of its own, `postgres_cluster` the server, to restart it.
"""

from __future__ import annotations

import json
import pathlib
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Protocol

import hypothesis
import pytest

from tests.support import leaks, machine, postgres

_CLUSTER_FIXTURES = {"postgres_cluster"}
# A test that hangs is ended after this time. Suites that start processes have more of it than the 20 s of a unit test.
_LIMITS_SECONDS = {
    "docs": 120,
    "property": 120,
    "integration": 60,
    "corpus": 180,
    "e2e": 180,
    "faults": 180,
    "cluster": 180,
}
_LONG_LIMIT_SECONDS = 3000
_LEFT_TO_LONG = "marked `long`: runs with `make test-long`"
_left_out = pytest.StashKey[Counter[str]]()

# Examples are few by day; `--hypothesis-profile=long` is `make test-long`. No deadline: the machine may be busy, and
# a timed assert would tell about it, not about us.
hypothesis.settings.register_profile("default", max_examples=40, stateful_step_count=40, deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "long",
    max_examples=2000,
    stateful_step_count=120,
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--long`, which takes the tests marked `long` in."""
    parser.addoption("--left-out", metavar="FILE", help="write what this machine could not run there, as JSON")
    parser.addoption("--long", action="store_true", help="run the tests marked `long` too, as `make test-long` does")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the checks for what tests leave behind."""
    leaks.become_subreaper()
    leaks.watch_loops()
    config.stash[_left_out] = Counter()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run, and count it for the summary; give each suite its time limit."""
    chosen: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        if _CLUSTER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("postgresql")
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_limit_seconds(config, item)))
        why = _why_left_out(config, item)
        if why is None:
            chosen.append(item)
        else:
            dropped.append(item)
            config.stash[_left_out][why] += 1
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = chosen


def _limit_seconds(config: pytest.Config, item: pytest.Item) -> float:
    if config.getoption("--long"):
        return _LONG_LIMIT_SECONDS
    suite = item.path.relative_to(config.rootpath / "tests").parts[0]
    return _LIMITS_SECONDS.get(suite, 20)


def _why_left_out(config: pytest.Config, item: pytest.Item) -> str | None:
    if item.get_closest_marker("long") and not config.getoption("--long"):
        return _LEFT_TO_LONG
    for mark, why_not in machine.NEEDS.items():
        if item.get_closest_marker(mark) and (why := why_not()):
            return why
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out, and why."""
    left_out = config.stash[_left_out]
    for why, count in sorted(left_out.items()):
        terminalreporter.write_line(f"not run: {count} tests: {why}")
    lacking = {why: count for why, count in left_out.items() if why != _LEFT_TO_LONG}
    if lacking and (file := config.getoption("--left-out")):
        pathlib.Path(file).write_text(json.dumps(lacking))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that prints, when this one is a worker of pytest-xdist."""
    if hasattr(session.config, "workeroutput"):
        left_out = session.config.stash[_left_out]
        session.config.workeroutput["left_out"] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: _Node) -> None:
    """Take what a worker left out; all workers collect the same tests, so one's count is everyone's."""
    told: dict[str, int] = getattr(node, "workeroutput", {}).get("left_out", {})
    left_out = node.config.stash[_left_out]
    for why, count in told.items():
        left_out[why] = count


class _Node(Protocol):
    """What pytest-xdist hands over for a worker that has ended."""

    config: pytest.Config


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure: what a machine cannot run is told by a mark, before the test begins."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        reason = call.excinfo.value if call.excinfo else "?"
        report.longrepr = f"{item.nodeid} skipped itself: {reason}\nhint: use a mark of pyproject.toml instead"
    return report


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a child process, a thread or an asyncio task behind."""
    if request.node.get_closest_marker("leaves_processes"):
        yield
        return
    before = leaks.Snapshot.take()
    yield
    left = before.find_leaks()
    if left:
        pytest.fail("the test left behind:\n" + "\n".join(f"  {line}" for line in left), pytrace=False)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run `@pytest.mark.anyio` tests on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """A real PostgreSQL server, one for each test process, with durability off."""
    with postgres.Cluster.start() as cluster:
        yield cluster


@pytest.fixture
def postgres_database(postgres_cluster: postgres.Cluster) -> Iterator[postgres.Database]:
    """An empty database of this test's own."""
    with postgres_cluster.database() as database:
        yield database


@pytest.fixture(scope="session")
def project_root() -> pathlib.Path:
    """The repository's root."""
    return pathlib.Path(__file__).resolve().parents[1]
