"""An installation whose storefront is told, and a worker's round."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.db.models import F
from django.test import Client

from installations.models import Installation
from notifications import endpoints
from notifications.models import Endpoint, EventType, Notification
from tests.support.factories import api_key
from tests.support.listener import Listener, listening

URL = "/installations/shop/webhook-endpoints"


@pytest.fixture(autouse=True)
def _loopback_allowed(settings: Any) -> None:
    settings.NOTIFY_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def store(shop: Installation) -> Client:
    """Sends the shop's API key."""
    return Client(headers={"Authorization": f"Api-Key {api_key(shop)}"})


@pytest.fixture
def endpoint(shop: Installation, listener: Listener) -> Endpoint:
    """The listener, registered for everything."""
    return registered(shop, listener.url)


def registered(installation: Installation, url: str, *types: EventType) -> Endpoint:
    return endpoints.register(installation, url=url, event_types=types)


def told() -> list[Any]:
    """The types of what is in the outbox, in its order."""
    return list(Notification.objects.order_by("pk").values_list("type", flat=True))


@pytest.fixture
def time_passes() -> Callable[[Any], None]:
    """All that has happened was so much earlier, and so is what is to happen."""

    def passes(ago: Any) -> None:
        Notification.objects.update(
            due_at=F("due_at") - ago, created_at=F("created_at") - ago, leased_until=F("leased_until") - ago
        )
        Endpoint.objects.update(
            held_until=F("held_until") - ago,
            failing_since=F("failing_since") - ago,
            old_secret_until=F("old_secret_until") - ago,
        )

    return passes
