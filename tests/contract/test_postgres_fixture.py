"""The PostgreSQL that the fixtures start keeps what it promises: own databases, restarts, no network address, no
traces.
"""

from __future__ import annotations

import pathlib

import psutil
import psycopg
import pytest

from tests.support import postgres


def _tables(database: postgres.Database) -> list[str]:
    with database.connect() as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [str(row[0]) for row in rows]


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_an_empty_database(postgres_database: postgres.Database, turn: int) -> None:
    assert _tables(postgres_database) == []
    with postgres_database.connect() as connection:
        connection.execute("CREATE TABLE mark (id int)")
    assert _tables(postgres_database) == ["mark"]


def test_the_server_listens_on_no_network_address(postgres_cluster: postgres.Cluster) -> None:
    server = psutil.Process(postgres_cluster.pid)
    assert [c for c in server.net_connections("inet") if c.status == psutil.CONN_LISTEN] == []


def test_a_restart_cuts_connections_and_keeps_committed_rows(postgres_database: postgres.Database) -> None:
    connection = postgres_database.connect()
    connection.execute("CREATE TABLE mark (id int)")
    first_pid = postgres_database.cluster.pid
    postgres_database.cluster.restart()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()
    assert postgres_database.cluster.pid != first_pid
    assert _tables(postgres_database) == ["mark"]


@pytest.mark.postgresql
def test_a_durable_cluster_keeps_its_rows_over_a_crash_and_leaves_no_files() -> None:
    with postgres.Cluster.start(durable=True) as cluster, cluster.database() as database:
        with database.connect() as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            connection.execute("CREATE TABLE mark (id int)")
        cluster.restart(immediate=True)
        assert _tables(database) == ["mark"]
        pid, directory = cluster.pid, pathlib.Path(cluster.socket_dir)
    assert not psutil.pid_exists(pid)
    assert not directory.exists()
