"""`FSHook`: a connection that names a folder."""

from __future__ import annotations

from typing import Any

from tradewind.sdk import errors
from tradewind.sdk.hook import BaseHook


class FSHook(BaseHook):
    """A connection's folder, its extra `path`. Without a connection `fs_default` it is the root."""

    conn_name_attr = "fs_conn_id"
    default_conn_name = "fs_default"
    conn_type = "fs"
    hook_name = "File (path)"

    def __init__(self, fs_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn: Any = None
        self.basepath = "/"
        try:
            self.conn = self.get_connection(fs_conn_id)
        except errors.AirflowNotFoundException:
            if fs_conn_id != self.default_conn_name:
                raise
        else:
            self.basepath = str(self.conn.extra_dejson.get("path", ""))

    def get_conn(self) -> None:
        """There is no client."""

    def get_path(self) -> str:
        """The folder."""
        return self.basepath
