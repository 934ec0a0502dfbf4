"""Logs while parts of the cluster are killed, cut off or fill up: whole, no line twice, or the gap named.

Each test is named after what people report of other systems. They share a cluster of their own, and leave it whole.
"""

from __future__ import annotations

import itertools
import pathlib
import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support import cluster as clusters
from tests.support import cluster_api, cluster_images
from tests.support import server as servers
from tests.support.cluster_api import Api, Namespace, wait_until
from tests.support.cluster_runs import Place, kubeconfig_of

pytestmark = [pytest.mark.cluster, pytest.mark.own_cluster, pytest.mark.long]

_COUNTS = 'pod("counts", "for i in $(seq 300); do echo line $i; sleep 0.1; done")'
_ALL = [f"line {number}" for number in range(1, 301)]


@pytest.fixture(scope="module")
def broken() -> Iterator[clusters.Cluster]:
    """A cluster to break."""
    with clusters.started() as cluster:
        yield cluster


@pytest.fixture
def space(broken: clusters.Cluster) -> Iterator[Namespace]:
    with Api.read(broken.kubeconfig).namespace() as made:
        yield made


@pytest.fixture
def place(tmp_path: pathlib.Path, broken: clusters.Cluster, space: Namespace) -> Place:
    return Place(tmp_path, broken.kubeconfig, space, cluster_images.reference("busybox"))


@pytest.fixture
def server(place: Place) -> Iterator[servers.Server]:
    made = servers.Server(place.home, place.dags, *place.options)
    yield made
    made.stop()


def _started(place: Place, server: servers.Server, tasks: str, *, lines: int = 20) -> None:
    """A run whose first task's live log has so many lines."""
    place.write(tasks)
    server.start()
    server.trigger("pods", "r")
    wait_until(lambda: _live(place).count(b" stdout ") >= lines, "the live log grows")


def _live(place: Place) -> bytes:
    return b"".join(path.read_bytes() for path in place.home.glob("attempts/*/log"))


def _ended(place: Place, server: servers.Server, seconds: float = 120) -> str:
    """The run's state, when its logs are at rest."""
    run = server.wait_run("pods", "r", seconds)
    wait_until(lambda: not list(place.home.glob("attempts/*/log")), "the logs are sealed")
    return str(run["state"])


@pytest.mark.parametrize("part", ["apiserver", "kubelet-0", "containerd-0"])
def test_log_lines_are_not_duplicated_or_lost_when_a_part_is_killed_while_they_are_followed(
    place: Place, server: servers.Server, broken: clusters.Cluster, part: str
) -> None:
    _started(place, server, _COUNTS)
    for _ in range(2):
        before = _live(place).count(b" stdout ")
        broken.kill(part)
        broken.start(part)
        wait_until(lambda before=before: _live(place).count(b" stdout ") > before + 5, "the log goes on")  # type: ignore[misc]
    assert _ended(place, server) == "success"
    assert place.log("counts") == _ALL


@pytest.mark.parametrize("away", [0.0, 1.0, 4.0])
def test_lines_that_were_lost_with_a_container_runtime_that_was_killed_are_a_gap(
    place: Place, server: servers.Server, broken: clusters.Cluster, away: float
) -> None:
    lives = range(40, 100, 5)
    _started(
        place,
        server,
        "\n".join(f'pod("counts_{n}", "for i in $(seq {n}); do echo line $i; sleep 0.1; done")' for n in lives),
        lines=20 * len(lives),
    )
    broken.kill("containerd-0")
    wait_until(_passed(away), "a while")
    broken.start("containerd-0")
    assert _ended(place, server) == "success"
    told = {n: place.raw_log(f"counts_{n}") for n in lives}
    lines = {n: [line[3] for line in log if line[1] == "stdout"] for n, log in told.items()}
    gaps = {n for n, log in told.items() if any("its node was away" in line[3] for line in log if line[1] == "event")}
    cut = {n for n in lives if len(lines[n]) < n}
    assert all(lines[n] == [f"line {i}" for i in range(1, len(lines[n]) + 1)] for n in lives)
    print(f"away {away} s: cut {sorted(cut)}, named {sorted(gaps)}")
    assert cut <= gaps
    assert {n for n in gaps - cut if lines[n]} <= {n for n in lives if n < max(cut, default=0) + 25}, "far from the cut"


def test_log_lines_are_not_duplicated_when_the_control_plane_is_restarted(place: Place, server: servers.Server) -> None:
    _started(place, server, _COUNTS)
    for _ in range(3):
        server.kill()
        server.start()
    assert _ended(place, server) == "success"
    assert place.log("counts") == _ALL


def test_following_a_log_does_not_end_with_a_token_that_was_revoked_in_the_middle(
    place: Place, server: servers.Server, broken: clusters.Cluster, space: Namespace, tmp_path: pathlib.Path
) -> None:
    target = tmp_path / "token.yaml"
    kubeconfig_of(space.account("one"), broken.kubeconfig, target)
    place.use(target)
    server.options = tuple(place.options)
    _started(place, server, _COUNTS)
    space.api.delete(space.path("serviceaccounts", "one"))
    broken.kill("apiserver")  # what was let in once stays in until its connection ends
    broken.start("apiserver")
    wait_until(lambda: "Unauthorized" in server.log.read_text() or "401" in server.log.read_text(), "a refusal", 30)
    kubeconfig_of(space.account("two"), broken.kubeconfig, target)
    assert _ended(place, server, 240) == "success"
    assert place.log("counts") == _ALL


def test_the_logs_of_a_node_that_was_cut_off_go_on_when_it_is_back(
    place: Place, server: servers.Server, broken: clusters.Cluster
) -> None:
    node = broken.add_node()
    number = int(node.removeprefix("node-"))
    broken.load("busybox", number)
    _started(place, server, _COUNTS.replace('")', f'", node_selector={{"kubernetes.io/hostname": "{node}"}})'))
    broken.cut_off(number)
    try:
        before = _live(place)
        cluster_api.wait_until(_passed(5), "five seconds")
        assert _live(place).count(b" stdout ") <= before.count(b" stdout ") + 20
    finally:
        broken.mend(number)
    assert _ended(place, server) == "success"
    assert place.log("counts") == _ALL


def test_a_pod_that_somebody_else_deleted_leaves_its_log(
    place: Place, server: servers.Server, space: Namespace
) -> None:
    _started(place, server, _COUNTS)
    name = space.pods()[0]["metadata"]["name"]
    space.api.delete(space.path("pods", name))
    assert _ended(place, server) == "failed"
    told = [line[3] for line in place.raw_log("counts") if line[1] == "stdout"]
    assert told == _ALL[: len(told)]
    assert len(told) >= 20


def _filling(rounds: int, lines: int, pause: float, first: str = "") -> str:
    """A task that writes numbered lines of 130 bytes, so many in each round."""
    script = (
        f"{first}i=0; while [ $i -lt {rounds} ]; do "
        f"awk -v i=$i 'BEGIN {{ for (n = 0; n < {lines}; n++) printf \"%d %0120d\\n\", i * {lines} + n, 0 }}'; "
        f"i=$((i+1)); sleep {pause}; done; sleep 1"
    )
    return f"pod('fills', {script!r})"


def test_no_line_is_lost_when_the_kubelet_rotates_a_log_that_is_followed(place: Place, server: servers.Server) -> None:
    # 300,000 lines of 130 bytes, 39 MB in half a minute: the kubelet looks every 10 s and puts aside what has 10 MiB.
    _started(place, server, _filling(300, 1000, 0.1), lines=1000)
    assert _ended(place, server, 240) == "success"
    told = [int(line.split(" ")[0]) for line in place.log("fills")]
    assert told == list(range(300_000))


def test_what_a_node_dropped_before_it_was_read_is_a_gap_with_its_bounds(place: Place, server: servers.Server) -> None:
    server.options = (*server.options, "--set", "runtime.kubernetes.log_streams=0")
    _started(place, server, _filling(60, 10_000, 0.5), lines=1000)
    assert _ended(place, server, 240) == "success"
    lines = place.raw_log("fills")
    gaps = [number for number, line in enumerate(lines) if "gap: lines after" in line[3]]
    told = [(int(line[3].split(" ")[0]), number) for number, line in enumerate(lines) if line[1] == "stdout"]
    jumps = [number for (one, _), (other, number) in itertools.pairwise(told) if other != one + 1]
    assert all(other > one for (one, _), (other, _) in itertools.pairwise(told))
    assert jumps, "the node was not faster than we"
    assert [number - 1 for number in jumps] == [number for number in gaps if number + 1 in jumps]
    for number in gaps:
        until = r" and before \S+Z" if any(line[1] == "stdout" for line in lines[number:]) else ""
        assert re.search(rf"after \S+Z{until} may be missing", lines[number][3])


def test_a_flood_of_a_hundred_thousand_lines_a_second_is_whole_or_its_gaps_are_named(
    place: Place, server: servers.Server
) -> None:
    # A file that is put aside before the first look, a second after the start, is lost unseen.
    _started(
        place,
        server,
        _filling(20, 100_000, 0.1, first="sleep 8; "),
        lines=1000,
    )
    assert _ended(place, server, 300) == "success"
    expected, gaps, may_jump = 0, 0, False
    last = ""
    for time_, stream, _, text in place.raw_log("fills"):
        if stream == "event":
            may_jump, gaps = may_jump or "gap: lines" in text, gaps + ("gap: lines" in text)
            continue
        number = int(text.split(" ")[0])
        assert number == expected or (may_jump and number > expected), f"{expected - 1} at {last}, {number} at {time_}"
        expected, may_jump, last = number + 1, False, time_
    assert expected == 2_000_000 or may_jump
    print(f"2,000,000 lines, {gaps} gaps")


def _passed(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until
