"""TLS to PostgreSQL and to Redis, with certificates made here: `/health/ready` is ok over it, and a certificate of
another authority, or for another name, is not believed.

The servers are Debian's: those of the wheels are built without TLS.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis
import requests

from dev import services
from tests.drills import servers
from tests.drills.conftest import manage
from tests.support.processes import wait_until

REDIS = shutil.which("redis-server")
POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
pytestmark = pytest.mark.skipif(
    (REDIS is None or POSTGRES is None) and not os.environ.get("CI"),
    reason="Debian's postgresql or redis-server is missing",
)

SSL_OF_ALL = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'appmax'"


@pytest.fixture
def folder() -> Iterator[Path]:
    with services.temporary_folder() as folder:
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def trusted(folder: Path) -> servers.Authority:
    return servers.authority(folder / "trusted")


@pytest.fixture
def stranger(folder: Path) -> servers.Authority:
    return servers.authority(folder / "stranger")


@pytest.fixture
def postgres(folder: Path, trusted: servers.Authority) -> Iterator[servers.Cluster]:
    """One that takes encrypted connections alone from the product's role."""
    certificate, key = trusted.issue("postgres")
    assert POSTGRES, "Debian's postgresql is not installed"
    (folder / "postgres").mkdir()
    made = servers.cluster(folder / "postgres", POSTGRES)
    (made.folder / "data" / "pg_hba.conf").write_text("local all postgres trust\nhostssl all all all scram-sha-256\n")
    servers.give(trusted.folder)
    with servers.running(made, ssl="on", ssl_cert_file=certificate, ssl_key_file=key):
        made.execute(f"CREATE ROLE appmax LOGIN PASSWORD '{servers.PASSWORD}'")
        made.execute("CREATE DATABASE appmax_checkout OWNER appmax")
        yield made


@contextmanager
def redis_over_tls(authority: servers.Authority, folder: Path) -> Iterator[int]:
    """The port of a Redis that listens on nothing else."""
    certificate, key = authority.issue("redis")
    port = services.free_port()
    options = {
        "--port": "0",
        "--tls-port": str(port),
        "--tls-cert-file": certificate,
        "--tls-key-file": key,
        "--tls-ca-cert-file": authority.certificate,
        "--tls-auth-clients": "no",
        "--bind": "127.0.0.1",
        "--requirepass": "p@ss/word",
        "--save": "",
        "--dir": str(folder),
    }
    log = folder / "redis.log"
    with log.open("wb") as output:
        command = [str(REDIS), *(word for option in options.items() for word in option)]
        process = subprocess.Popen(command, stdout=output)
    try:
        client = redis.Redis("localhost", port, password="p@ss/word", ssl=True, ssl_ca_certs=authority.certificate)
        servers.wait_for(lambda: _answers(client), process, log)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(client: redis.Redis) -> None:
    try:
        client.ping()
    except redis.ConnectionError as error:
        raise OSError from error


def test_everything_is_ready_over_tls(
    folder: Path,
    trusted: servers.Authority,
    postgres: servers.Cluster,
    environment: dict[str, str],
    gunicorn: Callable[..., str],
    worker: Callable[..., subprocess.Popen[bytes]],
) -> None:
    """By the parts for PostgreSQL and a URL for Redis."""
    with redis_over_tls(trusted, folder) as port:
        variables = environment | {
            "DB_HOST": "localhost",
            "DB_PORT": str(postgres.port),
            "DB_DATABASE": "appmax_checkout",
            "DB_USERNAME": "appmax",
            "DB_PASSWORD": servers.PASSWORD,
            "DB_SSLMODE": "verify-full",
            "DB_SSLROOTCERT": trusted.certificate,
            "CACHE_DRIVER": "redis",
            "REDIS_HOST": "",
            "REDIS_PORT": "",
            "REDIS_DB": "",
            "REDIS_URL": f"rediss://:{quote('p@ss/word', safe='')}@localhost:{port}/0",
            "REDIS_SSLROOTCERT": trusted.certificate,
        }
        manage(variables, "migrate")
        url = gunicorn(**variables)
        worker(**variables)

        wait_until(lambda: readiness(url)["status"] == "ok", seconds=30)

        assert readiness(url)["checks"] == dict.fromkeys(
            ("cache", "database", "migrations", "questions", "worker"), "ok"
        )
        assert postgres.ask(SSL_OF_ALL) == "True"


@pytest.mark.parametrize(
    ("mode", "host", "authority", "reason"),
    [
        ("verify-full", "localhost", "stranger", "certificate verify failed"),
        ("verify-ca", "localhost", "stranger", "certificate verify failed"),
        ("verify-full", "127.0.0.1", "trusted", "does not match host name"),
        ("disable", "localhost", "", "no encryption"),
    ],
)
def test_postgresql_with_a_wrong_certificate_is_not_spoken_to(
    request: pytest.FixtureRequest, postgres: servers.Cluster, mode: str, host: str, authority: str, reason: str
) -> None:
    certificate = request.getfixturevalue(authority).certificate if authority else ""

    with pytest.raises(subprocess.CalledProcessError) as caught:
        manage(by_url(postgres, host) | {"DB_SSLMODE": mode, "DB_SSLROOTCERT": certificate}, "migrate")

    assert reason in caught.value.stderr
    assert servers.PASSWORD not in caught.value.stderr


def test_verify_ca_asks_for_no_name(trusted: servers.Authority, postgres: servers.Cluster) -> None:
    variables = by_url(postgres, "127.0.0.1") | {"DB_SSLMODE": "verify-ca", "DB_SSLROOTCERT": trusted.certificate}

    assert "[ ] 0001_initial" in manage(variables, "showmigrations", "orders")


@pytest.mark.parametrize(
    ("host", "authority", "state"),
    [
        ("localhost", "trusted", "ok"),
        ("localhost", "stranger", "degraded"),
        ("127.0.0.1", "trusted", "degraded"),
        ("localhost", "", "degraded"),  # the system knows none of these authorities
    ],
)
def test_redis_with_a_wrong_certificate_is_a_cache_that_is_away(
    request: pytest.FixtureRequest,
    folder: Path,
    trusted: servers.Authority,
    environment: dict[str, str],
    gunicorn: Callable[..., str],
    host: str,
    authority: str,
    state: str,
) -> None:
    with redis_over_tls(trusted, folder) as port:
        tls = {"REDIS_HOST": host, "REDIS_PORT": str(port), "REDIS_PASSWORD": "p@ss/word", "REDIS_TLS": "true"}
        certificate = request.getfixturevalue(authority).certificate if authority else ""

        url = gunicorn(**environment | tls | {"CACHE_DRIVER": "redis", "REDIS_SSLROOTCERT": certificate})

        assert readiness(url)["checks"]["cache"] == state


def by_url(postgres: servers.Cluster, host: str) -> dict[str, str]:
    """Variables that lead to it, by the URL."""
    place = f"postgresql://appmax:{quote(servers.PASSWORD, safe='')}@{host}:{postgres.port}/appmax_checkout"
    parts = ("DB_HOST", "DB_PORT", "DB_DATABASE", "DB_USERNAME", "DB_PASSWORD", "DB_SSLMODE")
    return dict.fromkeys(parts, "") | {"DATABASE_URL": place}


def readiness(url: str) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(f"{url}/health/ready", timeout=20).json()
    return answer
