"""On a Portuguese page there is no English: every page of the back office is opened, with rows in every state."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from installations.models import ApiKey
from orders.models import AttemptState, Order, PaymentAttempt
from orders.status import OrderStatus
from tests.backoffice.conftest import PASSWORD, on, url
from tests.browser.pages import every_page
from tests.support.factories import OrderFactory, WebhookEventFactory, api_key
from tests.support.words import english
from webhooks.decide import Outcome

pytestmark = pytest.mark.django_db

PORTUGUESE = {"Accept": "text/html", "Accept-Language": "pt-BR"}
ANSWERS: dict[str, Any] = {
    "declined": {"error": "Declined", "message": "payment declined", "http_status": 402},
    "unknown": {"error": "OutcomeUnknown", "message": "no answer in time", "timed_out": True},
    "failed": {"error": "Rejected", "message": "Appmax refused the request", "http_status": 422},
    "succeeded": {"status": "aprovado"},
}


@pytest.fixture
def ana(db: None) -> Client:
    User.objects.create_superuser("ana", password=PASSWORD)
    client = Client(headers=PORTUGUESE)
    client.force_login(User.objects.get(username="ana"))
    return client


def rows_in_every_state() -> None:
    orders = {status: OrderFactory.create(status=status, payment_method="pix") for status in OrderStatus}
    for state, (status, order) in zip([*AttemptState] * 3, orders.items(), strict=False):
        is_open = state in ("started", "unknown")
        PaymentAttempt.objects.create(
            order=order, method="credit_card", state=state, fingerprint="", answer=ANSWERS.get(state),
            settled_at=None if is_open else order.created_at,
        )  # fmt: skip
        WebhookEventFactory.create(appmax_order_id=order.appmax_order_id, event=f"order_{status}", outcome="applied")
    for outcome in Outcome:
        is_processed = outcome not in (Outcome.WAITING, Outcome.FAILED)
        WebhookEventFactory.create(
            event="order_paid", outcome=outcome, order_status="pendente", processed=is_processed,
            processed_at=Order.objects.latest("pk").created_at if is_processed else None,
        )  # fmt: skip


def pages_of(row: Model) -> list[str]:
    """Whatever the back office has under the row: its page, history and deletion, and what its buttons ask first."""
    patterns = admin.site._registry[type(row)].get_urls()
    names = [each.name for each in patterns if each.name and set(each.pattern.converters) == {"object_id"}]
    return [reverse(f"admin:{name}", args=[row.pk]) for name in names if "password" not in name]


def left_in_english(client: Client, paths: list[str]) -> str:
    """The English words of these pages, a line each, with the first page and text that has it."""
    found: dict[str, str] = {}
    for path in paths:
        answer = client.get(path, follow=True)
        assert answer.status_code in (200, 403, 404), (path, answer.status_code)
        for word, text in english(answer.content.decode()).items():
            found.setdefault(word, f"{word}: {text} ({path})")
    return "\n".join(sorted(found.values()))


def test_no_page_of_the_back_office_has_english_words(ana: Client) -> None:
    paths = every_page()
    rows_in_every_state()

    assert left_in_english(ana, paths) == ""


def test_no_row_in_any_state_has_english_words(ana: Client) -> None:
    rows_in_every_state()
    order = Order.objects.earliest("pk")
    LogEntry.objects.create(
        user=User.objects.get(), content_type=ContentType.objects.get_for_model(Order), object_id=str(order.pk),
        object_repr=str(order), action_flag=CHANGE, change_message="Reconciled with Appmax: pendente",
    )  # fmt: skip

    paths = [on(row) for model in (Order, PaymentAttempt) for row in model._default_manager.all()]
    paths += [on(row) for row in WebhookEventFactory._meta.model._default_manager.all()]
    paths += [on(order, "history"), url(Order), url(PaymentAttempt), reverse("admin:index")]
    assert left_in_english(ana, paths) == ""


def test_no_confirmation_deletion_or_refusal_has_english_words(ana: Client) -> None:
    user, group = User.objects.get(), Group.objects.earliest("pk")
    support = Client(headers=PORTUGUESE)
    colleague = User.objects.create_user("bia", password=PASSWORD, is_staff=True)
    colleague.groups.add(Group.objects.get(name="Support"))
    support.force_login(colleague)
    order = OrderFactory.create(status="aprovado")
    failed = WebhookEventFactory.create(event="order_paid", outcome="failed", error_message="KeyError", processed=False)

    api_key(order.installation)
    rows: list[Model] = [order, order.installation, ApiKey.objects.get(), failed, user, group]
    paths = [path for row in rows for path in pages_of(row)] + [url(Group, "add"), url(User, "add"), "/admin/nowhere/"]
    assert len(paths) > 30
    assert left_in_english(ana, paths) == ""
    assert left_in_english(support, [url(User), url(Group), on(order, "refund"), on(order)]) == ""


def test_no_refused_form_has_english_words(ana: Client) -> None:
    answers = [
        ana.post(url(User, "add"), {}),
        ana.post(url(Group, "add"), {}),
        ana.post(reverse("admin:password_change"), {"old_password": "x", "new_password1": "1", "new_password2": "2"}),
        Client(headers=PORTUGUESE).post(reverse("admin:login"), {"username": "a", "password": "b"}),
        ana.get(reverse("admin:search"), {"q": "nada disto"}),
        ana.get(url(Order), {"q": "nada disto"}),
        ana.get(url(Order), {"created_at_from": "x", "amount_from": "y"}),
    ]

    assert [english(answer.content.decode()) for answer in answers] == [{}] * len(answers)
