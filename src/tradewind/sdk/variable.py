"""`Variable`: texts kept by name, read and written by user code."""

from __future__ import annotations

import json
from typing import Any

from tradewind.sdk import errors, supervision
from tradewind.sdk.unset import NOTSET


class Variable:
    """`Variable.get(key)`; values are texts, or JSON where asked so."""

    def __init__(self, key: str, value: Any = None, description: str | None = None) -> None:
        self.key = key
        self.val = value
        self.value = value
        self.description = description

    @classmethod
    def get(
        cls, key: str, default: Any = NOTSET, deserialize_json: bool = False, default_var: Any = NOTSET, **_: Any
    ) -> Any:
        """The value, or the default where there is none. Raises KeyError without a default.

        `default_var` is Airflow 2's name of the default.
        """
        found = supervision.current().get_variable(key)
        if found is None:
            fallback = default if default is not NOTSET else default_var
            if fallback is NOTSET:
                raise VariableNotFound(key)
            return fallback
        return json.loads(found) if deserialize_json else found

    @classmethod
    def set(cls, key: str, value: Any, description: str | None = None, serialize_json: bool = False, **_: Any) -> None:
        """Write a value."""
        text = json.dumps(value, indent=2) if serialize_json else str(value)
        supervision.current().set_variable(key, text, description or "")

    @classmethod
    def setdefault(cls, key: str, default: Any, description: str | None = None, deserialize_json: bool = False) -> Any:
        """The value; where there is none, the default is written first."""
        found = cls.get(key, None, deserialize_json=deserialize_json)
        if found is not None:
            return found
        if default is None:
            raise ValueError("setdefault needs a default that is not None")
        cls.set(key, default, description, serialize_json=deserialize_json)
        return default

    @classmethod
    def delete(cls, key: str, **_: Any) -> None:
        """Take a Variable away."""
        supervision.current().delete_variable(key)


class VariableNotFound(KeyError, errors.AirflowNotFoundException, errors.AirflowRuntimeError):
    """There is no such Variable: caught as Airflow 2 raises it (KeyError) and as Airflow 3 does."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no Variable {key!r}")
        self.error = str(self)
        self.key = key
        self.hint = f"make it, for example by AIRFLOW_VAR_{key.upper()} in the environment, or give a default"

    def __str__(self) -> str:
        return str(self.args[0])
