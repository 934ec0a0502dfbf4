"""`DAG`: what a DAG file describes. `with DAG(...)` or `@dag` collect the tasks made inside.

All of Airflow 3.3's arguments are taken, and those that Airflow 2 had: each is honoured, mapped to its successor, or
noted for the author in `notes`; none is silently dropped.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tradewind.sdk import configuration, dag_arguments, errors, registry, scope, timezone
from tradewind.sdk.group import TaskGroup, duplicate
from tradewind.sdk.node import check_key
from tradewind.sdk.params import DagParam, ParamsDict
from tradewind.sdk.states import TriggerRule
from tradewind.sdk.unset import NOTSET


class DAG:
    """A DAG; arguments as in Airflow 3.3, and those of Airflow 2 by their old names."""

    def __init__(
        self,
        dag_id: str,
        description: str | None = None,
        schedule: Any = NOTSET,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        template_searchpath: Any = None,
        template_undefined: Any = None,
        user_defined_macros: Mapping[str, Any] | None = None,
        user_defined_filters: Mapping[str, Any] | None = None,
        default_args: Mapping[str, Any] | None = None,
        max_active_tasks: int | None = None,
        max_active_runs: int | None = None,
        max_consecutive_failed_dag_runs: int | None = None,
        dagrun_timeout: timedelta | None = None,
        deadline: Any = None,
        sla_miss_callback: Any = None,
        catchup: Any = NOTSET,
        on_success_callback: Any = None,
        on_failure_callback: Any = None,
        doc_md: str | None = None,
        params: Any = None,
        access_control: Any = None,
        is_paused_upon_creation: bool | None = None,
        jinja_environment_kwargs: Mapping[str, Any] | None = None,
        render_template_as_native_obj: bool = False,
        tags: Collection[str] | None = None,
        owner_links: Mapping[str, str] | None = None,
        auto_register: bool = True,
        fail_fast: bool = False,
        allowed_run_types: Any = None,
        dag_display_name: str | None = None,
        task_group: TaskGroup | None = None,
        disable_bundle_versioning: bool | None = None,
        rerun_with_latest_version: bool | None = None,
        **old: Any,
    ) -> None:
        about = f"DAG {dag_id!r}"
        check_key(dag_id, "DAG")
        self.notes: list[str] = []
        given = {name: value for name, value in locals().items() if name not in ("self", "old", "about")}
        settled = dag_arguments.settle(about, given, old, self.notes)
        self.dag_id: str = dag_id
        self.description: str | None = description
        self.schedule: Any = settled["schedule"]
        self.schedule_interval: Any = self.schedule
        self.default_args: dict[str, Any] = settled["default_args"]
        default_start = self.default_args.get("start_date")
        self.timezone: Any = dag_arguments.zone_of(start_date or default_start or end_date)
        self.start_date = timezone.convert_to_utc(_in_zone(start_date, self.timezone))
        self.end_date = timezone.convert_to_utc(_in_zone(end_date, self.timezone))
        dag_arguments.read_default_date(about, self.default_args, "end_date", self.timezone)
        for name in ("start_date", "end_date"):
            if isinstance(self.default_args.get(name), datetime):
                self.default_args[name] = timezone.convert_to_utc(_in_zone(self.default_args[name], self.timezone))
        self.template_searchpath: Any = (
            [template_searchpath] if isinstance(template_searchpath, str) else template_searchpath
        )
        self.template_undefined: Any = template_undefined
        self.user_defined_macros = dict(user_defined_macros or {})
        self.user_defined_filters = dict(user_defined_filters or {})
        self.jinja_environment_kwargs = dict(jinja_environment_kwargs or {})
        self.render_template_as_native_obj: bool = render_template_as_native_obj
        self.max_active_tasks: int = settled["max_active_tasks"]
        self.max_active_runs: int = settled["max_active_runs"]
        self.max_consecutive_failed_dag_runs: int = settled["max_consecutive_failed_dag_runs"]
        self.dagrun_timeout = dagrun_timeout
        self.deadline = deadline
        self.sla_miss_callback = sla_miss_callback
        self.catchup_given: Any = catchup
        self.on_success_callback = on_success_callback
        self.on_failure_callback = on_failure_callback
        self.doc_md = _document(doc_md)
        self.is_paused_upon_creation = (
            configuration.conf.getboolean("core", "dags_are_paused_at_creation")
            if is_paused_upon_creation is None
            else is_paused_upon_creation
        )
        self.tags: set[str] = set(tags or ())
        self.owner_links = dict(owner_links or {})
        self.auto_register: bool = auto_register
        self.fail_fast: bool = settled["fail_fast"]
        self.allowed_run_types = allowed_run_types
        self.dag_display_name: str = dag_display_name or dag_id
        self.access_control = access_control
        self.default_view: str = settled["default_view"]
        self.params = _params(self.default_args.pop("params", None), params)
        self.fileloc: str = _caller_file()
        self.used_ids: set[str] = set()
        self.task_dict: dict[str, Any] = {}
        self.edge_info: dict[str, dict[str, dict[str, Any]]] = {}
        self.task_group: TaskGroup = task_group or TaskGroup(group_id=None, parent_group=None, dag=self)
        self.task_group.dag = self

    @property
    def catchup(self) -> bool:
        """Whether runs that were missed are made up for."""
        return self.catchup_given if self.catchup_given is not NOTSET else configuration.catchup(registry.meaning())

    @property
    def folder(self) -> str:
        """The folder of its file; template files are looked for there."""
        return str(Path(self.fileloc).parent)

    @property
    def filepath(self) -> str:
        """Path of its file."""
        return self.fileloc

    @property
    def display_name(self) -> str:
        """The name that people see."""
        return self.dag_display_name

    @property
    def owner(self) -> str:
        """Owners of its tasks, once each."""
        return ", ".join(sorted({task.owner for task in self.tasks}))

    @property
    def tasks(self) -> list[Any]:
        """Its tasks, in order of definition."""
        return list(self.task_dict.values())

    @property
    def task_ids(self) -> list[str]:
        """Ids of its tasks."""
        return list(self.task_dict)

    @property
    def roots(self) -> list[Any]:
        """Tasks without upstreams."""
        return [task for task in self.tasks if not task.upstream_task_ids]

    @property
    def leaves(self) -> list[Any]:
        """Tasks without downstreams."""
        return [task for task in self.tasks if not task.downstream_task_ids]

    @property
    def task_group_dict(self) -> dict[str | None, TaskGroup]:
        """Its groups by id, without the root."""
        return {name: group for name, group in self.task_group.get_task_group_dict().items() if name is not None}

    def __enter__(self) -> DAG:
        scope.enter_dag(self)
        return self

    def __exit__(self, *_: object) -> None:
        left = scope.leave_dag()
        if left is not None and left.auto_register:
            registry.register(left)

    def add_task(self, task: Any) -> None:
        """Take a task in."""
        if self.fail_fast and task.trigger_rule not in (TriggerRule.ALL_SUCCESS, TriggerRule.ALL_DONE_SETUP_SUCCESS):
            said = f"a DAG with fail_fast allows only the trigger rule all_success, not {task.trigger_rule}"
            hint = "take fail_fast from the DAG, or the trigger rule from the task"
            raise errors.FailFastDagInvalidTriggerRule.of("fail-fast", f"task {task.task_id!r}", said, hint)
        known = self.task_dict.get(task.task_id)
        if known is task:
            return
        if known is not None or task.task_id in self.used_ids:
            raise duplicate("task", task.task_id, self.dag_id)
        if task.task_group is None:
            self.task_group.add(task)
        self.task_dict[task.task_id] = task
        self.used_ids.add(task.task_id)
        task.dag = self

    def add_tasks(self, tasks: Collection[Any]) -> None:
        """Take several tasks in."""
        for task in tasks:
            self.add_task(task)

    def has_task(self, task_id: str) -> bool:
        """Whether it has a task of this id."""
        return task_id in self.task_dict

    def has_task_group(self, task_group_id: str) -> bool:
        """Whether it has a group of this id."""
        return task_group_id in self.task_group_dict

    def get_task(self, task_id: str) -> Any:
        """The task of this id. Raises TaskNotFound."""
        if task_id in self.task_dict:
            return self.task_dict[task_id]
        raise errors.TaskNotFound.among(f"DAG {self.dag_id!r} has no task {task_id!r}", task_id, self.task_ids)

    def iter_dagrun_infos_between(self, *_: Any, **__: Any) -> Iterator[Any]:
        """Not answered by a DAG itself."""
        raise errors.NotHereYet("DAG.iter_dagrun_infos_between()", "`tradewind dags show` tells when runs are due")

    def set_dependency(self, upstream_task_id: str, downstream_task_id: str) -> None:
        """Put one task before another, by ids."""
        self.get_task(upstream_task_id).set_downstream(self.get_task(downstream_task_id))

    def set_edge_info(self, upstream_task_id: str, downstream_task_id: str, info: dict[str, Any]) -> None:
        """Write down what is said about an edge."""
        self.edge_info.setdefault(upstream_task_id, {})[downstream_task_id] = info

    def get_edge_info(self, upstream_task_id: str, downstream_task_id: str) -> dict[str, Any]:
        """What is said about an edge."""
        return self.edge_info.get(upstream_task_id, {}).get(downstream_task_id, {})

    def param(self, name: str, default: Any = NOTSET) -> DagParam:
        """A parameter to pass to tasks."""
        return DagParam(self, name, default)

    def get_template_env(self, *, force_sandboxed: bool = False) -> Any:
        """The Jinja environment that its tasks' fields are rendered in."""
        from tradewind import templates

        return templates.environment(self, native=False if force_sandboxed else None)

    def get_doc_md(self, doc_md: str | None) -> str | None:
        """The documentation, read from its file where a file is named."""
        return _document(doc_md)

    def validate(self) -> None:
        """Check it as loading does. Raises DagProblem."""
        self.spec()

    def spec(self) -> Any:
        """The DAG as data, meaning what the file that is being loaded means."""
        from tradewind.sdk import spec

        return spec.to_spec(self, file=self.fileloc, meaning=registry.meaning(), meaning_from="")

    def test(
        self,
        run_after: datetime | None = None,
        logical_date: Any = NOTSET,
        run_conf: dict[str, Any] | None = None,
        conn_file_path: str | None = None,
        variable_file_path: str | None = None,
        use_executor: bool = False,
        mark_success_pattern: Any = None,
        *,
        execution_date: datetime | None = None,
        session: Any = None,
    ) -> Any:
        """Run the DAG once, to its end; Python bodies run in this process, so that a debugger stops in them.

        The run, with its `state`. Raises `NotHereYet` where no control plane is installed or an option is not here.
        """
        from tradewind.sdk import trial

        given = {
            "run_after": run_after,
            "conn_file_path": conn_file_path,
            "variable_file_path": variable_file_path,
            "use_executor": use_executor,
            "mark_success_pattern": mark_success_pattern,
        }
        for name in [name for name, value in given.items() if value]:
            raise errors.NotHereYet(f"DAG.test({name}=...)", "leave it out")
        date = execution_date if logical_date is NOTSET else logical_date
        return trial.find(self)(self, logical_date=timezone.coerce_datetime(date), conf=run_conf)

    def cli(self) -> None:
        """Not here yet, as `test`."""
        raise errors.NotHereYet("DAG.cli()", f"run `tradewind run {self.fileloc} --dag-id {self.dag_id}`")

    def __deepcopy__(self, memo: dict[int, Any]) -> DAG:
        return self

    def __hash__(self) -> int:
        return hash(self.dag_id)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __lt__(self, other: DAG) -> bool:
        return self.dag_id < other.dag_id

    def __repr__(self) -> str:
        return f"<DAG: {self.dag_id}>"


def dag(dag_id: Any = "", **kwargs: Any) -> Callable[..., Any]:
    """Make a DAG of a function: calling it builds the DAG. Takes the arguments of `DAG`, or none at all."""
    if callable(dag_id):
        return _factory(dag_id, dag_id.__name__, kwargs)

    def decorate(function: Callable[..., Any]) -> Callable[..., DAG]:
        return _factory(function, dag_id or function.__name__, kwargs)

    return decorate


def _factory(function: Callable[..., Any], dag_id: str, kwargs: dict[str, Any]) -> Callable[..., DAG]:
    @functools.wraps(function)
    def make(*args: Any, **given: Any) -> DAG:
        bound = inspect.signature(function).bind(*args, **given)
        bound.apply_defaults()
        options = {
            "doc_md": function.__doc__,
            **{name: value for name, value in kwargs.items() if value is not None or name != "doc_md"},
        }
        with DAG(dag_id, **options) as made:
            # The file that holds the function, not the one that decorates it.
            made.fileloc = function.__code__.co_filename
            arguments = {name: made.param(name, value) for name, value in bound.arguments.items()}
            function(**arguments)
        return made

    return make


def _params(from_defaults: Any, given: Any) -> ParamsDict:
    params = ParamsDict(from_defaults)
    for name, value in ParamsDict(given).raw().items():
        params[name] = value
    for param in params.raw().values():
        param.source = param.source or "dag"
    return params


def _in_zone(value: datetime | None, where: Any) -> datetime | None:
    if value is None or timezone.is_localized(value):
        return value
    return timezone.make_aware(value, where)


def _document(text: str | None) -> str | None:
    if text is not None and text.endswith(".md") and (path := Path(text)).is_file():
        return path.read_text(encoding="utf-8")
    return text


def _caller_file() -> str:
    """Path of the file that makes the DAG: the first frame outside of this package."""
    here = str(Path(__file__).parent)
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_code.co_filename.startswith(here) or frame.f_code.co_filename == "<string>"
    ):
        frame = frame.f_back
    return frame.f_code.co_filename
