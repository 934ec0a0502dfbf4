"""EmptyOperator: a task that does nothing and needs no process."""

from __future__ import annotations

from typing import Any, ClassVar

from tradewind.sdk.operator import BaseOperator


class EmptyOperator(BaseOperator):
    """Does nothing; a place where edges meet."""

    ui_color = "#e8f7e4"
    inherits_from_empty_operator: ClassVar[bool] = True

    def execute(self, context: Any) -> None:
        """Do nothing."""
