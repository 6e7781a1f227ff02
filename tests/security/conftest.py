"""What is attacked: the web with production's settings under gunicorn, and the shipped nginx in front of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from dev import install
from tests.support.processes import Proxy

AS_A_PROXY_SAYS = {"Host": "localhost", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """What `make install` writes, with this test's database and Redis, one process and 16 threads; `temporary` is the
    folder of temporary files."""
    (tmp_path / "temporary").mkdir()
    return install.keys() | {
        "APP_ENV": "production",
        "APP_URL": "https://localhost",
        "TRUSTED_PROXIES": "1",
        "WEB_CONCURRENCY": "1",
        "WEB_THREADS": "16",
        "TMPDIR": str(tmp_path / "temporary"),
        "DB_DATABASE": connection.settings_dict["NAME"],
        "REDIS_DB": settings.CACHES["default"]["LOCATION"].rpartition("/")[2],
        "REDIS_PASSWORD": "",
        "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
        "SEARCH_HASH_KEYS": ",".join(settings.SEARCH_HASH_KEYS),
        "WEBHOOK_SECRET": "the-apps-own-webhook-token",
    }


@pytest.fixture
def web(transactional_db: None, gunicorn: Callable[..., str], variables: dict[str, str]) -> str:
    """gunicorn's URL: what a proxy reaches. Who asks it directly says what a proxy says, AS_A_PROXY_SAYS."""
    return gunicorn(**variables)


@pytest.fixture
def front(web: str, proxy: Callable[..., Proxy]) -> Proxy:
    """The shipped nginx in front of the web."""
    return proxy(int(web.rpartition(":")[2]))
