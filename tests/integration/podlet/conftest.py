"""A real podlet for each test."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from tests.support import podlets


@pytest.fixture
def podlet(tmp_path: pathlib.Path) -> Iterator[podlets.Podlet]:
    """One that outlives its control plane, with the small worker."""
    with podlets.Podlet(tmp_path) as made:
        yield made
