"""What every room's tests share: a clean cache, a client that speaks JSON, a race, and a simulated Appmax over HTTP."""

import gc
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from installations.models import Installation
from simulator.server import SimulatorServer
from simulator.settings import SimulatorSettings
from tests.support.costs import pytest_terminal_summary
from tests.support.emptying import quick_emptying
from tests.support.factories import InstallationFactory
from tests.support.processes import gunicorn, processes, proxy
from web import limits

# Fixtures and a hook that are made there.
__all__ = ["gunicorn", "processes", "proxy", "pytest_terminal_summary"]


def pytest_configure() -> None:
    """Python's garbage collector went through all that is imported so often that it took an eighth of the processor."""
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The worker's database, whose tables are emptied in a quicker way than Django's."""
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            stack.enter_context(quick_emptying())
            connection.close()
        yield


@pytest.fixture(scope="session")
def cache_number(worker_id: str) -> str:
    """Which of Redis's databases is this worker's own cache."""
    return worker_id.removeprefix("gw") if worker_id != "master" else "0"


@pytest.fixture(autouse=True)
def _configured(settings: Any, cache_number: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A configured app, and a cache of this worker's own."""
    settings.APPMAX_CLIENT_ID = "app-client"
    settings.APPMAX_CLIENT_SECRET = "app-secret"
    settings.APPMAX_APP_ID_UUID = "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11"
    settings.APPMAX_APP_ID_NUMERIC = "4242"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # Django's own takes 0.2 s a user
    settings.WHITENOISE_AUTOREFRESH = True  # or each Client lists all static files first, which takes 10 ms
    location = settings.CACHES["default"]["LOCATION"].rpartition("/")[0] + f"/{cache_number}"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}
    monkeypatch.setattr(limits, "_next_try", 0.0)  # which another test may have set with Redis away
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def post(client: Client) -> Callable[..., Any]:
    """POST a JSON body without any credentials."""

    def send(path: str, body: Any, **kwargs: Any) -> Any:
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return client.generic("POST", path, text, **{"content_type": "application/json", **kwargs})

    return send


@pytest.fixture
def simulator(settings: Any) -> Iterator[SimulatorServer]:
    """A simulated Appmax of this test's own, which the product is pointed at. It posts webhooks to nobody."""
    identity = SimulatorSettings(
        client_id=settings.APPMAX_CLIENT_ID,
        client_secret=settings.APPMAX_CLIENT_SECRET,
        app_id_uuid=settings.APPMAX_APP_ID_UUID,
        app_id_numeric=settings.APPMAX_APP_ID_NUMERIC,
        seed="seed",
        webhook_url="http://127.0.0.1:1/nobody",
        port=0,
        clock_speed=1e9,
    )
    with SimulatorServer(identity) as server:
        settings.APPMAX_AUTH_URL = settings.APPMAX_API_URL = settings.APPMAX_ADMIN_URL = server.url
        yield server


@pytest.fixture
def shop(simulator: SimulatorServer) -> Installation:
    """An installation whose credentials the simulated Appmax accepts."""
    client_id, client_secret = simulator.state.merchant_credentials("shop")
    row: Installation = InstallationFactory.create(
        external_key="shop", merchant_client_id=client_id, merchant_client_secret=client_secret
    )
    return row


@pytest.fixture
def redis_away(settings: Any) -> None:
    """Nobody listens where Redis should be."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}


@pytest.fixture
def race() -> Callable[..., list[Any]]:
    """Run a function in `times` threads at once, each with a connection of its own; the results in any order."""

    def run(function: Callable[[int], Any], times: int) -> list[Any]:
        barrier = threading.Barrier(times)
        results: list[Any] = []

        def body(number: int) -> None:
            try:
                barrier.wait(timeout=20)
                results.append(function(number))
            except Exception as error:
                results.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=body, args=(number,)) for number in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert len(results) == times
        return results

    return run
