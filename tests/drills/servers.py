"""Servers of a drill's own, beside those that every test has: a PostgreSQL on TCP, its standby, a PgBouncer before it,
certificates."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev import services

PGBOUNCER = shutil.which("pgbouncer")
PASSWORD = "spaces and / in it"


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL that listens on `localhost`, in a folder of its own."""

    folder: Path
    port: int
    programs: Path

    @property
    def source(self) -> str:
        """Where its superuser finds it, in libpq's words."""
        return f"host={self.folder} port={self.port} user=postgres"

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs, as the user that its server runs as, which is never root."""
        command = [str(self.programs / program), *arguments]
        done = subprocess.run(command, user=_user(), cwd="/", capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    def ask(self, query: str, database: str = "postgres") -> str:
        """The first value that a query as superuser gives."""
        return str(self.rows(query, database)[0][0])

    def rows(self, query: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """What a query as superuser gives."""
        with self._connect(database) as connection:
            return connection.execute(query.encode()).fetchall()

    def execute(self, statement: str, database: str = "postgres") -> None:
        """As superuser."""
        with self._connect(database) as connection:
            connection.execute(statement.encode())

    def _connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(f"{self.source} dbname={database}", autocommit=True)


def cluster(folder: Path, programs: Path) -> Cluster:
    """A new one, not yet started: the role `appmax` has PASSWORD, and its database is `appmax_checkout`."""
    made = Cluster(folder, services.free_port(), programs)
    give(folder)
    options = ["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--data-checksums"]
    made.run("initdb", f"--pgdata={folder}/data", *options)
    return made


def standby_of(primary: Cluster, folder: Path) -> Cluster:
    """A copy of a running one that follows it, not yet started."""
    folder.mkdir()
    give(folder)
    standby = Cluster(folder, services.free_port(), primary.programs)
    options = [f"--dbname={primary.source}", f"--pgdata={folder}/data", "--write-recovery-conf", "--checkpoint=fast"]
    standby.run("pg_basebackup", *options)
    return standby


@contextmanager
def running(made: Cluster, *, inside: Sequence[str] = (), **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """PostgreSQL, until it is left; `settings` are those of postgresql.conf. `inside`: a command that is given as root
    and runs the rest of its line elsewhere, such as `ip netns exec`."""
    own = {"port": str(made.port), "unix_socket_directories": str(made.folder), "fsync": "off"}
    options = [f"--{name}={value}" for name, value in ({"listen_addresses": "localhost"} | settings | own).items()]
    command = [str(made.programs / "postgres"), "-D", str(made.folder / "data"), *options]
    if inside:
        command = [*inside, "setpriv", f"--reuid={_user()}", f"--regid={_user()}", "--clear-groups", *command]
    with (made.folder / "log").open("ab") as log:
        process = subprocess.Popen(command, user=None if inside else _user(), cwd="/", stdout=log, stderr=log)
    try:
        wait_for(lambda: made.ask("SELECT 1"), process, made.folder / "log")
        yield process
    finally:
        process.send_signal(signal.SIGINT)  # connections are closed, not waited for
        process.wait(timeout=20)


def crash(process: subprocess.Popen[bytes]) -> None:
    """kill -9, of the server and all its processes at once, as when a machine dies."""
    server = psutil.Process(process.pid)
    for one in (server, *server.children()):
        with suppress(psutil.NoSuchProcess):  # the others end by themselves when the server is gone
            one.kill()
    process.wait(timeout=10)


@dataclass(frozen=True)
class Bouncer:
    """A PgBouncer in transaction mode, for any database and for the role `appmax`."""

    port: int
    folder: Path
    settings: str  # more lines of its section [pgbouncer]

    def lead_to(self, host: str, port: int | str) -> None:
        """Write its configuration, which it reads when it starts and at a HUP."""
        (self.folder / "users").write_text('"appmax" ""\n')
        (self.folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={host} port={port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"pool_mode = transaction\nauth_type = trust\nauth_file = {self.folder}/users\n{self.settings}\n"
        )


@contextmanager
def bouncing(bouncer: Bouncer) -> Iterator[subprocess.Popen[bytes]]:
    """Until it is left."""
    # It refuses to be root, and only PostgreSQL's own user reaches its socket.
    user = ["-u", name] if (name := _user()) else []
    process = subprocess.Popen(
        [str(PGBOUNCER), "-q", *user, str(bouncer.folder / "pgbouncer.ini")], stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=10)


def wait_for(connects: Callable[[], object], process: subprocess.Popen[bytes], log: Path) -> None:
    """Until a new server answers; raises AssertionError with its log if it ends."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            connects()
        except (psycopg.OperationalError, OSError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server doesn't answer: " + log.read_text())


def give(path: Path) -> None:
    """To the user that PostgreSQL runs as, with all that is in it."""
    if user := _user():
        for one in (path, *path.rglob("*")):
            shutil.chown(one, user)


def _user() -> str | None:
    """Root may not run PostgreSQL, so this is the user that the embedded one has made for itself."""
    return "pgserver" if os.getuid() == 0 else None


@dataclass(frozen=True)
class Authority:
    """Makes certificates for `localhost` alone, so that 127.0.0.1 is a wrong name."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @property
    def certificate(self) -> str:
        """The file that clients believe."""
        return str(self.folder / "ca.pem")

    def issue(self, name: str) -> tuple[str, str]:
        """The files of a certificate for `localhost` and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        made = _certificate(subject, self.name, key.public_key()).add_extension(names, critical=False)
        return _written(self.folder / f"{name}.pem", made.sign(self.key, hashes.SHA256())), _kept(
            self.folder / name, key
        )


def authority(folder: Path) -> Authority:
    """A new one, in a new folder."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.name)])
    own = _certificate(name, name, key.public_key())
    own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    own = own.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    _written(folder / "ca.pem", own.sign(key, hashes.SHA256()))
    return Authority(folder, key, name)


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))


def _written(path: Path, certificate: x509.Certificate) -> str:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return str(path)


def _kept(path: Path, key: ec.EllipticCurvePrivateKey) -> str:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(path)
