"""Every admin page opens for staff, with a ceiling on queries, and shows no secret."""

from typing import Any

import pytest
from django.contrib import admin
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse

from backoffice.alerts.models import Alert, AlertRule
from installations.models import ApiKey, Installation
from notifications.models import Endpoint, Notification
from orders.models import Order, PaymentAttempt, Question, Subscription
from tests.support.factories import (
    InstallationFactory,
    OrderFactory,
    QuestionFactory,
    WebhookEventFactory,
    api_key,
    subscribed,
)
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

MOST_QUERIES = 15
MODELS = [
    *(Alert, AlertRule, Installation, ApiKey, Endpoint, Notification),
    *(Order, PaymentAttempt, Question, Subscription, WebhookEvent),
]


@pytest.fixture
def rows() -> dict[type, Any]:
    """A dozen of each, every order and key with a merchant of its own."""
    for order in OrderFactory.create_batch(12):
        WebhookEventFactory.create(appmax_order_id=order.appmax_order_id)
        api_key(order.installation)
        endpoint = Endpoint.objects.create(
            installation=order.installation, url="https://shop.example.com/told", secret="merchant-secret"
        )
        Notification.objects.create(
            endpoint=endpoint, type="order.paid", appmax_order_id=order.appmax_order_id, data={}
        )
        rule = AlertRule.objects.create(
            kind="silence", installation=order.installation, chat_url="merchant-secret", chat_host="a"
        )
        Alert.objects.create(rule=rule, kind="silence", subject="merchant:1", text="Silent.", path="/admin/")
        PaymentAttempt.objects.create(order=order, method="pix", fingerprint="")
        QuestionFactory.create(appmax_order_id=order.appmax_order_id, installation=order.installation)
        subscribed(order)
    return {model: model._default_manager.first() for model in MODELS}


@pytest.mark.parametrize("model", MODELS)
def test_lists_cost_the_same_few_queries_however_long(
    admin_client: Client, rows: Any, model: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(MOST_QUERIES):
        answer = admin_client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))

    assert answer.status_code == 200
    assert "merchant-secret" not in answer.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_pages_open_and_show_no_secret(
    admin_client: Client, rows: Any, model: Any, django_assert_max_num_queries: Any
) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[rows[model].pk])
    with django_assert_max_num_queries(MOST_QUERIES):
        answer = admin_client.get(url)

    assert answer.status_code == 200
    assert "merchant-secret" not in answer.content.decode()


@pytest.mark.parametrize("model", [Installation, Order, PaymentAttempt, Question, Subscription, WebhookEvent])
def test_evidence_cannot_be_added_changed_or_deleted_by_hand(admin_client: Client, rows: Any, model: Any) -> None:
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert admin_client.get(reverse(f"{base}_add")).status_code == 403
    assert admin_client.post(reverse(f"{base}_change", args=[rows[model].pk]), {}).status_code == 403
    assert admin_client.post(reverse(f"{base}_delete", args=[rows[model].pk]), {"post": "yes"}).status_code == 403


def found(client: Client, path: str, **query: Any) -> int:
    """How many rows the list shows."""
    return int(client.get(path, query).context["cl"].result_count)


@pytest.mark.parametrize(
    ("term", "count"),
    [
        ("95922371", 1),
        ("#95922371", 1),
        (" 95922371 ", 1),
        ("\t# 95922371\r\n", 1),
        ("\xa095922371\xa0", 1),  # pasted from a web page
        ("0095922371", 1),
        ("32", 1),  # the customer
        ("#32", 1),
        ("loja1", 1),
        ("LOJA1", 1),
        (" Loja1", 1),
        ("#1", 2),  # a merchant whose key begins with #
        ("loja", 1),  # a part of a key
        ("LOJ", 1),
        ("%", 0),
        ("loja_", 0),
        ("##95922371", 0),
        ("-95922371", 0),
        ("99999999999999999999", 0),
        ("9" * 3000, 0),
        ("", 3),
    ],
    ids=ascii,
)
def test_orders_are_found_by_what_staff_paste(admin_client: Client, term: str, count: int) -> None:
    OrderFactory.create(
        installation=InstallationFactory.create(external_key="loja1"), appmax_order_id=95922371, appmax_customer_id=32
    )
    OrderFactory.create_batch(2, installation=InstallationFactory.create(external_key="#1"))

    assert found(admin_client, reverse("admin:orders_order_changelist"), q=term) == count


def test_unprocessed_events_are_one_click_away(admin_client: Client) -> None:
    WebhookEventFactory.create_batch(2)
    path = reverse("admin:webhooks_webhookevent_changelist")
    page = admin_client.get(path).content.decode()

    assert f"{path}?outcome=unprocessed" in page
    assert found(admin_client, path, outcome="unprocessed") == 2
    assert found(admin_client, path, outcome="applied") == 0


def test_events_are_found_by_order_and_by_name(admin_client: Client) -> None:
    WebhookEventFactory.create(event="order_paid", appmax_order_id=31)
    WebhookEventFactory.create(event="order_refund", appmax_order_id=32)
    path = reverse("admin:webhooks_webhookevent_changelist")

    for term in ("31", "#31", " 31 ", "order_refund", " OrderRefund", "ORDER_REFUND"):
        assert found(admin_client, path, q=term) == 1, term
    assert found(admin_client, path, q="refund") == 0


def test_merchants_and_attempts_are_found_by_what_staff_paste(admin_client: Client) -> None:
    order = OrderFactory.create(installation=InstallationFactory.create(external_key="loja1"), appmax_order_id=31)
    PaymentAttempt.objects.create(order=order, method="pix", idempotency_key="Checkout-1", restarted_from=None)
    InstallationFactory.create(external_key="outra")

    for term in ("loja1", "LOJA1", " Loja1 "):
        assert found(admin_client, reverse("admin:installations_installation_changelist"), q=term) == 1, term
    for term in ("31", "#31", " 31 ", " Checkout-1 "):
        assert found(admin_client, reverse("admin:orders_paymentattempt_changelist"), q=term) == 1, term


def test_a_new_api_key_is_shown_once_and_works_whatever_the_form_says(admin_client: Client) -> None:
    order = OrderFactory.create()
    form = {"name": "loja", "installation": order.installation.pk, "expiry_date_0": "", "expiry_date_1": ""}
    form["revoked"] = "on"
    page = admin_client.post(reverse("admin:installations_apikey_add"), form, follow=True).content.decode()
    prefix = ApiKey.objects.get().prefix
    key = page[page.index(prefix + ".") :][:41]

    answer = Client().get(
        f"/checkout/{order.installation.external_key}/status/{order.appmax_order_id}",
        headers={"Authorization": f"Api-Key {key}"},
    )

    assert answer.status_code == 200
    assert key not in admin_client.get(reverse("admin:installations_apikey_changelist")).content.decode()


def test_amounts_are_shown_in_reais(admin_client: Client) -> None:
    OrderFactory.create(total_cents=123456789)

    page = admin_client.get(reverse("admin:orders_order_changelist")).content.decode()

    assert "R$\u00a01.234.567,89" in page


def test_every_model_of_ours_is_in_the_admin() -> None:
    assert set(MODELS) <= set(admin.site._registry)


def test_system_checks_ask_no_database(django_assert_num_queries: Any) -> None:
    """`manage.py migrate` runs them on an empty one."""
    with django_assert_num_queries(0):
        run_checks()
