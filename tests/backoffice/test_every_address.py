"""Every address of the back office, those of its buttons too, asked for by staff who may not."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from backoffice import batches
from backoffice.models import Note, SavedView
from installations.models import Installation
from notifications import endpoints, outbox
from notifications.models import Endpoint, EventType, Notification
from orders.models import Order, PaymentAttempt
from tests.backoffice.conftest import make_job, on
from tests.support.factories import OrderFactory, QuestionFactory, WebhookEventFactory, api_key, subscribed
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

# What everybody who gets in may open: the first page, one's own login, and searches, which show what one may see.
OPEN = {
    *("index", "login", "logout", "password_change", "password_change_done", "two_factor", "jsi18n", "search"),
    *("toggle_sidebar", "app_list", "recovery", "recovery_codes", "replace_app"),
    *("admin_password_reset", "choose_password"),
    "webhooks_webhookevent_batches",  # leads to the list of batches
}

# Everybody sees and ends their own sessions; test_sessions.py has who sees those of others.
OWN_SESSIONS = "backoffice_staffsession_"


@pytest.fixture
def order(admin_user: User) -> Order:
    """A paid order, and a row of whatever else has a page."""
    order: Order = OrderFactory.create(status="aprovado")
    event = WebhookEventFactory.create(appmax_order_id=order.appmax_order_id, processed=False, outcome="waiting")
    api_key(order.installation)
    PaymentAttempt.objects.create(order=order, method="pix", fingerprint="")
    QuestionFactory.create(appmax_order_id=order.appmax_order_id, installation=order.installation)
    subscribed(order)
    make_job()
    endpoints.register(order.installation, url="https://shop.example.com/told", event_types=[])
    with transaction.atomic():
        outbox.put(order.installation_id, order.appmax_order_id, {EventType.ORDER_PAID: {}}, partial(dict))
    Note.objects.create(order=order, text="Called.", author=admin_user, once="0" * 32)
    SavedView.objects.create(
        name="Mine", owner=admin_user, list_name="orders.order", query="status__exact=aprovado", is_shared=True
    )
    batches.start([event.pk], admin_user)
    return order


def addresses() -> Iterator[tuple[str, str]]:
    """Name and path of each, with the row of its model."""
    for pattern in site.get_urls():
        yield from _addresses(pattern, "", {})


def _addresses(pattern: Any, before: str, taken: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if isinstance(pattern, URLResolver):
        label = str(pattern.pattern).removesuffix("/").split("/")
        models = [model for model in site._registry if [model._meta.app_label, model._meta.model_name] == label]
        for each in pattern.url_patterns:
            yield from _addresses(each, str(pattern.pattern), {"model": models[0] if models else None})
        return
    assert isinstance(pattern, URLPattern)
    if pattern.name is None or pattern.name in OPEN or pattern.name.startswith(OWN_SESSIONS):
        return
    model = taken.get("model")
    row = model._default_manager.order_by("pk").first() if model else None
    others = {"note": Note.objects.get().pk, "form": "csv", "url": "x", "app_label": "orders"}
    values = {name: others.get(name, row.pk if row else 1) for name in pattern.pattern.converters}
    if "views" in pattern.name:
        values = {name: SavedView.objects.get().pk for name in values}
    yield pattern.name, reverse(f"admin:{pattern.name}", kwargs=values)


def state() -> list[Any]:
    """All that a button could change."""
    tables = (Order, Installation, WebhookEvent, Endpoint, Notification, Note, SavedView, ProcrastinateJob)
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


def test_staff_without_a_role_open_and_change_nothing(staff: Callable[..., Client], order: Order) -> None:
    ana, before = staff(), state()
    found = dict(addresses())
    assert len(found) > 80

    for name, path in found.items():
        for method in ("GET", "POST"):
            answer: Any = ana.generic(method, path)
            is_sent_back = answer.status_code == 302 and answer.url == reverse("admin:index")  # There is no such row.
            assert is_sent_back or answer.status_code in (403, 404, 405), f"{method} {name}: {answer.status_code}"

    assert state() == before


ADMINISTRATORS = ("switch-on", "switch-off", "rotate-secret", "delete-endpoint")


@pytest.mark.parametrize(("role", "status"), [("Support", 403), ("Finance", 403), ("Administrator", 200)])
def test_only_administrators_manage_endpoints(
    staff: Callable[..., Client], order: Order, role: str, status: int
) -> None:
    ana, endpoint = staff(role), Endpoint.objects.get()

    assert ana.get(on(endpoint, "test")).status_code == 200
    assert ana.get(on(Notification.objects.get(), "send-again")).status_code == 200
    for action in ADMINISTRATORS:
        assert ana.get(on(endpoint, action)).status_code == status, action
        if status == 403:
            assert ana.post(on(endpoint, action)).status_code == 403, action
    if status == 403:
        ana.post(on(endpoint), {"url": "https://mallory.example.com/", "event_types": []})
        assert Endpoint.objects.get().url == "https://shop.example.com/told"
