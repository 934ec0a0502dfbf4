"""Tasks that call a Python function, and branches and short circuits that ask one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tradewind.sdk import callables, errors
from tradewind.sdk.branching import BaseBranchOperator, SkipMixin
from tradewind.sdk.operator import BaseOperator


class PythonOperator(BaseOperator):
    """Calls `python_callable(*op_args, **op_kwargs)`, with what it names of the context."""

    template_fields: ClassVar[Sequence[str]] = ("templates_dict", "op_args", "op_kwargs")
    template_fields_renderers: ClassVar[Mapping[str, str]] = {
        "templates_dict": "json",
        "op_args": "py",
        "op_kwargs": "py",
    }
    ui_color = "#ffefeb"
    shallow_copy_attrs: ClassVar[Sequence[str]] = ("python_callable", "op_kwargs")

    def __init__(
        self,
        *,
        python_callable: Any,
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        templates_dict: dict[str, Any] | None = None,
        templates_exts: Sequence[str] | None = None,
        show_return_value_in_logs: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(python_callable):
            said = f"python_callable must be a function, got {type(python_callable).__name__}: {python_callable!r}"
            raise errors.ArgumentProblem.of(
                "wrong-type", f"task {self.task_id!r}", said, "pass the function itself, without calling it"
            )
        self.python_callable = python_callable
        self.op_args: Any = op_args or ()
        self.op_kwargs: Any = op_kwargs or {}
        self.templates_dict = templates_dict
        self.show_return_value_in_logs = show_return_value_in_logs
        if templates_exts:
            self.template_ext = templates_exts  # type: ignore[misc]

    def execute(self, context: Any) -> Any:
        """Call the function and return what it returns."""
        callables.context_merge(context, self.op_kwargs, templates_dict=self.templates_dict)
        self.op_kwargs = self.determine_kwargs(context)
        result = self.execute_callable()
        if self.show_return_value_in_logs:
            self.log.info("returned %s", result)
        else:
            self.log.info("returned a value, which is not to be shown")
        return result

    def determine_kwargs(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keyword arguments of the function."""
        return callables.determine_kwargs(self.python_callable, self.op_args, context)

    def execute_callable(self) -> Any:
        """Call the function."""
        return callables.call(self.python_callable, self.op_args, self.op_kwargs)


class BranchPythonOperator(BaseBranchOperator, PythonOperator):
    """Follows the tasks or groups whose ids the function returns."""

    def choose_branch(self, context: Any) -> Any:
        """Ask the function."""
        return PythonOperator.execute(self, context)


class ShortCircuitOperator(PythonOperator, SkipMixin):
    """Skips what comes after, unless the function returns something true."""

    _can_skip_downstream = True

    def __init__(self, *, ignore_downstream_trigger_rules: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules

    def execute(self, context: Any) -> Any:
        """Ask the function, and skip where the answer is not true."""
        condition = super().execute(context)
        self.log.info("the condition is %s", condition)
        if condition or not self.downstream_task_ids:
            return condition
        everything = self.ignore_downstream_trigger_rules is True
        self.skip(context["ti"], list(self._skippable(everything)), everything=everything)
        return condition

    def _skippable(self, everything: bool) -> Iterator[Any]:
        below = self.get_flat_relatives(upstream=False) if everything else self.get_direct_relatives(upstream=False)
        return (task for task in below if not task.is_teardown)
