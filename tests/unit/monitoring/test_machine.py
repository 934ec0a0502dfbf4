"""What a machine offers to a server, and what it lacks."""

from __future__ import annotations

import pathlib
import resource

import pytest

from tradewind.monitoring import machine


def test_an_old_python_and_another_system_fail() -> None:
    assert machine.python((3, 10, 4)).state == "fail"
    assert machine.python((3, 11, 0), "darwin").state == "fail"
    assert machine.python((3, 13, 1), "linux").state == "ok"


def test_a_home_that_is_not_there_yet_is_looked_at_where_it_will_be(tmp_path: pathlib.Path) -> None:
    found = machine.disk(tmp_path / "a" / "b")
    assert found.state in ("ok", "warn", "fail")
    assert "made by the first start" in found.message
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(("soft", "state"), [(256, "fail"), (1024, "ok"), (resource.RLIM_INFINITY, "ok")])
def test_open_files_are_held_against_the_attempts_that_may_run_at_once(soft: int, state: str) -> None:
    found = machine.open_files((soft, 4096), 32)
    assert found.state == state
    assert bool(found.hint) is (state != "ok")


def test_a_tree_with_more_folders_than_may_be_watched_is_told(tmp_path: pathlib.Path) -> None:
    limits = tmp_path / "inotify"
    limits.mkdir()
    (limits / "max_user_watches").write_text("5\n")
    dags = tmp_path / "dags"
    for number in range(3):
        (dags / str(number)).mkdir(parents=True)
    assert machine.watches(dags, limits).state == "ok"
    (dags / "3").mkdir()
    assert machine.watches(dags, limits).state == "warn"
    assert machine.watches(dags, tmp_path / "none").state == "warn"


def test_mounts_that_cannot_be_had_are_a_warning_with_the_settings_that_forbid_them() -> None:
    found = machine.mounts("this user may make no mount namespaces", has_bubblewrap=True)
    assert found.state == "warn"
    assert "user.max_user_namespaces" in found.hint
    assert "bubblewrap" in found.message


def test_what_pods_can_have_is_really_tried() -> None:
    found = {one.check: one for one in machine.abilities()}
    assert set(found) == {"pod mounts", "pod memory"}


def test_a_clock_behind_the_newest_run_is_told() -> None:
    clock, _ = machine.clock(1_000.0, 2_000.0, "", {})
    assert (clock.state, "1000 s behind" in clock.message) == ("warn", True)
    clock, _ = machine.clock(2_000.0, 1_990.0, "", {})
    assert clock.state == "ok"


def test_another_zone_than_the_servers_is_told_with_what_it_means() -> None:
    _, zone = machine.clock(0.0, None, "Europe/Paris", {"TZ": "Asia/Tokyo"})
    assert (zone.state, zone.message) == ("warn", "Asia/Tokyo here, Europe/Paris for the server")
    assert "schedules are the same" in zone.hint
    _, zone = machine.clock(0.0, None, "Europe/Paris", {"TZ": ":Europe/Paris"})
    assert zone.state == "ok"


def test_the_zone_is_the_link_that_the_system_has(tmp_path: pathlib.Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/America/New_York")
    assert machine.zone({}, link) == "America/New_York"
    assert machine.zone({"TZ": "UTC"}, link) == "UTC"
