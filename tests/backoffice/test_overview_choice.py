"""The overview's period and merchant, and the lists that its newer figures lead to."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from backoffice.declines import in_words
from orders.models import AttemptState, Order, Refund
from tests.backoffice.test_dashboard import attempt, cards, charts, listed, order, page
from tests.backoffice.test_figures import refused

pytestmark = pytest.mark.django_db


def days(client: Client, first: date, last: date) -> Any:
    """The page about these days."""
    query: dict[str, Any] = {"from": first, "to": last}
    return page(client, **query)


def period(answer: Any) -> tuple[int, int]:
    """How many days ago the period begins and ends."""
    today, shown = timezone.localdate(), answer.context["choice"].period
    return (today - shown.first).days, (today - shown.last).days


def errors(answer: Any) -> list[str]:
    return re.findall(r'role="alert">\s*(.*?)</p>', answer.content.decode())


# --- the period ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "ago", "current"),
    [
        ({}, (6, 0), "7"),
        ({"period": "today"}, (0, 0), "today"),
        ({"period": "yesterday"}, (1, 1), "yesterday"),
        ({"period": "30"}, (29, 0), "30"),
        ({"period": "nonsense"}, (6, 0), "7"),
    ],
)
def test_a_click_chooses_a_period(admin_client: Client, query: Any, ago: tuple[int, int], current: str) -> None:
    answer = page(admin_client, **query)

    assert period(answer) == ago
    assert current in re.findall(r'href="\?period=([\w-]+)" aria-current="page"', answer.content.decode())
    assert errors(answer) == []


def test_months_are_the_calendars(admin_client: Client) -> None:
    today = timezone.localdate()
    this, last = (page(admin_client, period=name).context["choice"].period for name in ("month", "last-month"))

    assert (this.first.day, this.last) == (1, today)
    assert (last.first.day, last.last + timedelta(days=1)) == (1, this.first)


def test_any_days_can_be_chosen(admin_client: Client) -> None:
    today = timezone.localdate()
    order(timezone.now() - timedelta(days=20), status="aprovado")

    answer = days(admin_client, today - timedelta(days=20), today - timedelta(days=19))

    assert period(answer) == (20, 19)
    assert cards(answer)["Orders"].main.text == "1"
    assert period(page(admin_client, to=today - timedelta(days=3))) == (3, 3)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"from": "2026-05-02", "to": "2026-05-01"}, "From: The first day is after the last one."),
        ({"from": "2025-01-01", "to": "2026-01-02"}, "From: Choose 366 days at most, none before the year 2000."),
        ({"from": "0001-01-01"}, "From: Choose 366 days at most, none before the year 2000."),
        ({"from": "yes"}, "From: Enter a valid date."),
    ],
)
def test_days_that_make_no_sense_are_told(admin_client: Client, query: Any, said: str) -> None:
    answer = page(admin_client, **query)

    assert errors(answer) == [said]
    assert period(answer) == (6, 0)


@pytest.mark.parametrize("merchant", ["0", "x", "9" * 30, "1\0"])
def test_a_merchant_that_is_none_is_told(admin_client: Client, merchant: str) -> None:
    order(timezone.now())
    answer = page(admin_client, merchant=merchant)

    assert len(errors(answer)) == 1
    assert cards(answer)["Orders"].main.text == "1"


def test_days_to_come_are_none(admin_client: Client) -> None:
    today = timezone.localdate()

    answer = days(admin_client, today - timedelta(days=1), today + timedelta(days=9))

    assert period(answer) == (1, 0)


def test_an_order_of_the_late_evening_is_of_one_day_everywhere(admin_client: Client) -> None:
    """At 23:30 in São Paulo it is the next day in UTC."""
    day = timezone.localdate() - timedelta(days=3)
    late = timezone.localtime().replace(year=day.year, month=day.month, day=day.day, hour=23, minute=30)
    made = order(late, payment_method="pix", status="aprovado")

    counts = {}
    for name, shown in (("day", day), ("next", day + timedelta(days=1))):
        card = cards(days(admin_client, shown, shown))["Orders"]
        export = reverse("admin:orders_order_export", args=["csv"]) + "?" + card.main.url.partition("?")[2]
        file = b"".join(admin_client.get(export).streaming_content).decode()  # type: ignore[attr-defined]
        counts[name] = card.main.text, listed(admin_client, card.main.url).count(), file.count(str(made))

    assert counts == {"day": ("1", 1, 1), "next": ("0", 0, 0)}


# --- the merchant ----------------------------------------------------------------------------------------------------


def test_a_merchant_can_be_chosen_and_stays_so(admin_client: Client) -> None:
    ours, other = (order(timezone.now()) for _ in range(2))

    answer = page(admin_client, merchant=ours.installation_id)

    assert cards(answer)["Orders"].main.text == "1"
    assert list(listed(admin_client, cards(answer)["Orders"].main.url)) == [ours]
    assert "Installations per week" not in charts(answer)
    assert f"?period=30&amp;merchant={ours.installation_id}" in answer.content.decode()
    assert str(other.installation) not in answer.content.decode()


@pytest.mark.parametrize("theme", ["white", "black"])
def test_a_charts_colours_stand_out_in_both_themes(theme: str) -> None:
    """By the formula of WCAG 2: 3 for graphics on the card's ground, and 4.5 for text."""
    css = finders.find("backoffice/charts.css")
    assert css
    rules = Path(css).read_text()
    ground = {"white": (255, 255, 255), "black": (17, 24, 39)}[theme]
    texts = re.findall(r"--chart-text: #(\w{6})", rules)
    colours = dict(re.findall(r"--chart-(violet|teal|amber|grey|red): #(\w{6})", rules))

    assert contrast(texts[theme == "black"], ground) >= 4.5
    assert {name for name, colour in colours.items() if contrast(colour, ground) < 3} == set()
    assert len(colours) == 5


def contrast(colour: str, ground: tuple[int, ...]) -> float:
    lighter, darker = sorted((luminance(tuple(bytes.fromhex(colour))), luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(channels: tuple[int, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (each / 255 for each in channels)]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


# --- why payments were declined --------------------------------------------------------------------------------------


def test_reasons_are_told_in_words_and_lead_to_their_attempts(admin_client: Client) -> None:
    now = timezone.now()
    said = [
        "Payment not authorized",
        "Transação não autorizada",
        "Pedido recusado por risco",
        "Saldo insuficiente.",
        "",
    ]
    said += ["saldo insuficiente", *(f"Motivo {letter}" for letter in "abcdefg")]
    for text in said:
        refused(text, now)
    refused("Payment not authorized", now, "upsell")
    refused("Saldo insuficiente", now - timedelta(days=9))

    [_attempts, reasons] = page(admin_client).context["tables"]

    found = {label: [figure.text for figure in line] for label, line in reasons.rows}
    assert list(found)[:2] == ["Not authorised by the issuer", "Saldo insuficiente"]
    assert found.keys() >= {"No reason given", "Motivo a", "Other reasons"}
    assert found["Not authorised by the issuer"] == ["2", "1", "3", "21.4%"]
    assert found["Other reasons"] == ["3", "0", "3", "21.4%"]
    for label, line in reasons.rows:
        *methods, every, share = line
        assert [listed(admin_client, figure.url).count() for figure in [*methods, every]] == [
            int(figure.text) for figure in [*methods, every]
        ], label
        assert share.url == every.url


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("payment declined", "Not authorised by the issuer"),
        ("pagamento não autorizado", "Not authorised by the issuer"),
        ("recusado_por_risco", "Refused for risk"),
        ("cartão negado: saldo insuficiente", "Cartão negado: saldo insuficiente"),
    ],
)
def test_only_what_says_no_more_is_put_into_our_words(reason: str, words: str) -> None:
    with translation.override("en"):
        assert in_words(reason) == words


def test_the_list_says_which_reason_it_is_narrowed_to(admin_client: Client) -> None:
    refused("Saldo insuficiente", timezone.now())
    [_attempts, reasons] = page(admin_client).context["tables"]

    url = reverse("admin:orders_paymentattempt_changelist")
    one, others = (
        admin_client.get(each, headers={"accept-language": "en"}).content.decode()
        for each in (reasons.rows[0][1][-1].url, f"{url}?reason_not=saldo+insuficiente")
    )

    assert "Reason of the decline: Saldo insuficiente" in one
    assert "Reason of the decline: none of: Saldo insuficiente" in others


# --- money in doubt --------------------------------------------------------------------------------------------------


def test_money_in_doubt_leads_to_what_is_in_doubt(admin_client: Client) -> None:
    old = timezone.now() - timedelta(days=90)
    attempt(order(old, total_cents=123_456), AttemptState.UNKNOWN)
    attempt(order(old, total_cents=1000), AttemptState.STARTED)
    attempt(order(timezone.now()), AttemptState.STARTED)
    paid = order(old, status="aprovado")
    for _ in range(2):
        Refund.objects.create(order=paid, amount_cents=50)

    card = cards(page(admin_client))["Money in doubt now"]

    assert [row.text for row in card.rows] == ["1 (R$1,234.56)", "1 (R$10.00)", "1 (R$1.00)"]
    assert [listed(admin_client, row.url).count() for row in card.rows] == [1, 1, 1]


def test_refunds_of_a_part_lead_to_their_orders(admin_client: Client) -> None:
    paid, other = (order(timezone.now(), status="aprovado", total_cents=1000) for _ in range(2))
    Refund.objects.create(order=paid, amount_cents=300, state="confirmed", settled_at=timezone.now())
    Refund.objects.create(order=other, amount_cents=300, state="refused", settled_at=timezone.now())

    card = cards(page(admin_client))["Net revenue"]

    assert (card.main.text, card.rows[2].text) == ("R$17.00", "R$3.00")
    assert list(listed(admin_client, card.rows[2].url)) == [paid]
    assert Order.objects.count() == 2
