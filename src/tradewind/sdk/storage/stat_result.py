"""What `ObjectStoragePath.stat()` gives: the store's own information as a dict, with the names of `os.stat_result`."""

from __future__ import annotations

import stat
from typing import Any

_MODES = {"file": stat.S_IFREG, "directory": stat.S_IFDIR}


class stat_result(dict[str, Any]):  # noqa: N801 - Airflow's name
    """Fields that a store does not tell are 0."""

    st_dev = 0

    @property
    def st_size(self) -> int:
        """Bytes."""
        return int(self.get("size") or 0)

    @property
    def st_gid(self) -> int:
        """The group."""
        return int(self.get("gid", 0))

    @property
    def st_uid(self) -> int:
        """The owner."""
        return int(self.get("uid", 0))

    @property
    def st_ino(self) -> int:
        """The inode."""
        return int(self.get("ino", 0))

    @property
    def st_nlink(self) -> int:
        """Hard links."""
        return int(self.get("nlink", 0))

    @property
    def st_mtime(self) -> Any:
        """When it was changed, in seconds since 1970."""
        if "mtime" in self:
            return self["mtime"]
        return self["LastModified"].timestamp() if "LastModified" in self else 0

    @property
    def st_mode(self) -> int:
        """Kind and rights; the kind alone where the store has no rights."""
        if "mode" in self:
            return int(self["mode"])
        if self.get("isLink"):
            return stat.S_IFLNK
        return _MODES.get(self.get("type", ""), 0)
