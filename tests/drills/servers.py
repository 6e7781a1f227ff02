"""Servers of a drill's own, beside those that every test has: a PostgreSQL on TCP, certificates."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev import services

PASSWORD = "spaces and / in it"


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL that listens on `localhost`, in a folder of its own."""

    folder: Path
    port: int
    programs: Path

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs, as the user that its server runs as, which is never root."""
        command = [str(self.programs / program), *arguments]
        subprocess.run(command, user=_user(), cwd="/", check=True, capture_output=True, timeout=60)

    def ask(self, query: str, database: str = "postgres") -> str:
        """The first value that a query as superuser gives."""
        with psycopg.connect(host=str(self.folder), port=self.port, user="postgres", dbname=database) as connection:
            return str((connection.execute(query.encode()).fetchone() or [None])[0])

    def execute(self, statement: str) -> None:
        """As superuser."""
        with psycopg.connect(host=str(self.folder), port=self.port, user="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


def cluster(folder: Path, programs: Path) -> Cluster:
    """A new one, not yet started: the role `appmax` has PASSWORD, and its database is `appmax_checkout`."""
    made = Cluster(folder, services.free_port(), programs)
    give(folder)
    made.run("initdb", f"--pgdata={folder}/data", "--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8")
    return made


@contextmanager
def running(made: Cluster, **settings: str) -> Iterator[None]:
    """PostgreSQL, until it is left; `settings` are those of postgresql.conf."""
    own = {"port": str(made.port), "unix_socket_directories": str(made.folder), "fsync": "off"}
    options = [f"--{name}={value}" for name, value in ({"listen_addresses": "localhost"} | settings | own).items()]
    command = [str(made.programs / "postgres"), "-D", str(made.folder / "data"), *options]
    with (made.folder / "log").open("ab") as log:
        process = subprocess.Popen(command, user=_user(), cwd="/", stdout=log, stderr=log)
    try:
        wait_for(lambda: made.ask("SELECT 1"), process, made.folder / "log")
        yield
    finally:
        process.send_signal(signal.SIGINT)  # connections are closed, not waited for
        process.wait(timeout=20)


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
