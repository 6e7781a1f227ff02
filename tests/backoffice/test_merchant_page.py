"""A merchant's page: how things stand in sentences, its month by method, what fails today, what came last, its keys."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from backoffice import merchant_page
from backoffice.kit.lists import midnight
from backoffice.rhythm import Rhythm
from installations.models import ApiKey, Installation
from orders.models import AttemptState, Order, PaymentAttempt, Refund
from orders.status import OrderStatus, RefundState
from tests.backoffice.conftest import on, url
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory, api_key
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

NOW = timezone.localtime()
STEADY = Rhythm((10.0,) * 24)


def at(**back: float) -> datetime:
    return timezone.localtime() - timedelta(**back)


def order(shop: Installation, created_at: datetime | None = None, **columns: Any) -> Order:
    row: Order = OrderFactory.create(
        installation=shop, **{"status": "aprovado", "payment_method": "pix", "total_cents": 10_050, **columns}
    )
    Order.objects.filter(pk=row.pk).update(created_at=created_at or timezone.now())
    return row


def attempt(of: Order, state: str, *, answer: Any = None, **columns: Any) -> PaymentAttempt:
    settled_at = None if state in ("started", "unknown") else timezone.now()
    return PaymentAttempt.objects.create(
        order=of, state=state, answer=answer, fingerprint="", settled_at=settled_at,
        **{"method": "credit_card", "started_at": timezone.now(), **columns},
    )  # fmt: skip


def lines(client: Client, shop: Installation) -> list[str]:
    return [line.text for line in client.get(on(shop)).context["lines"]]


def month(client: Client, shop: Installation, name: str = "") -> dict[str, list[str]]:
    """The table's rows by their names: orders, paid orders, approval, paid, back, net."""
    cache.clear()
    rows = client.get(on(shop), {"month": name} if name else {}).context["month_rows"]
    return {label: [figure.text for figure in figures] for label, figures in rows}


@pytest.fixture
def shop() -> Installation:
    row: Installation = InstallationFactory.create(external_key="loja")
    Installation.objects.filter(pk=row.pk).update(created_at=at(days=400))
    return row


@pytest.fixture
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


# --- how things stand ---


def test_a_merchant_without_anything_has_sentences_all_the_same(eva: Client, shop: Installation) -> None:
    assert lines(eva, shop) == [
        "Active: Appmax accepts the shop's credentials.",
        "No payment attempt has failed today.",
        "No payment in the last four weeks.",
        "No webhook has come yet.",
    ]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            {"refused_since": "2026-11-20T12:00Z"},
            "Appmax has refused this shop's credentials since 2026-11-20 at 09:00",
        ),
        ({"unverified_since": "2026-11-20T12:00Z"}, "Appmax has not said yet whether it accepts the credentials."),
    ],
)
def test_the_health_of_its_credentials_comes_first(
    eva: Client, shop: Installation, state: dict[str, str], words: str
) -> None:
    Installation.objects.filter(pk=shop.pk).update(**state)

    assert lines(eva, shop)[0].startswith(words)


def test_times_are_said_as_people_say_them() -> None:
    now = timezone.localtime().replace(hour=12, minute=5)

    with translation.override("pt-br"):
        assert merchant_page.spoken(now) == "hoje às 12:05"
        assert merchant_page.spoken(now - timedelta(days=1)) == "ontem às 12:05"
        assert merchant_page.spoken(now.replace(year=2025, month=3, day=9)) == "09/03/2025 às 12:05"


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    ("hours", "rhythm", "text", "tone"),
    [
        (0, STEADY, "Last webhook: today at 12:00. About 240 a day are usual.", "good"),
        (2, STEADY, "Last webhook: today at 10:00. About 240 a day are usual.", "good"),
        (3, STEADY, "No webhook since today at 09:00: about 30 usually come in that time. About 240 a day are usual.",
         "bad"),
        (24, Rhythm((0.05,) * 24), "No webhook since yesterday at 12:00. About 1 a day is usual.", ""),
        (24, Rhythm((0.01,) * 24), "No webhook since yesterday at 12:00. Less than one a day is usual.", ""),
        (24, None, "No webhook since yesterday at 12:00.", ""),
        (0, None, "Last webhook: today at 12:00.", "good"),
    ],
)  # fmt: skip
def test_silence_is_a_sentence_with_what_is_usual_beside_it(
    hours: int, rhythm: Rhythm | None, text: str, tone: str
) -> None:
    noon = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)

    line = merchant_page.webhooks(noon - timedelta(hours=hours), rhythm, noon)

    assert (line.text, line.tone) == (text, tone)


@pytest.mark.usefixtures("english")
def test_a_silence_of_payments_needs_fewer_to_be_unusual() -> None:
    noon = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    rhythm = Rhythm((3.0,) * 24)

    assert merchant_page.payments(noon - timedelta(hours=1), rhythm, noon).tone == "good"
    assert merchant_page.payments(noon - timedelta(hours=2), rhythm, noon).text == (
        "No payment since today at 10:00: about 6 are usually made in that time. About 72 a day are usual."
    )
    assert merchant_page.webhooks(noon - timedelta(hours=2), rhythm, noon).tone == "good"


def test_the_sentences_are_portuguese_too(staff: Callable[..., Client], shop: Installation) -> None:
    event_at = at(days=1)
    WebhookEventFactory.create(installation=shop, created_at=event_at)
    attempt(order(shop), "declined")

    said = lines(staff("Support", language="pt-BR"), shop)

    assert said == [
        "Ativo: a Appmax aceita as credenciais da loja.",
        "1 tentativa de pagamento falhou hoje.",
        "Nenhum pagamento nas últimas quatro semanas.",
        f"Nenhum webhook desde ontem às {event_at:%H:%M}.",
    ]


# --- what fails today ---


def test_todays_failing_payments_are_listed_with_what_appmax_said(eva: Client, shop: Installation) -> None:
    refused = order(shop, total_cents=1234, status="cancelado")
    attempt(refused, "declined", answer={"message": "Cartão <b>recusado</b>"})
    attempt(order(shop), "failed", answer={"error": "Unavailable", "message": "Too many requests", "http_status": 429})
    attempt(order(shop), "unknown", answer=None)
    attempt(order(shop), "succeeded")
    attempt(order(shop), "declined", started_at=at(days=1))
    attempt(order(InstallationFactory.create()), "declined")

    page = eva.get(on(shop))
    text = page.content.decode()

    assert "3 payment attempts have failed today." in text
    assert len(page.context["failing"]) == 3
    assert "Cartão &lt;b&gt;recusado&lt;/b&gt;" in text
    assert on(refused) in text
    assert ("Appmax asked us to slow down.", 1) in page.context["reasons"]


def test_the_sentence_leads_to_the_failing_payments(eva: Client, shop: Installation) -> None:
    attempt(order(shop), "declined")
    line = eva.get(on(shop)).context["lines"][1]

    assert urlsplit(line.url).path == url(PaymentAttempt)
    assert f"installation__id__exact={shop.pk}" in line.url


# --- a month by method ---


def test_a_month_is_shown_by_method_with_what_was_paid_and_what_is_left(eva: Client, shop: Installation) -> None:
    begin = midnight(timezone.localdate().replace(day=1))
    partly = order(shop, begin, total_cents=1000)
    Refund.objects.create(order=partly, amount_cents=300, state=RefundState.CONFIRMED, settled_at=timezone.now())
    order(shop, begin, total_cents=500, status="estornado")
    order(shop, begin, total_cents=700, status="pendente")
    order(shop, begin, total_cents=2000, payment_method="credit_card")
    order(shop, begin, total_cents=40, payment_method=None, status="cancelado")
    order(shop, begin - timedelta(microseconds=1), total_cents=9)
    order(InstallationFactory.create(), begin)

    assert month(eva, shop) == {
        "Credit card": ["1", "1", "–", "R$20.00", "R$0.00", "R$20.00"],
        "Pix": ["3", "2", "66.7%", "R$15.00", "R$8.00", "R$7.00"],
        "Boleto": ["0", "0", "–", "R$0.00", "R$0.00", "R$0.00"],
        "No method": ["1", "0", "–", "R$0.00", "R$0.00", "R$0.00"],
        "Total": ["5", "3", "–", "R$35.00", "R$8.00", "R$27.00"],
    }


def test_cards_are_approved_if_they_are_not_declined(eva: Client, shop: Installation) -> None:
    for state in ("succeeded", "succeeded", "succeeded", "declined", "failed", "unknown"):
        attempt(order(shop, payment_method="credit_card"), state)
    attempt(order(shop), "declined", method="pix")

    assert month(eva, shop)["Credit card"][2] == "75%"


def test_a_wallet_has_a_row_once_somebody_has_used_it(eva: Client, shop: Installation) -> None:
    assert "Google Pay" not in month(eva, shop)
    cache.clear()
    attempt(order(shop, payment_method="google_pay"), "succeeded", method="google_pay")
    attempt(order(shop, payment_method=None, status="cancelado"), "declined", method="apple_pay")

    shown = month(eva, shop)

    assert (shown["Google Pay"][0], shown["Google Pay"][2]) == ("1", "100%")
    assert (shown["Apple Pay"][0], shown["Apple Pay"][2]) == ("0", "0%")
    assert shown["Credit card"][2] == "–"


@pytest.mark.parametrize("status", OrderStatus.values)
def test_paid_is_what_was_ever_paid(eva: Client, shop: Installation, status: str) -> None:
    order(shop, status=status, total_cents=100)
    never = {"pendente", "autorizado", "cancelado", "recusado_por_risco"}

    paid, back, net = month(eva, shop)["Pix"][3:]

    assert paid == ("R$0.00" if status in never else "R$1.00")
    assert back == ("R$0.00" if net == paid else "R$1.00")


def test_another_month_can_be_looked_at_and_what_the_url_makes_up_cannot(eva: Client, shop: Installation) -> None:
    this = timezone.localdate().replace(day=1)
    before = (this - timedelta(days=1)).replace(day=1)
    order(shop, midnight(before), total_cents=77)

    page = eva.get(on(shop))
    assert page.context["month_before"] == f"?month={before:%Y-%m}"
    assert page.context["month_after"] == ""
    assert month(eva, shop, f"{before:%Y-%m}")["Total"][3] == "R$0.77"
    assert month(eva, shop)["Total"][3] == "R$0.00"
    for strange in ("", "x", "2026-13", "1-1", "9999-12", "2026-11-01", "\0", "٢٠٢٦-١١", "0001-01"):
        assert eva.get(on(shop), {"month": strange}).status_code == 200, strange


def test_there_is_no_month_before_the_installation(eva: Client) -> None:
    assert eva.get(on(InstallationFactory.create())).context["month_before"] == ""


def test_every_figure_leads_to_the_list_of_what_it_counts(eva: Client, shop: Installation) -> None:
    for method in ("pix", "boleto", "credit_card", None):
        row = order(shop, payment_method=method)
        attempt(row, "succeeded")
    attempt(order(shop, status="cancelado", payment_method=None), "declined")
    order(InstallationFactory.create())

    for label, figures in eva.get(on(shop)).context["month_rows"]:
        for figure in figures[:2]:
            answer = eva.get(figure.url)
            assert answer.status_code == 200, (label, figure)
            assert str(answer.context["cl"].result_count) == figure.text, (label, figure)


def test_a_month_can_be_exported_by_those_who_may(staff: Callable[..., Client], shop: Installation) -> None:
    mine = order(shop)
    other = order(InstallationFactory.create())

    assert staff("Support", name="ana").get(on(shop)).context["month_files"] == {}
    rui = staff("Finance", name="rui")
    file = b"".join(rui.get(rui.get(on(shop)).context["month_files"]["csv"]).streaming_content).decode()  # type: ignore[attr-defined]

    assert str(mine.appmax_order_id) in file
    assert str(other.appmax_order_id) not in file


# --- what came last, and keys ---


def test_the_latest_orders_and_events_are_there_with_links_to_all(eva: Client, shop: Installation) -> None:
    orders = [order(shop, at(minutes=minutes)) for minutes in range(7)]
    events = [WebhookEventFactory.create(installation=shop, created_at=at(minutes=minutes)) for minutes in range(7)]
    stranger = WebhookEventFactory.create()

    page = eva.get(on(shop))
    text = page.content.decode()

    assert [row["order"] for row in page.context["orders"]] == orders[:5]
    assert [row["url"] for row in page.context["events"]] == [on(event) for event in events[:5]]
    assert on(stranger) not in text
    assert eva.get(page.context["orders_url"]).context["cl"].result_count == 7


def test_keys_are_shown_with_when_each_was_last_used(eva: Client, shop: Installation) -> None:
    used, unused = api_key(shop), api_key(shop)
    api_key(InstallationFactory.create())
    ApiKey.objects.filter(prefix=used.partition(".")[0]).update(last_used_at=at(hours=2))
    ApiKey.objects.filter(prefix=unused.partition(".")[0]).update(revoked=True)

    keys = eva.get(on(shop)).context["keys"]

    assert [key["prefix"] for key in keys] == [used.partition(".")[0], unused.partition(".")[0]]
    assert "2 hours ago" in keys[0]["last_used"]
    assert keys[1]["last_used"] == "not yet"
    assert "Revoked" in keys[1]["usable"]


# --- who sees what, and what it costs ---


def test_a_user_sees_what_the_permissions_allow(staff: Callable[..., Client], shop: Installation) -> None:
    attempt(order(shop), "declined")
    WebhookEventFactory.create(installation=shop)
    api_key(shop)

    page = staff("", "installations.view_installation").get(on(shop))

    assert [line.text for line in page.context["lines"]] == ["Active: Appmax accepts the shop's credentials."]
    assert not {"orders", "events", "keys", "failing", "month_rows"} & set(page.context.keys())
    for model in (Order, WebhookEvent, ApiKey, PaymentAttempt):
        assert f'href="{url(model)}' not in page.content.decode(), model


def test_the_page_costs_the_same_queries_however_much_there_is(admin_client: Client, shop: Installation) -> None:
    def cost() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(on(shop)).status_code == 200
        return len(queries)

    admin_client.get(on(shop))
    few = cost()
    for _ in range(12):
        attempt(order(shop), AttemptState.DECLINED)
        WebhookEventFactory.create(installation=shop)
        api_key(shop)

    assert cost() == few <= 15


@pytest.mark.usefixtures("redis_away")
def test_without_redis_the_page_is_there_all_the_same(eva: Client, shop: Installation) -> None:
    order(shop)

    assert month(eva, shop)["Total"][0] == "1"
