"""How errors are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewind.worker import tracebacks

CODE = "def fails():\n    raise ValueError('no table')\n"


def test_a_file_of_a_snapshot_is_shown_by_its_path_in_the_bundle_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "snapshots" / ("0f" * 32) / "etl" / "sales.py"
    file.parent.mkdir(parents=True)
    file.write_text(CODE)
    names: dict[str, object] = {}
    exec(compile(CODE, str(file), "exec"), names)
    with pytest.raises(ValueError, match="no table") as caught:
        names["fails"]()  # type: ignore[operator]
    shown = tracebacks.show(caught.value)
    assert "File \"etl/sales.py\", line 2, in fails\n    raise ValueError('no table')" in shown
    assert "snapshots" not in shown
