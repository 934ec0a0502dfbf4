"""SmoothOperator: the standard provider's own joke, which logs where a song is."""

from __future__ import annotations

from typing import Any

from tradewind.sdk.operator import BaseOperator


class SmoothOperator(BaseOperator):
    """Logs the address of Sade's song."""

    ui_color = "#e8f7e4"
    yt_link = "https://www.youtube.com/watch?v=4TYv2PhG89A"

    def execute(self, context: Any) -> None:
        """Log it."""
        self.log.info("Sade sings of a smooth operator: %s", self.yt_link)
