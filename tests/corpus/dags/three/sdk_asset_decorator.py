"""@asset."""
from airflow.sdk import Asset, asset


@asset(schedule="@daily", uri="s3://bucket/one", extra={"a": 1})
def one():
    return 1


@asset(schedule=one)
def two(one, context):
    return 2


@asset.multi(schedule=None, outlets=[Asset("three"), Asset("four")])
def several(self):
    return 3
