"""The arguments that every task has: their defaults, their types, and how a given value becomes the kept one.

Ordinary and mapped tasks settle them alike, so a mapped task's `retries="3"` is refused or read like any other's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from tradewind.sdk import configuration, errors, registry, timezone
from tradewind.sdk.states import OLD_TRIGGER_RULES, TriggerRule, WeightRule

DEFAULTS: dict[str, Any] = {
    "owner": "airflow",
    "email": None,
    "email_on_retry": True,
    "email_on_failure": True,
    "retries": 0,
    "retry_delay": timedelta(seconds=300),
    "retry_exponential_backoff": 0,
    "max_retry_delay": None,
    "retry_policy": None,
    "start_date": None,
    "end_date": None,
    "depends_on_past": False,
    "ignore_first_depends_on_past": False,
    "wait_for_past_depends_before_skipping": False,
    "wait_for_downstream": False,
    "priority_weight": 1,
    "weight_rule": WeightRule.DOWNSTREAM,
    "queue": "default",
    "pool": "default_pool",
    "pool_slots": 1,
    "sla": None,
    "execution_timeout": None,
    "on_execute_callback": None,
    "on_failure_callback": None,
    "on_success_callback": None,
    "on_retry_callback": None,
    "on_skipped_callback": None,
    "pre_execute": None,
    "post_execute": None,
    "trigger_rule": TriggerRule.ALL_SUCCESS,
    "resources": None,
    "run_as_user": None,
    "map_index_template": None,
    "max_active_tis_per_dag": None,
    "max_active_tis_per_dagrun": None,
    "executor": None,
    "executor_config": None,
    "do_xcom_push": True,
    "multiple_outputs": False,
    "inlets": None,
    "outlets": None,
    "doc": None,
    "doc_md": None,
    "doc_json": None,
    "doc_yaml": None,
    "doc_rst": None,
    "task_display_name": None,
    "logger_name": None,
    "allow_nested_operators": True,
    "render_template_as_native_obj": None,
}
"""Every common argument but those that say where the task belongs, with its default in Airflow 3."""

CALLBACKS = tuple(name for name in DEFAULTS if name.endswith("_callback"))

_TEXT, _NUMBER, _YES, _SPAN, _WHEN = "a text", "a whole number", "True or False", "a timedelta", "a datetime"
_TEXTS = (
    "owner", "queue", "pool", "run_as_user", "map_index_template", "executor", "doc", "doc_md", "doc_json", "doc_yaml",
    "doc_rst", "task_display_name", "logger_name",
)  # fmt: skip
_SWITCHES = (
    "email_on_retry", "email_on_failure", "depends_on_past", "ignore_first_depends_on_past",
    "wait_for_past_depends_before_skipping", "wait_for_downstream", "do_xcom_push", "multiple_outputs",
    "allow_nested_operators",
)  # fmt: skip
_COUNTS = ("priority_weight", "pool_slots", "max_active_tis_per_dag", "max_active_tis_per_dagrun")
_TYPES: dict[str, tuple[tuple[type, ...], str, str]] = {
    **dict.fromkeys(_TEXTS, ((str,), _TEXT, "put it in quotes")),
    **dict.fromkeys(_SWITCHES, ((bool,), _YES, "write True or False without quotes")),
    **dict.fromkeys(_COUNTS, ((int,), _NUMBER, "write it without quotes or fraction")),
    "email": ((str, list, tuple, set), "a text or a list of texts", "give the address in quotes"),
    "retry_exponential_backoff": ((bool, int, float), "a number, True or False", "True doubles the delay each time"),
    "retry_delay": ((timedelta, int, float), _SPAN, "for example timedelta(minutes=5)"),
    "max_retry_delay": ((timedelta, int, float), _SPAN, "for example timedelta(hours=1)"),
    "execution_timeout": ((timedelta,), _SPAN, "for example timedelta(minutes=30)"),
    "sla": ((timedelta,), _SPAN, "for example timedelta(hours=1)"),
    "start_date": ((datetime,), _WHEN, "for example pendulum.datetime(2026, 1, 1)"),
    "end_date": ((datetime,), _WHEN, "for example pendulum.datetime(2026, 1, 1)"),
    "executor_config": ((Mapping,), "a dict", "for example {'pod_override': V1Pod(...)}"),
}  # fmt: skip


def settle(about: str, name: str, value: Any) -> Any:
    """Check one common argument and bring it into its kept form. Raises ArgumentProblem or ValueProblem."""
    if name in _TYPES:
        kinds, words, hint = _TYPES[name]
        errors.expect("wrong-type", about, name, value, kinds, words=words, hint=hint)
    if name in CALLBACKS:
        return _callables(about, name, value)
    convert = _CONVERT.get(name)
    return value if convert is None else convert(about, value)


def settled_default(about: str, name: str, meaning: str) -> Any:
    """A common argument that nobody gave, in its kept form: of most of the fifty that is the default as it stands."""
    value = default_of(name, meaning)
    return settle(about, name, value) if name in _CONVERT or name in CALLBACKS else value


def _callables(about: str, name: str, value: Any) -> list[Any]:
    if not value:
        return []
    found = list(value) if isinstance(value, (list, tuple, set)) else [value]
    for one in found:
        if not callable(one):
            said = f"{name} must be a function or a list of them, got {type(one).__name__}: {one!r}"
            raise errors.ArgumentProblem.of("wrong-type", about, said, "pass the function itself, without calling it")
    return found


def _retries(about: str, value: Any) -> int:
    if value is None:
        return 0
    try:
        return int(value)
    except (TypeError, ValueError):
        said = f"retries must be a whole number, got {type(value).__name__}: {value!r}"
        raise errors.ArgumentProblem.of("wrong-type", about, said, "write it without quotes or fraction") from None


def _span(_about: str, value: Any) -> timedelta | None:
    return value if value is None or isinstance(value, timedelta) else timedelta(seconds=value)


def _delay(_about: str, value: Any) -> timedelta:
    found = _span(_about, value)
    default: timedelta = DEFAULTS["retry_delay"]
    return default if found is None else found


def _backoff(_about: str, value: Any) -> float:
    return 2.0 if value is True else float(value or 0)


def _trigger_rule(about: str, value: Any) -> TriggerRule:
    text = str(getattr(value, "value", value))
    if text in OLD_TRIGGER_RULES:
        return OLD_TRIGGER_RULES[text]
    try:
        return TriggerRule(text)
    except ValueError:
        import difflib

        near = difflib.get_close_matches(text, TriggerRule.all_triggers(), n=1)
        hint = f"is {near[0]!r} meant?" if near else f"one of {', '.join(sorted(TriggerRule.all_triggers()))}"
        raise errors.ValueProblem.of("bad-trigger-rule", about, f"there is no trigger rule {value!r}", hint) from None


def _weight_rule(about: str, value: Any) -> Any:
    text = getattr(value, "value", value)
    if isinstance(text, str) and "." in text:
        said, hint = f"weight_rule is a strategy of its own, {text}", "use downstream, upstream or absolute"
        raise errors.DagProblem.of("not-here-yet", about, said, hint + "; strategies of plug-ins are a later step")
    if isinstance(text, str) and not WeightRule.is_valid(text):
        said = f"there is no weight rule {value!r}"
        raise errors.ValueProblem.of("bad-weight-rule", about, said, "one of absolute, downstream, upstream")
    return WeightRule(text) if isinstance(text, str) else value


def _pool_slots(about: str, value: Any) -> int:
    slots = 1 if value is None else int(value)
    if slots < 1:
        said = f"pool_slots must be at least 1, got {value!r}"
        raise errors.ValueProblem.of("bad-pool-slots", about, said, "a task takes at least one slot")
    return slots


def _several(_about: str, value: Any) -> list[Any]:
    if not value:
        return []
    return list(value) if isinstance(value, (list, tuple, set)) else [value]


_CONVERT: dict[str, Callable[[str, Any], Any]] = {
    "retries": _retries,
    "retry_delay": _delay,
    "max_retry_delay": _span,
    "retry_exponential_backoff": _backoff,
    "trigger_rule": _trigger_rule,
    "weight_rule": _weight_rule,
    "pool": lambda _about, value: value or "default_pool",
    "pool_slots": _pool_slots,
    "start_date": lambda _about, value: timezone.convert_to_utc(value),
    "end_date": lambda _about, value: timezone.convert_to_utc(value),
    "executor_config": lambda _about, value: value or {},
    "inlets": _several,
    "outlets": _several,
}

_OLD = {"task_concurrency": "max_active_tis_per_dag", "max_active_tis_per_dag": "max_active_tis_per_dag"}
_WITHOUT_EFFECT = {"provide_context": "the context is always there for functions that name it"}


def translate_old(about: str, given: dict[str, Any]) -> None:
    """Bring arguments of Airflow 1 and 2 to their names of today, with a note for the author."""
    if "task_concurrency" in given:
        given.setdefault(_OLD["task_concurrency"], given.pop("task_concurrency"))
        registry.note(f"{about}: task_concurrency is called max_active_tis_per_dag today; it was taken as that")
    for name, why in _WITHOUT_EFFECT.items():
        if name in given:
            given.pop(name)
            registry.note(f"{about}: {name} has no effect; {why}")


def default_of(name: str, meaning: str) -> Any:
    """Default of a common argument in this version of Airflow."""
    if name == "ignore_first_depends_on_past" and meaning == "2":
        return True
    said = configuration.default_of_task(name)
    return DEFAULTS[name] if said is None else said


def merged(dag: Any, group: Any, params: Any, default_args: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Defaults and params that hold for a task: its DAG's, its group's, its own, the later ones first."""
    found: dict[str, Any] = {}
    found_params: dict[str, Any] = {}
    if dag is not None:
        found.update(dag.default_args)
        found_params.update(dag.params.raw())
    if group is not None:
        found.update(group.default_args)
    if default_args is not None:
        if not isinstance(default_args, Mapping):
            said = f"default_args must be a dict, got {type(default_args).__name__}"
            raise errors.ArgumentProblem.of("wrong-type", "default_args", said, "write {'retries': 3, ...}")
        found.update(default_args)
    for more in (found.pop("params", None), params):
        if more:
            found_params.update(more.raw() if hasattr(more, "raw") else more)
    return found, found_params
