"""Names of exceptions and types, used at the top of a file."""
from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.sdk import DAG, Context, DagRunState, TaskInstanceState, task
from airflow.sdk.exceptions import AirflowTimetableInvalid
from airflow.sdk.types import RuntimeTaskInstanceProtocol

KINDS = (AirflowException, AirflowFailException, AirflowSkipException, AirflowTimetableInvalid)
STATES = {TaskInstanceState.SUCCESS, DagRunState.FAILED}


def helper(context: Context, ti: RuntimeTaskInstanceProtocol) -> None:
    raise KINDS[0]


with DAG("sdk_exceptions"):

    @task
    def raises(ti=None):
        raise AirflowFailException("no")

    raises()
