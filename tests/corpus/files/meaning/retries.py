"""What exceptions mean for the tries that are left."""

from __future__ import annotations

import datetime

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, ExceptionRetryPolicy, RetryAction, RetryDecision, RetryPolicy, RetryRule
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

SOON = datetime.timedelta(seconds=0)


def raises(error):
    def body():
        raise error

    return body


class Own(RetryPolicy):
    def evaluate(self, exception, try_number, max_tries, context=None):
        if try_number == 2:
            return RetryDecision.fail(f"enough of {max_tries}")
        return RetryDecision.retry(delay=SOON)


class Broken(RetryPolicy):
    def evaluate(self, exception, try_number, max_tries, context=None):
        raise RuntimeError("no idea")


RULES = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=KeyError, action=RetryAction.FAIL, match_subclasses=False, reason="exactly this"),
        RetryRule(exception=["builtins.OSError", "absent.Error"], action=RetryAction.FAIL),
        RetryRule(exception=AirflowException, action=RetryAction.RETRY, retry_delay=SOON),
        RetryRule(exception="builtins.ZeroDivisionError", action=RetryAction.DEFAULT),
    ],
    default=RetryAction.FAIL,
)

with DAG("retries", schedule=None, start_date=datetime.datetime(2026, 1, 1)) as dag:
    for name, error in (
        ("exact", KeyError("x")), ("below", type("Below", (KeyError,), {})("x")), ("of_list", ConnectionError()),
        ("again", AirflowException("x")), ("default", ZeroDivisionError()), ("other", ValueError("x")),
        ("for_good", AirflowFailException("x")), ("skipped", AirflowSkipException("x")), ("left", SystemExit(3)),
    ):
        PythonOperator(task_id=name, python_callable=raises(error), retries=2, retry_delay=SOON, retry_policy=RULES)
    PythonOperator(task_id="own", python_callable=raises(ValueError()), retries=5, retry_delay=SOON, retry_policy=Own())
    PythonOperator(task_id="broken", python_callable=raises(ValueError()), retries=1, retry_delay=SOON, retry_policy=Broken())
    PythonOperator(task_id="none", python_callable=raises(ValueError()), retry_policy=Own())
