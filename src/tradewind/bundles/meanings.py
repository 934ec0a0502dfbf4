"""Which Airflow the files of a bundle mean where its settings say so; else the file is asked when it is parsed."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanings:
    """What settings say: by pattern, and for all others."""

    rows: tuple[tuple[str, str], ...] = ()
    """Patterns of paths below the bundle, and what those files mean; the first match counts."""
    otherwise: str | None = None

    def of(self, path: str) -> str | None:
        """What the file at a path means; None: the file tells."""
        return next((meaning for pattern, meaning in self.rows if fnmatch.fnmatchcase(path, pattern)), self.otherwise)
