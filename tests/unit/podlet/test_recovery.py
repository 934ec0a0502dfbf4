"""What a podlet makes of directories that it finds when it starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from tradewind.podlet import recovery
from tradewind.podlet.attempts import Attempts


class _KnowsNobody:
    def adopt(self, attempt_id: str) -> bool:
        return False


def test_directories_of_a_clusters_pods_are_left_alone_and_those_forgotten_go(tmp_path: Path) -> None:
    for name in ("forgotten", "pod"):
        (tmp_path / name).mkdir()
    (tmp_path / "pod" / "cluster-pod.json").write_text("{}")
    (tmp_path / "pod" / "log").write_text("a line\n")
    for name in ("forgotten", "pod"):
        os.utime(tmp_path / name, (0, 0))
    recovery.adopt_all(cast(Attempts, _KnowsNobody()), str(tmp_path))
    assert [one.name for one in tmp_path.iterdir()] == ["pod"]
    assert sorted(one.name for one in (tmp_path / "pod").iterdir()) == ["cluster-pod.json", "log"]
