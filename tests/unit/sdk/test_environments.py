"""Functions in interpreters of their own: what goes there and comes back, what is built, kept and refused."""

from __future__ import annotations

import dataclasses
import logging
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import pendulum
import pytest

from tests.unit.sdk.dags import make, problem_of
from tradewind.sdk import errors
from tradewind.sdk.operators import environments, other_interpreter, virtual_environment
from tradewind.sdk.operators.virtual_environment import Wanted

LOG = logging.getLogger("test")
HERE = Path(sys.executable)


def _wheel(folder: Path, name: str = "tiny") -> str:
    """A package of one module, so that nothing is asked of a network."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "ANSWER = 42\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return f"{name} @ file://{path}"


def _call(function: Any, *args: Any, env: dict[str, str] | None = None, **kwargs: Any) -> Any:
    wanted = other_interpreter.Call(function=function, args=args, kwargs=kwargs)
    return other_interpreter.call(HERE, wanted, env=env or dict(os.environ), log=LOG)


def test_an_environment_is_built_once_and_shared_by_two_tasks_at_once(tmp_path: Path) -> None:
    wanted = Wanted(requirements=(_wheel(tmp_path),), system_site_packages=False)
    built: list[subprocess.Popen[bytes]] = []
    found: list[Path] = []

    def ensure() -> None:
        found.append(virtual_environment.ensure(wanted, tmp_path / "kept", LOG, built.append))

    threads = [threading.Thread(target=ensure) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(set(found)), len(built)) == (1, 2)  # one call made it, one filled it
    told = subprocess.run(
        [found[0], "-c", "import tiny; print(tiny.ANSWER)"], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "42"


def test_an_environment_that_was_left_half_built_is_built_anew(tmp_path: Path) -> None:
    wanted = Wanted(requirements=(), system_site_packages=False)
    python = virtual_environment.ensure(wanted, tmp_path, LOG)
    (python.parent.parent / "complete.json").unlink()
    (python.parent.parent / "rest").touch()
    assert virtual_environment.ensure(wanted, tmp_path, LOG) == python
    assert not (python.parent.parent / "rest").exists()


def test_requirements_that_cannot_be_had_fail_with_a_hint_and_leave_nothing(tmp_path: Path) -> None:
    wanted = Wanted(requirements=(f"tiny @ file://{tmp_path}/absent-1.0-py3-none-any.whl",), system_site_packages=False)
    with pytest.raises(virtual_environment.CannotBuild) as caught:
        virtual_environment.ensure(wanted, tmp_path / "kept", LOG)
    assert "installer" in caught.value.hint
    assert list((tmp_path / "kept").glob("venv-*/")) == []


def test_an_environment_that_nobody_used_for_a_month_goes_when_another_is_built(tmp_path: Path) -> None:
    old = virtual_environment.ensure(Wanted(requirements=(), system_site_packages=False), tmp_path, LOG).parent.parent
    os.utime(old / "complete.json", (0, 0))
    new = virtual_environment.ensure(Wanted(requirements=(), system_site_packages=True), tmp_path, LOG)
    assert (old.exists(), new.exists()) == (False, True)


def test_only_what_is_pinned_is_kept_for_longer_than_a_day() -> None:
    assert "202" not in Wanted(requirements=("a==1.0 # why\nb==2.0",), python="x").key().split(sys.prefix)[1]
    assert "202" in Wanted(requirements=("a==1.0", "b>=2.0"), python="x").key().split(sys.prefix)[1]


def test_packages_of_the_host_are_the_systems(tmp_path: Path) -> None:
    for system, code in ((True, 0), (False, 1)):
        python = virtual_environment.ensure(Wanted(requirements=(), system_site_packages=system), tmp_path, LOG)
        assert subprocess.run([python, "-c", "import pendulum"], capture_output=True, check=False).returncode == code


def _echo(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def _kind(moment: Any) -> str:
    return f"{type(moment).__module__}.{type(moment).__name__} {moment.isoformat()}"


def _boom() -> None:
    raise ValueError("bad data")


async def _awaited(value: int) -> int:
    return value + 1


def test_arguments_and_results_go_there_and_come_back() -> None:
    assert _call(_echo, 1, (2, {3}), a=b"x", b={"c": None}) == ((1, (2, {3})), {"a": b"x", "b": {"c": None}})
    assert _call(_awaited, 1) == 2


def test_a_date_is_pendulums_where_that_is_installed_and_a_plain_one_where_it_is_not(tmp_path: Path) -> None:
    moment = pendulum.datetime(2026, 1, 2, 3, tz="Europe/Paris")
    assert _call(_kind, moment) == "pendulum.datetime.DateTime 2026-01-02T03:00:00+01:00"
    bare = virtual_environment.ensure(Wanted(requirements=(), system_site_packages=False), tmp_path, LOG)
    wanted = other_interpreter.Call(function=_kind, args=(moment,), kwargs={})
    assert other_interpreter.call(bare, wanted, env={}, log=LOG) == "datetime.datetime 2026-01-02T03:00:00+01:00"


def test_an_error_there_is_told_here() -> None:
    with pytest.raises(other_interpreter.CallFailed, match="ValueError: bad data"):
        _call(_boom)


@dataclasses.dataclass
class _Local:
    lock: Any


def test_an_argument_that_cannot_be_written_down_is_named() -> None:
    with pytest.raises(errors.AirflowException, match="argument 'b' of _echo"):
        _call(_echo, a=1, b=threading.Lock())


def _with_ti(ti: Any) -> None:
    """Asks for what cannot be given away."""


_WRONG: list[tuple[str, dict[str, Any]]] = [
    ("no-function", {"python_callable": lambda: 1}),
    ("no-function", {"python_callable": print}),
    ("bad-serializer", {"python_callable": _boom, "serializer": "json"}),
    ("wrong-type", {"python_callable": _boom, "python_version": 3.12}),
]


@pytest.mark.parametrize(("code", "arguments"), _WRONG)
def test_what_no_other_interpreter_can_run_is_refused_when_the_file_loads(code: str, arguments: dict[str, Any]) -> None:
    made = lambda: environments.PythonVirtualenvOperator(task_id="t", **arguments)  # noqa: E731
    assert problem_of(lambda: make(made)).code == code


def test_a_key_of_the_context_that_cannot_be_given_away_is_named_with_the_way_out() -> None:
    operator = environments.ExternalPythonOperator(task_id="t", python=str(HERE), python_callable=_with_ti)
    with pytest.raises(errors.AirflowException, match="'ti' of the context cannot be handed"):
        operator.execute({})


def test_one_text_or_a_file_of_requirements_is_a_list_of_one() -> None:
    operator = environments.PythonVirtualenvOperator(task_id="t", python_callable=_boom, requirements="needs.txt")
    assert operator.requirements == ["needs.txt"]
    assert ".txt" in operator.template_ext
