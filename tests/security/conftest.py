"""What is attacked: the web with production's settings under gunicorn, and the shipped nginx in front of it."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connection

from dev import install
from tests.support.processes import Proxy, ended_afterwards, start_gunicorn

AS_A_PROXY_SAYS = {"Host": "localhost", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}


@pytest.fixture(scope="module")
def variables(django_db_setup: None, cache_number: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `make install` writes, with this worker's database and Redis, one process and 16 threads; `TMPDIR` is its
    own folder of temporary files."""
    return install.keys() | {
        "APP_ENV": "production",
        "APP_URL": "https://localhost",
        "TRUSTED_PROXIES": "1",
        "WEB_CONCURRENCY": "1",
        "WEB_THREADS": "16",
        "TMPDIR": str(tmp_path_factory.mktemp("temporary")),
        "DB_DATABASE": connection.settings_dict["NAME"],
        "REDIS_DB": cache_number,
        "REDIS_PASSWORD": "",
        "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
        "SEARCH_HASH_KEYS": ",".join(settings.SEARCH_HASH_KEYS),
        "WEBHOOK_SECRET": "the-apps-own-webhook-token",
    }


@pytest.fixture(scope="module")
def running(variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gunicorn for all tests of a module, whose URL this is."""
    with ended_afterwards() as processes:
        yield start_gunicorn(processes, tmp_path_factory.mktemp("web") / "gunicorn.log", variables)


@pytest.fixture
def web(running: str, transactional_db: None) -> str:
    """gunicorn's URL: what a proxy reaches. Who asks it directly says what a proxy says, AS_A_PROXY_SAYS."""
    return running


@pytest.fixture
def front(web: str, proxy: Callable[..., Proxy]) -> Proxy:
    """The shipped nginx in front of the web."""
    return proxy(int(web.rpartition(":")[2]))
