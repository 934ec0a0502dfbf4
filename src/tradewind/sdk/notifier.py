"""`BaseNotifier`: a callback with template fields."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar

from tradewind import templates
from tradewind.sdk.hook import LoggingMixin


class BaseNotifier(LoggingMixin):
    """A notifier; subclasses override `notify`. It is called like any callback, with the context."""

    template_fields: ClassVar[Sequence[str]] = ()
    template_ext: ClassVar[Sequence[str]] = ()

    def __init__(self, *, context: Any = None, **_: Any) -> None:
        super().__init__()
        self.context = context

    def notify(self, context: Any) -> None:
        """Send the notice."""
        raise NotImplementedError

    async def async_notify(self, context: Any) -> None:
        """Send the notice from a coroutine."""
        raise NotImplementedError

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render the template fields in place."""
        env = jinja_env or templates.environment(context.get("dag"))
        templates.render_fields(self, tuple(self.template_fields), context, env, template_ext=tuple(self.template_ext))

    def __call__(self, *args: Any) -> None:
        """Render, then notify; a DAG's callbacks get a context, those of an SLA miss several arguments."""
        names = ("dag", "task_list", "blocking_task_list", "slas", "blocking_tis")
        context = args[0] if len(args) == 1 else dict(zip(names, args))  # noqa: B905 - as many as are given
        self.context = context
        self.render_template_fields(context)
        self.notify(context)

    def __await__(self) -> Generator[Any, None, Any]:
        """Render, then notify from a coroutine: how an `AsyncCallback` calls a notifier's class."""
        context = self.context if self.context is not None else {}
        self.render_template_fields(context)
        return self.async_notify(context).__await__()
