"""Params as JSON schema."""
from airflow.sdk import DAG, Param, task

with DAG(
    "sdk_params",
    params={
        "flag": True,
        "number": Param(1.5, type="number", exclusiveMinimum=0),
        "object": Param({"a": 1}, type=["object", "null"]),
        "dates": Param("2025-01-01T00:00:00Z", type="string", format="date-time", section="Dates"),
        "many": Param(["a"], type="array", items={"type": "string"}, examples=["a", "b"]),
        "labelled": Param(1, type="integer", enum=[1, 2], values_display={1: "one", 2: "two"}),
        "hidden": Param("x", const="x"),
    },
    render_template_as_native_obj=True,
):

    @task
    def show(params: dict):
        print(params)

    show()
