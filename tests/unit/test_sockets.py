"""Where sockets lie."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tradewind.protocol import sockets


def test_a_home_with_a_short_path_holds_its_sockets(tmp_path: Path) -> None:
    home = Path("/tmp") if len(str(tmp_path)) > 80 else tmp_path
    assert sockets.path_in(str(home), "a.sock") == os.path.join(os.path.realpath(home), "a.sock")


def test_a_home_whose_path_is_too_long_for_an_address_has_them_in_a_folder_of_its_own(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    home.mkdir()
    path = sockets.path_in(str(home), "a.sock")
    try:
        assert path == sockets.path_in(f"{home}/", "a.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
        assert not (home / "a.sock").exists()
    finally:
        sockets.forget(str(home))
    assert not os.path.exists(os.path.dirname(path))


def test_a_short_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    home = tmp_path / ("wide" * 30)
    home.mkdir()
    folder = os.path.dirname(sockets.path_in(str(home), "a.sock"))
    os.chmod(folder, 0o755)
    try:
        with pytest.raises(PermissionError, match="shorter path"):
            sockets.path_in(str(home), "a.sock")
    finally:
        os.rmdir(folder)
