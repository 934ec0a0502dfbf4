"""`BaseOperator`: what a task is, and what users build their own operators on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tradewind.sdk import arguments, context, errors, registry, setup_teardown
from tradewind.sdk.abstract_operator import AbstractOperator
from tradewind.sdk.node import check_key
from tradewind.sdk.operator_construction import BaseOperatorMeta
from tradewind.sdk.params import ParamsDict
from tradewind.sdk.resolving import references
from tradewind.sdk.unset import NOTSET

if TYPE_CHECKING:
    import jinja2

    from tradewind.sdk.definition import DAG
    from tradewind.sdk.group import TaskGroup
    from tradewind.sdk.mapped import OperatorPartial


class BaseOperator(AbstractOperator, metaclass=BaseOperatorMeta):
    """A task; subclasses override `execute` (and `__init__`, `template_fields`)."""

    template_fields: ClassVar[Sequence[str]] = ()
    template_ext: ClassVar[Sequence[str]] = ()
    template_fields_renderers: ClassVar[Mapping[str, str]] = {}
    ui_color: str = "#fff"
    ui_fgcolor: str = "#000"
    operator_extra_links: Sequence[Any] = ()
    shallow_copy_attrs: ClassVar[Sequence[str]] = ()
    start_trigger_args: Any = None
    start_from_trigger: bool = False
    inherits_from_empty_operator: ClassVar[bool] = False
    _can_skip_downstream: bool = False

    def __init__(
        self,
        task_id: str,
        owner: Any = NOTSET,
        email: Any = NOTSET,
        email_on_retry: Any = NOTSET,
        email_on_failure: Any = NOTSET,
        retries: Any = NOTSET,
        retry_delay: Any = NOTSET,
        retry_exponential_backoff: Any = NOTSET,
        max_retry_delay: Any = NOTSET,
        retry_policy: Any = NOTSET,
        start_date: Any = NOTSET,
        end_date: Any = NOTSET,
        depends_on_past: Any = NOTSET,
        ignore_first_depends_on_past: Any = NOTSET,
        wait_for_past_depends_before_skipping: Any = NOTSET,
        wait_for_downstream: Any = NOTSET,
        dag: DAG | None = None,
        params: Any = None,
        default_args: dict[str, Any] | None = None,
        priority_weight: Any = NOTSET,
        weight_rule: Any = NOTSET,
        queue: Any = NOTSET,
        pool: Any = NOTSET,
        pool_slots: Any = NOTSET,
        sla: Any = NOTSET,
        execution_timeout: Any = NOTSET,
        on_execute_callback: Any = NOTSET,
        on_failure_callback: Any = NOTSET,
        on_success_callback: Any = NOTSET,
        on_retry_callback: Any = NOTSET,
        on_skipped_callback: Any = NOTSET,
        pre_execute: Any = NOTSET,
        post_execute: Any = NOTSET,
        trigger_rule: Any = NOTSET,
        resources: Any = NOTSET,
        run_as_user: Any = NOTSET,
        map_index_template: Any = NOTSET,
        max_active_tis_per_dag: Any = NOTSET,
        max_active_tis_per_dagrun: Any = NOTSET,
        executor: Any = NOTSET,
        executor_config: Any = NOTSET,
        do_xcom_push: Any = NOTSET,
        multiple_outputs: Any = NOTSET,
        inlets: Any = NOTSET,
        outlets: Any = NOTSET,
        task_group: TaskGroup | None = None,
        doc: Any = NOTSET,
        doc_md: Any = NOTSET,
        doc_json: Any = NOTSET,
        doc_yaml: Any = NOTSET,
        doc_rst: Any = NOTSET,
        task_display_name: Any = NOTSET,
        logger_name: Any = NOTSET,
        allow_nested_operators: Any = NOTSET,
        render_template_as_native_obj: Any = NOTSET,
        **kwargs: Any,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in arguments.DEFAULTS}
        about = f"task {task_id!r}" + (f" of DAG {dag.dag_id!r}" if dag is not None else "")
        check_key(task_id, "task", about=about)
        kwargs.pop("_airflow_mapped_validation_only", None)
        arguments.translate_old(about, kwargs)
        given.update({name: kwargs.pop(name) for name in list(kwargs) if name in arguments.DEFAULTS})
        if kwargs:
            known = {name for cls in type(self).__mro__ for name in getattr(vars(cls).get("__init__"), "_named", ())}
            known |= {name for cls in type(self).__mro__ for name in vars(cls).get("_extra", ())}
            raise errors.unknown_arguments(f"{about} ({type(self).__name__})", kwargs, known)
        self.upstream_task_ids = set()
        self.downstream_task_ids = set()
        self._dag: DAG | None = None
        self.task_group = None
        self.is_setup = False
        self.is_teardown = False
        self.on_failure_fail_dagrun = False
        self.task_id = task_id
        self._settle(about, given)
        self.params = ParamsDict(params)
        if task_group is not None and not self._from_mapped:
            self.task_id = task_group.child_id(task_id)
            task_group.add(self)
        else:
            self.task_group = task_group
        if not self._from_mapped:
            setup_teardown.gather(self)
        if dag is not None:
            self.dag = dag

    _from_mapped: bool
    _instantiated: bool = False

    def _settle(self, about: str, given: Mapping[str, Any]) -> None:
        meaning = registry.meaning()
        for name, value in given.items():
            if value is NOTSET:
                settled = arguments.settled_default(about, name, meaning)
            else:
                settled = arguments.settle(about, name, value)
            if name in _RENAMED:
                self.__dict__[_RENAMED[name]] = settled
            else:
                setattr(self, name, settled)
        if self.__dict__["wait_for_downstream"]:
            self.__dict__["depends_on_past"] = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _SETTLED and self._instantiated:
            value = arguments.settle(f"task {self.task_id!r}", name, value)
        object.__setattr__(self, name, value)
        if self._instantiated and name in self.template_fields and not self._from_mapped and not context.is_running():
            for operator, _ in references(value):
                self.set_upstream(operator)

    @property
    def dag(self) -> DAG:
        """Its DAG."""
        if self._dag is None:
            raise RuntimeError(f"task {self.task_id!r} belongs to no DAG yet")
        return self._dag

    @dag.setter
    def dag(self, dag: Any) -> None:
        from tradewind.sdk.definition import DAG

        if dag is None:
            self._dag = None
            return
        if not isinstance(dag, DAG):
            said = f"dag must be a DAG, got {type(dag).__name__}"
            raise errors.ArgumentProblem.of("wrong-type", f"task {self.task_id!r}", said, "pass the DAG object itself")
        if self._dag is not None and self._dag is not dag:
            said = f"it belongs to DAG {self._dag.dag_id!r} and cannot move to {dag.dag_id!r}"
            raise errors.DagProblem.of(
                "two-dags", f"task {self.task_id!r}", said, "make a task of its own for each DAG"
            )
        self._dag = dag
        if not self._from_mapped and dag.task_dict.get(self.task_id) is not self:
            dag.add_task(self)

    def get_dag(self) -> DAG | None:
        return self.__dict__.get("_dag")

    def has_dag(self) -> bool:
        """Whether it belongs to a DAG."""
        return self._dag is not None

    @classmethod
    def partial(
        cls, *, task_id: str, dag: Any = None, task_group: Any = None, params: Any = None, **kwargs: Any
    ) -> OperatorPartial:
        """Arguments that are the same for all elements; `.expand(...)` gives those that differ."""
        from tradewind.sdk.mapped import OperatorPartial

        return OperatorPartial(cls, task_id=task_id, dag=dag, task_group=task_group, params=params, kwargs=kwargs)

    @property
    def task_type(self) -> str:
        """Name of the operator's class."""
        return type(self).__name__

    @property
    def operator_name(self) -> str:
        """The name that people see, like "@task" for a decorated function."""
        return getattr(self, "custom_operator_name", None) or self.task_type

    @property
    def log(self) -> logging.Logger:
        """The task's logger."""
        name = self.__dict__.get("logger_name")
        parts = ("airflow.task.operators", name or f"{type(self).__module__}.{type(self).__qualname__}")
        return logging.getLogger(".".join(parts))

    @property
    def leaves_only(self) -> bool:
        """Whether nothing stands after it."""
        return not self.downstream_task_ids

    def add_inlets(self, inlets: Sequence[Any]) -> None:
        """Add what the task reads."""
        self.__dict__["inlets"].extend(inlets)

    def add_outlets(self, outlets: Sequence[Any]) -> None:
        """Add what the task writes."""
        self.__dict__["outlets"].extend(outlets)

    def pre_execute(self, context: Any) -> None:
        """Called before `execute`."""
        if (hook := self.__dict__.get("_pre_execute_hook")) is not None:
            hook(context)

    def execute(self, context: Any) -> Any:
        """Do the work; what it returns is the task's XCom."""
        raise NotImplementedError(f"{type(self).__name__} has no execute()")

    def post_execute(self, context: Any, result: Any = None) -> None:
        """Called after `execute`."""
        if (hook := self.__dict__.get("_post_execute_hook")) is not None:
            hook(context, result)

    def on_kill(self) -> None:
        """Called when the task is stopped from outside."""

    def dry_run(self) -> None:
        """Say what the template fields hold."""
        for name in self.template_fields:
            self.log.info("%s: %s", name, getattr(self, name, None))

    def defer(
        self, *, trigger: Any, method_name: str, kwargs: dict[str, Any] | None = None, timeout: Any = None
    ) -> Any:
        """Give the place up until a trigger fires."""
        raise errors.TaskDeferred(trigger=trigger, method_name=method_name, kwargs=kwargs, timeout=timeout)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Go on in a method after a deferral."""
        return getattr(self, next_method)(context, **(next_kwargs or {}))

    def prepare_for_execution(self) -> BaseOperator:
        """The operator to run: this one, since an attempt has its own process."""
        return self

    def get_template_env(self, dag: DAG | None = None) -> jinja2.Environment:
        """The Jinja environment of its DAG."""
        from tradewind import templates

        native: bool | None = self.__dict__.get("render_template_as_native_obj")
        return templates.environment(dag or self.get_dag(), native=native)

    def render_template(
        self, content: Any, context: Any, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render one value."""
        from tradewind import templates

        env = jinja_env or self.get_template_env()
        return templates.render(
            content,
            context,
            env,
            template_ext=tuple(self.template_ext),
            seen=seen_oids,
            fields_of=self.nested_template_fields,
        )

    @staticmethod
    def nested_template_fields(value: Any) -> Sequence[str]:
        """Which attributes of an object inside a template field are templates."""
        found: Sequence[str] = getattr(value, "template_fields", None) or ()
        return found

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render all template fields in place. No Jinja environment is made where no field holds a template."""
        from tradewind import templates

        names = [self.template_fields] if isinstance(self.template_fields, str) else self.template_fields
        extensions = tuple(self.template_ext)
        markers = templates.markers_of(self.get_dag(), native=self.__dict__.get("render_template_as_native_obj"))
        with_text = []
        for name in names:
            value = getattr(self, name, None) if name in self.__dict__ or hasattr(self, name) else NOTSET
            has_text = templates.has_text(value, extensions, markers=markers, fields_of=self.nested_template_fields)
            if value is NOTSET or has_text or _has_own_kind(value):
                with_text.append(name)
            elif (found := templates.resolved(value, context)) is not value:
                setattr(self, name, found)
        if with_text:
            env = jinja_env or self.get_template_env()
            templates.render_fields(
                self,
                tuple(with_text),
                context,
                env,
                template_ext=extensions,
                fields_of=self.nested_template_fields,
            )

    def resolve_template_files(self) -> None:
        """Nothing to do before: template files are read when they are rendered."""

    @staticmethod
    def xcom_push(context: Any, key: str, value: Any) -> None:
        """Push an XCom of the running task."""
        context["ti"].xcom_push(key=key, value=value)

    @staticmethod
    def xcom_pull(context: Any, *args: Any, **kwargs: Any) -> Any:
        """Pull XComs of the run."""
        return context["ti"].xcom_pull(*args, **kwargs)


def _has_own_kind(value: Any) -> bool:
    """Whether a field is of a kind whose inside only the renderer knows."""
    return type(value) not in _PLAIN_KINDS and not hasattr(value, "resolve")


_PLAIN_KINDS = frozenset({str, list, tuple, set, dict, int, float, bool, bytes, type(None)})
_RENAMED = {
    "pre_execute": "_pre_execute_hook",
    "post_execute": "_post_execute_hook",
    "task_display_name": "_task_display_name",
}
_SETTLED = frozenset(
    {"trigger_rule", "retry_delay", "max_retry_delay", "start_date", "end_date", "retries", *arguments.CALLBACKS}
)
