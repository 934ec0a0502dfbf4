"""LatestOnlyOperator: decided by the engine, which knows the runs of the DAG."""

from __future__ import annotations

from typing import Any

from tradewind.sdk import errors
from tradewind.sdk.branching import BaseBranchOperator


class LatestOnlyOperator(BaseBranchOperator):
    """Skips the tasks directly after it in runs that are not the latest scheduled one."""

    ui_color = "#e9ffdb"

    def choose_branch(self, context: Any) -> Any:
        """Only reached by subclasses, whose code cannot know which run is the latest."""
        raise errors.NotHereYet(
            "a subclass of LatestOnlyOperator", "use LatestOnlyOperator itself before a task with your code"
        )
