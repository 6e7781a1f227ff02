"""The embedded servers: they start, their variables lead to them, and nothing of them is left afterwards."""

import socket
from pathlib import Path

import psycopg

from dev import services


def test_postgresql_16_stops_although_a_killed_run_stands_in_its_book_keeping() -> None:
    with services.temporary_folder() as folder:
        data = folder / "pg"
        data.mkdir()
        (data / ".handle_pids.json").write_text("[999999]")

        with services.postgres(data) as postgres:
            host, user = postgres.variables["DB_HOST"], postgres.variables["DB_USERNAME"]
            with psycopg.connect(host=host, user=user, dbname=postgres.variables["DB_DATABASE"]) as connection:
                version = connection.info.server_version
            assert postgres.is_running()

        assert version // 10000 == 16
        assert not postgres.is_running()


def test_valkey_answers_where_its_variables_lead_and_stops(tmp_path: Path) -> None:
    with services.redis(tmp_path) as redis:
        address = (redis.variables["REDIS_HOST"], int(redis.variables["REDIS_PORT"]))
        with socket.create_connection(address, timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(16) == b"+PONG\r\n"

    assert not redis.is_running()


def test_what_was_killed_can_be_started_again() -> None:
    with services.temporary_folder() as folder, services.postgres(folder / "pg", throw_away=True) as postgres:
        postgres.kill()
        assert not postgres.is_running()

        postgres.start()
        assert postgres.is_running()

    with services.redis() as redis:
        redis.kill()
        assert not redis.is_running()

        redis.start()
        assert redis.is_running()
