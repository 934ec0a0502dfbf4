"""`AbstractOperator`: what ordinary and mapped tasks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tradewind.sdk import setup_teardown
from tradewind.sdk.node import Node
from tradewind.sdk.params import ParamsDict
from tradewind.sdk.states import TriggerRule
from tradewind.sdk.xcom_arg import XComArg, operators_of

if TYPE_CHECKING:
    from tradewind.sdk.group import TaskGroup


class AbstractOperator(Node):
    """What ordinary and mapped tasks share."""

    task_id: str
    trigger_rule: TriggerRule
    is_setup: bool = False
    is_teardown: bool = False
    on_failure_fail_dagrun: bool = False
    is_mapped: ClassVar[bool] = False
    params: ParamsDict

    @property
    def node_id(self) -> str:
        return self.task_id

    @property
    def roots(self) -> Sequence[Any]:
        return [self]

    @property
    def leaves(self) -> Sequence[Any]:
        return [self]

    @property
    def output(self) -> XComArg:
        """A reference to what the task returns."""
        return XComArg(self)

    @property
    def task_display_name(self) -> str:
        """The name that people see."""
        return self.__dict__.get("_task_display_name") or self.task_id

    def as_setup(self) -> AbstractOperator:
        """Mark the task as a setup."""
        self.is_setup = True
        return self

    def as_teardown(self, *, setups: Any = None, on_failure_fail_dagrun: bool | None = None) -> AbstractOperator:
        """Mark the task as a teardown, of these setups where given."""
        self.is_teardown = True
        self.trigger_rule = TriggerRule.ALL_DONE_SETUP_SUCCESS
        if on_failure_fail_dagrun is not None:
            self.on_failure_fail_dagrun = on_failure_fail_dagrun
        for setup in operators_of(setups) if setups is not None else []:
            setup.is_setup = True
            self.set_upstream(setup)
        return self

    def __enter__(self) -> type[setup_teardown.SetupTeardownContext]:
        setup_teardown.enter([self])
        return setup_teardown.SetupTeardownContext

    def __exit__(self, *_: object) -> None:
        setup_teardown.leave()

    def get_closest_mapped_task_group(self) -> TaskGroup | None:
        """The mapped group around the task, None where there is none."""
        return next(self.mapped_groups(), None)

    def iter_mapped_task_groups(self) -> Any:
        """Mapped groups around the task, the closest first."""
        return self.mapped_groups()

    def __repr__(self) -> str:
        return f"<Task({self.__dict__.get('task_type') or type(self).__name__}): {self.task_id}>"
