"""Operators of the file's own."""
from airflow.sdk import DAG, BaseHook, BaseOperator, Variable, get_current_context


class Own(BaseOperator):
    template_fields = ("path", "options")
    template_ext = (".json",)
    template_fields_renderers = {"options": "json"}
    ui_color, ui_fgcolor = "#123456", "#fff"

    def __init__(self, *, path, options=None, conn_id="default", **kwargs):
        super().__init__(**kwargs)
        self.path, self.options, self.conn_id = path, options or {}, conn_id

    def execute(self, context):
        return BaseHook.get_connection(self.conn_id).host, Variable.get("x"), get_current_context()["ds"]


class Deeper(Own):
    def __init__(self, **kwargs):
        super().__init__(path="fixed", **kwargs)


with DAG("sdk_custom", default_args={"conn_id": "from_defaults", "retries": 1}):
    own = Own(task_id="own", path="{{ ds }}")
    own >> Deeper(task_id="deeper", options={"a": own.output})
    Own.partial(task_id="mapped", conn_id="c").expand(path=["a", "b"])
