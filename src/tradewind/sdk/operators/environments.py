"""Functions that run in an environment of their own: one made for them, or an interpreter that is there already."""

from __future__ import annotations

import inspect
import subprocess
import types
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tradewind.sdk import callables, errors, registry
from tradewind.sdk.branching import BaseBranchOperator
from tradewind.sdk.configuration import conf
from tradewind.sdk.hooks.package_index import PackageIndexHook
from tradewind.sdk.operators import commands, other_interpreter, virtual_environment
from tradewind.sdk.operators.python import PythonOperator
from tradewind.sdk.variable import Variable

_SERIALIZERS = ("pickle", "dill", "cloudpickle")
_PLAIN_KEYS = frozenset(
    {
        "data_interval_end", "data_interval_start", "ds", "ds_nodash", "execution_date", "expanded_ti_count", "inlets",
        "logical_date", "next_ds", "next_ds_nodash", "next_execution_date", "outlets", "params",
        "prev_data_interval_end_success", "prev_data_interval_start_success", "prev_ds", "prev_ds_nodash",
        "prev_end_date_success", "prev_execution_date", "prev_execution_date_success", "prev_start_date_success",
        "run_id", "task_instance_key_str", "task_reschedule_count", "test_mode", "tomorrow_ds", "tomorrow_ds_nodash",
        "ts", "ts_nodash", "ts_nodash_with_tz", "yesterday_ds", "yesterday_ds_nodash",
    }
)  # fmt: skip
"""What of the context another interpreter can be given: texts, numbers and dates."""


class OtherInterpreter(PythonOperator):
    """A function of its own, defined with `def`, that another interpreter runs."""

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        serializer: str | None = None,
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        string_args: Iterable[str] | None = None,
        templates_dict: dict[str, Any] | None = None,
        templates_exts: Sequence[str] | None = None,
        expect_airflow: bool = True,
        skip_on_exit_code: int | Container[int] | None = None,
        env_vars: dict[str, str] | None = None,
        inherit_env: bool = True,
        use_dill: bool = False,
        use_airflow_context: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            python_callable=python_callable, op_args=op_args, op_kwargs=op_kwargs, templates_dict=templates_dict,
            templates_exts=templates_exts, **kwargs,
        )  # fmt: skip
        about = f"task {self.task_id!r} ({type(self).__name__})"
        _check_function(about, python_callable)
        self.serializer = serializer or ("dill" if use_dill else "pickle")
        if self.serializer not in _SERIALIZERS:
            said = f"there is no serializer {serializer!r}"
            raise errors.ValueProblem.of("bad-serializer", about, said, f"one of {', '.join(_SERIALIZERS)}")
        if use_airflow_context:
            registry.note(f"{about}: use_airflow_context has no effect; name the keys as the function's parameters")
        self.string_args = list(string_args or [])
        self.expect_airflow = expect_airflow
        self.skip_on_exit_code = _codes(skip_on_exit_code)
        self.env_vars = env_vars
        self.inherit_env = inherit_env
        self._process: subprocess.Popen[bytes] | None = None

    def interpreter(self) -> Path:
        """The interpreter, made if need be."""
        raise NotImplementedError

    def execute(self, context: Any) -> Any:
        """Call the function with what of the context can be given away."""
        self._refuse_keys()
        takes_all = any(
            one.kind is one.VAR_KEYWORD for one in callables.signature_of(self.python_callable).parameters.values()
        )
        wanted = (
            _PLAIN_KEYS if takes_all else _PLAIN_KEYS & set(callables.signature_of(self.python_callable).parameters)
        )
        return super().execute({key: context[key] for key in sorted(wanted) if key in context})

    def _refuse_keys(self) -> None:
        given = {*self.op_kwargs, "templates_dict"}
        parameters = list(callables.signature_of(self.python_callable).parameters.values())[len(self.op_args) :]
        for one in parameters:
            asked = one.name in callables.CONTEXT_KEYS - _PLAIN_KEYS and one.name not in given
            if asked and one.default is inspect.Parameter.empty:
                said = f"{one.name!r} of the context cannot be handed to another interpreter"
                raise errors.AirflowException(f"{said}\nhint: pass what you need of it as an argument, as a template")

    def execute_callable(self) -> Any:
        """Call it there."""
        kwargs = dict(self.op_kwargs)
        env = other_interpreter.environment(
            self.env_vars, inherit=self.inherit_env, path=conf.get("core", "dags_folder", fallback="")
        )
        wanted = other_interpreter.Call(
            function=self.python_callable, args=self.op_args, kwargs=kwargs, strings=self.string_args,
            serializer=self.serializer,
        )  # fmt: skip
        try:
            result = other_interpreter.call(self.interpreter(), wanted, env=env, log=self.log, started=self._keep)
        except other_interpreter.CallFailed as error:
            if error.code in self.skip_on_exit_code:
                raise errors.AirflowSkipException(
                    f"it ended with exit code {error.code}, one of skip_on_exit_code"
                ) from None
            raise
        if 0 in self.skip_on_exit_code:
            raise errors.AirflowSkipException("it ended with exit code 0, one of skip_on_exit_code")
        return result

    def _keep(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def on_kill(self) -> None:
        """Stop the interpreter, or the installer."""
        commands.stop(self._process)


class PythonVirtualenvOperator(OtherInterpreter):
    """Calls a function in a virtual environment that holds these requirements.

    Environments are kept by what they hold (`tradewind.sdk.operators.virtual_environment`), in `venv_cache_path` or in
    the user's cache.
    """

    template_fields: ClassVar[Sequence[str]] = (
        "index_urls", "venv_cache_path", "requirements", "op_args", "index_urls_from_connection_ids", "op_kwargs",
        "templates_dict",
    )  # fmt: skip
    template_ext: ClassVar[Sequence[str]] = (".txt",)

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        requirements: Any = None,
        python_version: str | None = None,
        system_site_packages: bool = True,
        pip_install_options: list[str] | None = None,
        index_urls: Any = None,
        index_urls_from_connection_ids: Any = None,
        venv_cache_path: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(python_callable=python_callable, **kwargs)
        errors.expect(
            "wrong-type", f"task {self.task_id!r}", "python_version", python_version, (str,), words="a text",
            hint="for example '3.12'",
        )  # fmt: skip
        self.requirements = _list(requirements) or []
        self.python_version = python_version
        self.system_site_packages = system_site_packages
        self.pip_install_options = pip_install_options
        self.index_urls = _list(index_urls)
        self.index_urls_from_connection_ids = _list(index_urls_from_connection_ids)
        self.venv_cache_path = venv_cache_path

    def interpreter(self) -> Path:
        """That of the environment."""
        folder = virtual_environment.default_folder()
        if self.venv_cache_path:
            folder = Path(str(self.venv_cache_path))
        return virtual_environment.ensure(self._wanted(), folder, self.log, self._keep)

    def _wanted(self) -> virtual_environment.Wanted:
        requirements = [str(one) for one in self.requirements]
        if self.serializer != "pickle" and not self.system_site_packages and self.serializer not in requirements:
            requirements.append(self.serializer)
        urls = self.index_urls
        if self.index_urls_from_connection_ids:
            hooks = map(PackageIndexHook, self.index_urls_from_connection_ids)
            urls = [*(urls or []), *(hook.get_connection_url() for hook in hooks)]
        return virtual_environment.Wanted(
            requirements=tuple(sorted(requirements)),
            python=self.python_version,
            system_site_packages=self.system_site_packages,
            options=tuple(self.pip_install_options or ()),
            index_urls=None if urls is None else tuple(urls),
            cache_key=str(Variable.get("python_virtualenv_operator_cache_key", "")),
        )


class ExternalPythonOperator(OtherInterpreter):
    """Calls a function in the interpreter at `python`."""

    template_fields: ClassVar[Sequence[str]] = ("templates_dict", "op_args", "op_kwargs", "python")

    def __init__(
        self, *, python: str, python_callable: Callable[..., Any], expect_pendulum: bool = False, **kwargs: Any
    ) -> None:
        if not python:
            raise errors.ValueProblem.of(
                "no-python", "ExternalPythonOperator", "it names no python to run the function with",
                "python='/path/to/bin/python'",
            )  # fmt: skip
        super().__init__(python_callable=python_callable, **kwargs)
        self.python = python
        self.expect_pendulum = expect_pendulum

    def interpreter(self) -> Path:
        """The one that was named."""
        path = Path(self.python)
        if not path.is_file():
            raise ValueError(f"python={str(path)!r} {'is no file' if path.exists() else 'is not there'}")
        return path


class BranchPythonVirtualenvOperator(BaseBranchOperator, PythonVirtualenvOperator):
    """A branch whose function runs in a virtual environment."""

    def choose_branch(self, context: Any) -> Any:
        """Ask the function."""
        return PythonVirtualenvOperator.execute(self, context)


class BranchExternalPythonOperator(BaseBranchOperator, ExternalPythonOperator):
    """A branch whose function runs in another interpreter."""

    def choose_branch(self, context: Any) -> Any:
        """Ask the function."""
        return ExternalPythonOperator.execute(self, context)


def _check_function(about: str, function: Any) -> None:
    if not isinstance(function, types.FunctionType) or function.__name__ == "<lambda>":
        said = f"another interpreter can only be given a function defined with def, got {function!r}"
        raise errors.ValueProblem.of("no-function", about, said, "write def name(...): with its imports inside")
    if inspect.isgeneratorfunction(function):
        said = f"{function.__name__}() uses yield, which another interpreter cannot give back"
        raise errors.ValueProblem.of("generator", about, said, "return a list")


def _codes(given: Any) -> Container[int]:
    if given is None:
        return ()
    return given if isinstance(given, Container) else (given,)


def _list(given: Any) -> list[Any] | None:
    if given is None:
        return None
    return [given] if isinstance(given, str) else list(given)
