"""Parameters of DAGs and tasks: a default, a description and a JSON schema that every value must keep to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from tradewind.model import dagspec, param_schema
from tradewind.sdk import errors
from tradewind.sdk.resolving import ResolveMixin
from tradewind.sdk.unset import NOTSET


class Param:
    """One parameter: `Param(default, description=..., type="integer", minimum=1, ...)`; the rest is its JSON schema."""

    CLASS_IDENTIFIER = "__class"

    def __init__(
        self, default: Any = NOTSET, description: str | None = None, source: str | None = None, **kwargs: Any
    ) -> None:
        schema = kwargs.pop("schema", kwargs)
        _check_json(default)
        self.value = default
        self.description = description
        self.source = source
        self.schema: dict[str, Any] = dict(schema or {})

    @property
    def has_value(self) -> bool:
        """Whether there is a value; a parameter without one must be given with the run."""
        return self.value is not NOTSET and self.value is not None

    def resolve(self, value: Any = NOTSET, suppress_exception: bool = False, name: str = "") -> Any:
        """The value, checked against the schema. Raises ParamValidationError."""
        if value is not NOTSET:
            _check_json(value)
        found = self.value if value is NOTSET else value
        about = f"param {name!r}" if name else "a param"
        if found is NOTSET:
            if suppress_exception:
                return None
            raise errors.ParamValidationError.of(
                "param-without-value", about, "it has no value", "give one with the run, or a default in the DAG file"
            )
        if self.schema and (problem := param_schema.violation(found, self.schema)) is not None:
            if suppress_exception:
                return None
            raise errors.ParamValidationError.of(
                "bad-param", about, problem, "the schema is given by the DAG file, at its Param(...)"
            )
        self.value = found
        return found

    def dump(self) -> dict[str, Any]:
        """Value, description and schema as a dict."""
        return {
            "value": None if self.value is NOTSET else self.value,
            "description": self.description,
            "schema": self.schema,
        }

    def spec(self) -> dagspec.ParamSpec:
        """The parameter as data."""
        return dagspec.ParamSpec(
            value=None if self.value is NOTSET else _plain(self.value),
            has_default=self.value is not NOTSET,
            schema=_plain(_with_text_keys(self.schema)),
            description=self.description,
        )

    def __copy__(self) -> Param:
        return Param(self.value, self.description, self.source, schema=self.schema)

    def __repr__(self) -> str:
        return f"Param({self.value!r}, schema={self.schema!r})"


class ParamsDict(MutableMapping[str, Any]):
    """Parameters by name; reading gives values, `get_param` the parameter itself."""

    def __init__(self, dict_obj: Any = None, suppress_exception: bool = False) -> None:
        self.suppress_exception = suppress_exception
        self._params: dict[str, Param] = {}
        if dict_obj is not None:
            if not isinstance(dict_obj, (Mapping, ParamsDict)):
                said = f"params must be a dict, got {type(dict_obj).__name__}: {dict_obj!r}"
                raise errors.ArgumentProblem.of("wrong-type", "params", said, "write {'name': default, ...}")
            source = dict_obj.raw() if isinstance(dict_obj, ParamsDict) else dict_obj
            for name, value in source.items():
                self._params[name] = value.__copy__() if isinstance(value, Param) else Param(value)

    def raw(self) -> dict[str, Param]:
        """The parameters themselves."""
        return dict(self._params)

    def get_param(self, key: str) -> Param:
        """One parameter itself."""
        return self._params[key]

    def __getitem__(self, key: str) -> Any:
        return self._params[key].resolve(suppress_exception=self.suppress_exception, name=key)

    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, Param):
            self._params[key] = value
        elif key in self._params:
            self._params[key].resolve(value, self.suppress_exception, name=key)
        else:
            self._params[key] = Param(value)

    def __delitem__(self, key: str) -> None:
        del self._params[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def __contains__(self, key: object) -> bool:
        return key in self._params

    def dump(self) -> dict[str, Any]:
        """Values by name."""
        return {name: self[name] for name in self._params}

    def validate(self) -> dict[str, Any]:
        """Values by name, each checked. Raises ParamValidationError."""
        return self.dump()

    def deep_merge(self, data: Mapping[str, Any]) -> None:
        """Take values over, dict into dict."""
        for name, value in data.items():
            old = self._params[name].value if name in self._params else None
            self[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value

    def filter_params_by_source(self, source: str) -> ParamsDict:
        """Those that a DAG or a task brought."""
        return ParamsDict({name: param for name, param in self._params.items() if param.source == source})

    def __repr__(self) -> str:
        return f"ParamsDict({self._params!r})"


class DagParam(ResolveMixin):
    """A parameter of the DAG, passed on as an argument: its value once the task runs."""

    def __init__(self, current_dag: Any, name: str, default: Any = NOTSET) -> None:
        if default is not NOTSET:
            current_dag.params[name] = default
        self._name = name
        self._default = default

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """No task is asked for it."""
        return iter(())

    def resolve(self, context: Mapping[str, Any]) -> Any:
        run = context.get("dag_run")
        conf = getattr(run, "conf", None) or {}
        if self._name in conf:
            return conf[self._name]
        params = context.get("params") or {}
        if self._name in params:
            return params[self._name]
        if self._default is not NOTSET:
            return self._default
        raise errors.AirflowException(f"param {self._name!r} has no value in this run")

    def __repr__(self) -> str:
        return f"DagParam({self._name!r})"


def for_run(dag: Any, task: Any, conf: Mapping[str, Any] | None) -> dict[str, Any]:
    """Values of a run's parameters: the DAG's, the task's over them, conf over both. Raises ParamValidationError."""
    found = ParamsDict(dag.params)
    for name, param in (task.params.raw() if task is not None else {}).items():
        found[name] = param.__copy__()
    for name, value in (conf or {}).items():
        found[name] = value
    return found.validate()


def _merged(old: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(old)
    for name, value in new.items():
        before = found.get(name)
        found[name] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return found


def _check_json(value: Any) -> None:
    if value is NOTSET or value is None or isinstance(value, (str, int, float, bool)):
        return
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        said = f"a param's value must be JSON, got {type(value).__name__}: {value!r}"
        hint = "give a text, number, list or dict; a moment as its ISO text"
        raise errors.ParamValidationError.of("param-not-json", "a param", said, hint) from None


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _with_text_keys(value: Any) -> Any:
    """Keys as texts, None as "None": so Airflow writes them, and its forms look for them (`values_display`)."""
    if isinstance(value, dict):
        return {str(key): _with_text_keys(one) for key, one in value.items()}
    return [_with_text_keys(one) for one in value] if isinstance(value, list) else value
