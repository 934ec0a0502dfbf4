"""Stand-ins let a file load, and never give it a value that it has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tradewind.sdk import context, errors, standin

Thing: Any = standin.thing("airflow.sdk.DeadlineAlert", "deadlines are a later step")
Session: Any = standin.thing("airflow.settings.Session", "ask the API", refused=True)


def test_it_can_be_made_with_anything_while_a_file_loads() -> None:
    assert Thing.__name__ == "DeadlineAlert"
    assert isinstance(Thing(1, interval=2), Thing)


def test_it_can_be_derived_from() -> None:
    class Ours(Thing):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(interval=1)
            self.own = 3

        def twice(self) -> int:
            return int(self.own) * 2

    assert Ours().twice() == 6
    with pytest.raises(AttributeError):
        _ = Ours.nothing


def test_it_can_decorate_a_function_that_is_never_called() -> None:
    @Session  # type: ignore[untyped-decorator]
    def task(session: Any = None) -> None: ...

    with pytest.raises(errors.NotForDagFiles, match=r"Session .* has no counterpart here\nhint: ask the API"):
        task()


def test_its_members_are_stand_ins_too() -> None:
    member = standin.thing("airflow.sdk.RetryAction", "later").RETRY
    assert member is standin.thing("airflow.sdk.RetryAction", "later").RETRY
    assert isinstance(member(), standin.StandIn)


@pytest.mark.parametrize(
    "use",
    [
        lambda one: one(),
        lambda one: one.get_conn(),
        list,
        len,
        lambda one: one["key"],
        lambda one: one.__enter__(),
    ],
)
def test_whatever_would_give_a_value_is_refused(use: Callable[[Any], Any]) -> None:
    with pytest.raises(errors.AirflowFailException, match=r"DeadlineAlert.* cannot run here yet\nhint: deadlines"):
        use(Thing())


def test_an_attribute_that_it_has_not_is_no_attribute() -> None:
    assert not hasattr(Thing(), "get_conn")


def test_a_running_task_cannot_make_one() -> None:
    with context.set_current({"ti": None}), pytest.raises(errors.NotHereYet, match="DeadlineAlert"):
        Thing()


def test_one_that_is_named_like_an_exception_can_be_caught() -> None:
    assert issubclass(standin.thing("airflow.providers.x.exceptions.ThingError", "later"), Exception)
    assert issubclass(standin.thing("airflow.providers.x.exceptions.ThingException", "later"), Exception)
