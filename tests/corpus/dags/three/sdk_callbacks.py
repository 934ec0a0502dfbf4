"""Callbacks and a notifier."""
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, BaseNotifier, task


class Tell(BaseNotifier):
    template_fields = ("message",)

    def __init__(self, message):
        super().__init__()
        self.message = message

    def notify(self, context):
        print(self.message)


with DAG("sdk_callbacks", on_failure_callback=Tell("{{ dag.dag_id }}"), default_args={"on_retry_callback": Tell("again")}):

    @task(on_success_callback=[Tell("a"), Tell("b")], on_skipped_callback=print)
    def work():
        pass

    work() >> EmptyOperator(task_id="end", on_execute_callback=print)
