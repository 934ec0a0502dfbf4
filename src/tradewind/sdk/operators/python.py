"""Tasks that call a Python function, and branches and short circuits that ask one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tradewind.sdk import callables, errors
from tradewind.sdk.branching import BaseBranchOperator, BranchMixIn, SkipMixin
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
            self.log.info("Done. Returned value was: %s", result)
        else:
            self.log.info("Done. Returned value not shown")
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
        self.log.info("Condition result is %s", condition)
        if condition or not self.downstream_task_ids:
            return condition
        everything = self.ignore_downstream_trigger_rules is True
        self.skip(context["ti"], list(self._skippable(everything)), everything=everything)
        return condition

    def _skippable(self, everything: bool) -> Iterator[Any]:
        below = self.get_flat_relatives(upstream=False) if everything else self.get_direct_relatives(upstream=False)
        return (task for task in below if not task.is_teardown)


class _OtherEnvironment(PythonOperator):
    """A function for another interpreter; loads here, and says when run that its environment is a later step."""

    _what: ClassVar[str] = "a Python function in another environment"

    def __init__(self, *, python_callable: Callable[..., Any], **kwargs: Any) -> None:
        extra = {name: kwargs.pop(name) for name in self._extra if name in kwargs}
        super().__init__(python_callable=python_callable, **kwargs)
        for name in self._extra:
            setattr(self, name, extra.get(name))

    _extra: ClassVar[Sequence[str]] = ()

    def execute(self, context: Any) -> Any:
        """Refuse."""
        raise errors.NotHereYet(
            self._what,
            "use @task where the packages are installed, or a KubernetesPodOperator with an image that has them",
        )


_SHARED = ("serializer", "string_args", "expect_airflow", "skip_on_exit_code", "env_vars", "inherit_env")


class PythonVirtualenvOperator(_OtherEnvironment):
    """A function in a virtual environment made for it."""

    template_fields: ClassVar[Sequence[str]] = (
        "index_urls", "venv_cache_path", "requirements", "op_args", "index_urls_from_connection_ids", "op_kwargs",
        "templates_dict",
    )  # fmt: skip
    template_ext: ClassVar[Sequence[str]] = (".txt",)
    _what: ClassVar[str] = "a function in a virtual environment of its own (PythonVirtualenvOperator, @task.virtualenv)"
    _extra: ClassVar[Sequence[str]] = (
        *_SHARED, "requirements", "python_version", "system_site_packages", "pip_install_options", "index_urls",
        "index_urls_from_connection_ids", "venv_cache_path", "use_dill", "use_airflow_context",
    )  # fmt: skip


class ExternalPythonOperator(_OtherEnvironment):
    """A function in an interpreter that is there already."""

    template_fields: ClassVar[Sequence[str]] = ("templates_dict", "op_args", "op_kwargs", "python")
    _what: ClassVar[str] = "a function in another interpreter (ExternalPythonOperator, @task.external_python)"
    _extra: ClassVar[Sequence[str]] = (*_SHARED, "python", "expect_pendulum", "use_dill", "use_airflow_context")


class BranchPythonVirtualenvOperator(PythonVirtualenvOperator, BranchMixIn):
    """A branch whose function runs in a virtual environment."""

    _can_skip_downstream = True


class BranchExternalPythonOperator(ExternalPythonOperator, BranchMixIn):
    """A branch whose function runs in another interpreter."""

    _can_skip_downstream = True


class DockerOperator(_OtherEnvironment):
    """A function in a Docker container."""

    _what: ClassVar[str] = "a function in a Docker container (@task.docker)"
    _extra: ClassVar[Sequence[str]] = (
        *_SHARED,
        "image",
        "command",
        "docker_url",
        "network_mode",
        "mounts",
        "environment",
        "auto_remove",
        "python_command",
        "use_dill",
        "api_version",
        "container_name",
        "private_environment",
        "user",
        "mem_limit",
        "cpus",
        "force_pull",
        "mount_tmp_dir",
        "retrieve_output",
        "working_dir",
    )
