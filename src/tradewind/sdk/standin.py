"""Stand-ins for Airflow's names that have nothing behind them here: classes, functions and constants alike.

A DAG file can import one, make one, derive from it, decorate with it and hand it on, so that what stands beside it
loads. What would give the file a value it has not is refused: calling it, reading from it, looping over it, and making
one while a task runs. So nothing is ever computed from a stand-in.
"""

from __future__ import annotations

import functools
from typing import Any, NoReturn

from tradewind.sdk import context, errors


class _Attribute(errors.AirflowFailException, AttributeError):
    """An attribute of a stand-in was read; an AttributeError too, so that `hasattr` has an answer."""

    def __init__(self, refused: Any) -> None:
        super().__init__(str(refused))
        self.problem = refused.problem


class _Name(type):
    """The type of stand-ins: their attributes are stand-ins too, like the members of an enum."""

    classpath: str
    reason: str
    refused: bool

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_") or "classpath" not in vars(cls):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return thing(f"{cls.classpath}.{name}", cls.reason, refused=cls.refused)

    def __iter__(cls) -> NoReturn:
        raise refusal(cls)


class StandIn(metaclass=_Name):
    """What a name stands for; each has a subclass of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if context.is_running():
            raise refusal(type(self))
        self._given = (args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise _Attribute(refusal(type(self), f".{name}"))

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise refusal(type(self))

    __call__ = __iter__ = __getitem__ = __len__ = __enter__ = __await__ = _refuse

    def __bool__(self) -> bool:
        return True


class StandInError(Exception):
    """What stands for an exception: it can be caught, and nothing here raises it."""


def refusal(kind: Any, part: str = "") -> errors.NotHereYet | errors.NotForDagFiles:
    """The error for using a stand-in: which, and why or what instead."""
    known = next(one for one in kind.__mro__ if "classpath" in vars(one))
    name = known.classpath.rpartition(".")[2]
    what = f"{name}{part} ({known.classpath})"
    return errors.NotForDagFiles(what, known.reason) if known.refused else errors.NotHereYet(what, known.reason)


@functools.cache
def thing(classpath: str, reason: str, *, refused: bool = False) -> type[Any]:
    """The stand-in of this dotted name. `refused`: it will not come, and the reason names the way out."""
    module, _, name = classpath.rpartition(".")
    about = {"classpath": classpath, "reason": reason, "refused": refused, "__module__": module, "__doc__": reason}
    if name.endswith(("Error", "Exception")):
        return type(name, (StandInError,), about)
    return _Name(name, (StandIn,), about)
