"""`BaseOperator`: what a task is, and what users build their own operators on.

A metaclass fills arguments from `default_args` (the DAG's, the group's, the task's own) in every class of a hierarchy
that names them, takes the DAG and group from the open blocks, and draws edges for results in template fields once the
whole constructor is done.
"""

from __future__ import annotations

import abc
import functools
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tradewind.sdk import arguments, context, errors, registry, scope, setup_teardown
from tradewind.sdk.node import Node, check_key
from tradewind.sdk.params import ParamsDict
from tradewind.sdk.resolving import references
from tradewind.sdk.states import TriggerRule
from tradewind.sdk.unset import NOTSET
from tradewind.sdk.xcom_arg import XComArg, operators_of

if TYPE_CHECKING:
    import jinja2

    from tradewind.sdk.definition import DAG
    from tradewind.sdk.group import TaskGroup
    from tradewind.sdk.mapped import OperatorPartial

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class BaseOperatorMeta(abc.ABCMeta):
    """Wraps each constructor so that `default_args` reach it."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> Any:
        made = super().__new__(mcs, name, bases, namespace, **kwargs)
        if "__init__" in namespace:
            made.__init__ = _with_defaults(namespace["__init__"])  # type: ignore[misc]
        return made


def _with_defaults(init: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(init)
    named = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if name != "self" and parameter.kind not in _VARIADIC
    }
    needed = [name for name, p in named.items() if p.default is inspect.Parameter.empty and name != "task_id"]

    @functools.wraps(init)
    def wrapper(self: BaseOperator, *args: Any, **kwargs: Any) -> None:
        if args:
            said = f"arguments must be named, got {len(args)} without a name"
            raise errors.ArgumentProblem.of(
                "positional", f"operator {type(self).__name__}", said, "write task_id='...', and so on"
            )
        from_mapped = bool(kwargs.pop("_airflow_from_mapped", getattr(self, "_from_mapped", False)))
        object.__setattr__(self, "_from_mapped", from_mapped)
        defaults = _prepare(kwargs)
        for name in named:
            if name not in kwargs and name in defaults:
                kwargs[name] = defaults[name]
        if missing := [name for name in needed if name not in kwargs]:
            _refuse_missing(self, missing, kwargs)
        hook = getattr(self, "_hook_apply_defaults", None)
        if hook is not None:
            kwargs = hook(kwargs, defaults)
        self.__dict__.setdefault("_given", {}).update(kwargs)
        init(self, **kwargs, default_args=defaults)
        if type(self).__init__ is wrapper:
            _finish(self)

    wrapper.__dict__["_named"] = frozenset(named)
    return wrapper


def _prepare(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Settle the DAG, the group and the defaults of a task that is being made."""
    dag = kwargs.get("dag")
    if dag is None and (dag := scope.current_dag()) is not None:
        kwargs["dag"] = dag
    group = kwargs.get("task_group")
    if dag is not None and group is None and (group := scope.current_group(dag)) is not None:
        kwargs["task_group"] = group
    defaults, params = arguments.merged(dag, group, kwargs.pop("params", None), kwargs.pop("default_args", None))
    if params:
        kwargs["params"] = params
    return defaults


def _refuse_missing(self: BaseOperator, missing: list[str], kwargs: Mapping[str, Any]) -> None:
    about = f"task {kwargs.get('task_id', '?')!r} ({type(self).__name__})"
    names = ", ".join(repr(name) for name in missing)
    plural = "s" if len(missing) > 1 else ""
    raise errors.ArgumentProblem.of(
        "missing-argument",
        about,
        f"missing keyword argument{plural} {names}",
        "give it to the operator or in default_args",
    )


def _finish(self: BaseOperator) -> None:
    object.__setattr__(self, "_instantiated", True)
    if not self.__dict__["_from_mapped"]:
        for name in self.template_fields:
            if name in self.__dict__:
                XComArg.apply_upstream_relationship(self, self.__dict__[name])


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
        for name, value in given.items():
            chosen = arguments.default_of(name, registry.meaning()) if value is NOTSET else value
            settled = arguments.settle(about, name, chosen)
            if name in _RENAMED:
                self.__dict__[_RENAMED[name]] = settled
            else:
                setattr(self, name, settled)
        if self.__dict__["wait_for_downstream"]:
            self.__dict__["depends_on_past"] = True
        if self.__dict__["sla"] is not None:
            registry.note(f"{about}: sla is not watched for a task yet; deadline= of the DAG is its successor")

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
        return templates.render(content, context, env, template_ext=tuple(self.template_ext), seen=seen_oids)

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render all template fields in place. No Jinja environment is made where no field holds a template."""
        from tradewind import templates

        names = [self.template_fields] if isinstance(self.template_fields, str) else self.template_fields
        extensions = tuple(self.template_ext)
        markers = templates.markers_of(self.get_dag(), native=self.__dict__.get("render_template_as_native_obj"))
        with_text = []
        for name in names:
            value = getattr(self, name, None) if name in self.__dict__ or hasattr(self, name) else NOTSET
            if value is NOTSET or templates.has_text(value, extensions, markers=markers) or _has_own_kind(value):
                with_text.append(name)
            elif (found := templates.resolved(value, context)) is not value:
                setattr(self, name, found)
        if with_text:
            env = jinja_env or self.get_template_env()
            templates.render_fields(self, tuple(with_text), context, env, template_ext=extensions)

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
