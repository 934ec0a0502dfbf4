"""FileSensor: waits for a file, or for any file in a folder."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from functools import cached_property
from glob import glob
from typing import Any, ClassVar

from tradewind.sdk.hooks.filesystem import FSHook
from tradewind.sdk.sensors.engine_wait import is_deferrable
from tradewind.sdk.sensors.sensor import BaseSensorOperator
from tradewind.sdk.unset import NOTSET


class FileSensor(BaseSensorOperator):
    """Waits until `filepath`, below the connection's folder and possibly a pattern, is there.

    Deferred it is asked again and again in mode "reschedule": no process waits between the questions.
    """

    template_fields: ClassVar[Sequence[str]] = ("filepath", "fs_conn_id")
    ui_color = "#91818a"

    def __init__(
        self,
        *,
        filepath: Any,
        fs_conn_id: str = FSHook.default_conn_name,
        recursive: bool = False,
        deferrable: Any = NOTSET,
        start_from_trigger: bool = False,
        trigger_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filepath = filepath
        self.fs_conn_id = fs_conn_id
        self.recursive = recursive
        self.deferrable = is_deferrable(deferrable)
        self.start_from_trigger = start_from_trigger
        if self.deferrable:
            self.mode = "reschedule"

    @cached_property
    def path(self) -> str:
        """The whole path or pattern."""
        return os.path.join(FSHook(self.fs_conn_id).get_path(), self.filepath)

    def poke(self, context: Any) -> bool:
        """Whether a file matches, or a folder that holds one."""
        self.log.info("looks for %s", self.path)
        for path in glob(self.path, recursive=self.recursive):
            if os.path.isfile(path):
                changed = dt.datetime.fromtimestamp(os.path.getmtime(path), tz=dt.timezone.utc)
                self.log.info("Found file %s, last modified %s", path, changed.isoformat(timespec="seconds"))
                return True
            if any(files for _, _, files in os.walk(path)):
                return True
        return False
