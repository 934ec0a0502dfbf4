"""`BaseOperatorLink`: where a task can be looked at outside. Kept with its operator; nothing shows links yet."""

from __future__ import annotations

import abc
from typing import Any, ClassVar


class BaseOperatorLink(abc.ABC):
    """A button beside a task; `operators` are classes that a plugin gives it to."""

    operators: ClassVar[list[type[Any]]] = []

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The text of the button."""

    @property
    def xcom_key(self) -> str:
        """Under which the task may keep the whole link."""
        return f"_link_{type(self).__name__}"

    @abc.abstractmethod
    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address for a task of this run."""
