"""The kinds of `@task` as functions of their own, as Airflow's modules of decorators have them."""

from __future__ import annotations

from tradewind.sdk.task_decorator import task

bash_task = task.bash
branch_external_python_task = task.branch_external_python
branch_task = task.branch
branch_virtualenv_task = task.branch_virtualenv
external_python_task = task.external_python
python_task = task.python
sensor_task = task.sensor
short_circuit_task = task.short_circuit
virtualenv_task = task.virtualenv
