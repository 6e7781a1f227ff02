"""An order's page: what it is, how it can be paid, and what happened to it."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import segno
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from backoffice.attempt_words import name_of
from backoffice.event_notes import explanation
from installations.models import ApiKey, Installation
from orders.models import AttemptState, Order, OrderCode, PaymentAttempt, Refund, Shopper
from orders.models.order import _CODES
from orders.questions.why import Why
from orders.status import PAID_LATER, OrderStatus, PaymentMethod
from tests.backoffice.conftest import on
from tests.support.factories import InstallationFactory, OrderFactory, QuestionFactory, WebhookEventFactory, api_key
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

EMV = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5903ANA6009SAO PAULO6304"
)


@pytest.fixture
def ana(staff: Callable[..., Client]) -> Client:
    """Works in support."""
    return staff("Support")


def page_of(client: Client, order: Order) -> str:
    """The page's text, with its entities as what they stand for."""
    answer = client.get(on(order))
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def timeline_of(client: Client, order: Order) -> list[Any]:
    """The entries of the timeline, as they stand."""
    return list(client.get(on(order)).context["timeline"])


# --- the facts ---


def test_the_facts_are_there(ana: Client) -> None:
    shop = InstallationFactory.create(external_key="loja-azul")
    order = OrderFactory.create(
        installation=shop,
        appmax_order_id=31,
        appmax_customer_id=4711,
        status="integrado",
        payment_method="boleto",
        total_cents=123456,
    )

    page = page_of(ana, order)

    for fact in ("31", "4711", "Integrated", "R$1,234.56", "loja-azul", "Boleto"):
        assert fact in page, fact


@pytest.mark.parametrize("status", OrderStatus)
def test_every_status_has_its_page(ana: Client, status: OrderStatus) -> None:
    page = page_of(ana, OrderFactory.create(status=status))

    with override("en"):
        assert str(status.label) in page


def test_the_pix_is_drawn_from_its_code(ana: Client) -> None:
    order = OrderFactory.create(pix_emv=EMV, payment_method="pix")

    page = page_of(ana, order)

    [picture] = re.findall(r'<img src="(data:image/svg[^"]*)"', page.replace("&quot;", '"'))
    assert picture == segno.make(EMV, error="m").svg_data_uri(scale=4, border=3)
    assert f">{EMV}</span>" in page


@pytest.mark.parametrize("emv", [None, ""])
def test_without_a_code_there_is_no_picture(ana: Client, emv: str | None) -> None:
    page = page_of(ana, OrderFactory.create(pix_emv=emv, pix_qr_code="aGVsbG8=", payment_method="pix"))

    assert "data:image/svg" not in page
    assert "aGVsbG8=" not in page


@pytest.mark.parametrize("emv", ["x", "ção €", "0" * 2000, "<script>alert(1)</script>"])
def test_whatever_code_appmax_gave_the_page_opens(ana: Client, emv: str) -> None:
    answer = ana.get(on(OrderFactory.create(pix_emv=emv)))

    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()


def test_a_code_that_fits_into_no_picture_breaks_no_page(ana: Client) -> None:
    assert EMV[:20] in page_of(ana, OrderFactory.create(pix_emv=EMV * 40))


@pytest.mark.parametrize("address", ["https://boleto.example/1.pdf?a=1&b=2", "http://boleto.example/1.pdf"])
def test_the_boleto_can_be_opened_and_its_digits_copied(ana: Client, address: str) -> None:
    page = page_of(ana, OrderFactory.create(boleto_pdf_url=address, boleto_digitavel="23790.12345"))

    assert f'<a href="{address}" target="_blank" rel="noopener noreferrer"' in page
    assert ">23790.12345</span>" in page


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//x.example"]
)
def test_what_is_no_address_is_text_and_no_link(ana: Client, address: str) -> None:
    page = page_of(ana, OrderFactory.create(boleto_pdf_url=address))

    assert f'href="{address}' not in page
    assert address.strip() in page


def test_a_broken_address_breaks_no_page(ana: Client) -> None:
    assert 'href="http://[' not in page_of(ana, OrderFactory.create(boleto_pdf_url="http://[broken"))


@pytest.mark.parametrize("method", PAID_LATER)
@pytest.mark.parametrize(("status", "is_folded"), [("pendente", False), ("aprovado", True), ("cancelado", True)])
def test_a_code_is_shown_and_folded_away_once_it_is_of_no_use(
    ana: Client, method: PaymentMethod, status: str, is_folded: bool
) -> None:
    code = {_CODES[method][0]: "https://pay.example/1"}
    page = page_of(ana, OrderFactory.create(payment_method=method, status=status, **code))

    shown = page.split('class="module relative')[-1].split("</fieldset>")[0]
    assert "https://pay.example/1" in shown
    assert ("<details><summary>" in shown) == is_folded


def test_the_page_begins_with_how_the_order_stands_and_its_money(ana: Client) -> None:
    order = OrderFactory.create(status="aprovado", payment_method="pix", total_cents=1000)
    Refund.objects.create(order=order, amount_cents=300, state="asked")

    page = page_of(ana, order)

    assert page.index("R$3.00 is on its way back") < page.index("<dt>Left</dt>") < page.index("Appmax order id")
    assert ">R$7.00</dd>" in page


# --- the timeline ---


def entry(row: Order | Installation, text: str, minutes: int, user: str = "bia") -> LogEntry:
    """Something that staff did."""
    who, _ = User.objects.get_or_create(username=user)
    return LogEntry.objects.create(
        user=who,
        content_type=ContentType.objects.get_for_model(type(row)),
        object_id=str(row.pk),
        object_repr="",
        action_flag=CHANGE,
        change_message=text,
        action_time=timezone.now() + timedelta(minutes=minutes),
    )


def event(order: Order, minutes: int, **columns: Any) -> WebhookEvent:
    """A webhook about it, handled unless told otherwise."""
    is_processed = columns.setdefault("processed", True)
    row: WebhookEvent = WebhookEventFactory.create(
        appmax_order_id=order.appmax_order_id, processed_at=timezone.now() if is_processed else None, **columns
    )
    WebhookEvent.objects.filter(pk=row.pk).update(created_at=timezone.now() + timedelta(minutes=minutes))
    return row


def attempt(order: Order, minutes: int, **columns: Any) -> PaymentAttempt:
    """A payment that was tried."""
    row = PaymentAttempt.objects.create(
        order=order, fingerprint="", **{"method": "pix", "state": "succeeded", "settled_at": timezone.now(), **columns}
    )
    PaymentAttempt.objects.filter(pk=row.pk).update(started_at=timezone.now() + timedelta(minutes=minutes))
    return row


def test_all_that_happened_is_there_the_newest_first(ana: Client) -> None:
    order = OrderFactory.create(total_cents=500)
    attempt(order, 1)
    event(order, 2, event="order_pix_created")
    entry(order, "Reconciled with Appmax: unchanged, pendente → pendente", 3)
    event(order, 4, event="order_paid_by_pix")

    assert [each.title for each in timeline_of(ana, order)] == [
        "Webhook order_paid_by_pix: Applied",
        "Reconciled with Appmax: unchanged, pendente → pendente",
        "Webhook order_pix_created: Applied",
        "Payment attempt, Pix: Code generated, awaiting payment",
        "Order created: R$5.00",
    ]


def test_events_that_wait_are_there_beside_those_that_were_handled(ana: Client) -> None:
    order = OrderFactory.create()
    event(order, 1, event="order_paid")
    event(order, 2, event="order_refund", processed=False, outcome="waiting")
    event(order, 3, event="order_paid", outcome="duplicate")

    assert [(each.title, each.detail) for each in timeline_of(ana, order)][:3] == [
        ("Webhook order_paid: Duplicate", "The same event of this order was handled before"),
        ("Webhook order_refund: Waiting", "It waits for its order, or for Appmax's confirmation"),
        ("Webhook order_paid: Applied", ""),
    ]


def test_what_staff_did_to_an_event_is_there_too(ana: Client) -> None:
    order = OrderFactory.create()
    row = event(order, 1)
    who = User.objects.create_user("bia")
    LogEntry.objects.create(
        user=who,
        content_type=ContentType.objects.get_for_model(WebhookEvent),
        object_id=str(row.pk),
        object_repr="",
        action_flag=CHANGE,
        change_message="Handled again: applied",
    )

    assert [(each.title, each.detail) for each in timeline_of(ana, order) if each.tone == "staff"] == [
        ("Webhook event, Handled again: Applied", "bia")
    ]


def test_a_refund_says_who_asked_how_much_why_and_what_came_of_it(ana: Client) -> None:
    order = OrderFactory.create(status="aprovado")
    bia = User.objects.create_user("bia")
    api_key(order.installation)
    key = ApiKey.objects.get()
    for minutes, columns in enumerate(
        (
            {"asked_by": bia, "state": "asked", "reason": "parcel lost"},
            {"api_key": key, "state": "confirmed"},
            {"state": "refused"},
        )
    ):
        at = timezone.now() + timedelta(minutes=2 * minutes)
        # Appmax tells whole seconds, so that a refund may look confirmed before it was asked for.
        waits = {"confirmed": timedelta(milliseconds=-400), "refused": timedelta(minutes=1)}
        settled_at = at + waits[str(columns["state"])] if columns["state"] in waits else None
        Refund.objects.create(order=order, amount_cents=500, asked_at=at, settled_at=settled_at, **columns)

    assert [(each.title, each.detail, each.tone) for each in timeline_of(ana, order)][:5] == [
        ("Refund of R$5.00 refused: nothing goes back", "", "bad"),
        ("Refund of R$5.00 asked for", "API, without a key", ""),
        ("Refund of R$5.00 confirmed: the money went back", "", ""),
        ("Refund of R$5.00 asked for", f"API key test ({key.prefix})", ""),
        (
            "Refund of R$5.00 asked for",
            "bia · parcel lost · Asked: Appmax took it, and has not said that it is done",
            "open",
        ),
    ]


def test_a_tracking_code_is_there_once_whoever_sent_it(ana: Client) -> None:
    order = OrderFactory.create(status="aprovado")
    OrderCode.objects.put(order, tracking="BR1")
    entry(order, "Tracking code sent to Appmax: BR2", 1)
    OrderCode.objects.put(order, tracking="BR2", pix="not a parcel's")

    assert [(each.title, each.detail) for each in timeline_of(ana, order) if "racking" in each.title] == [
        ("Tracking code sent to Appmax: BR2", "bia"),
        ("Tracking code sent to Appmax: BR1", "API"),
    ]


@pytest.mark.parametrize(
    ("permissions", "shown"),
    [([], "Bia S. · b…@e… · •••"), (["webhooks.view_personal_data"], "Bia S. · bia@example.com · 11144477735")],
)
def test_the_shopper_is_named_and_the_whole_is_for_those_who_may(
    staff: Callable[..., Client], permissions: list[str], shown: str
) -> None:
    order = OrderFactory.create()
    Shopper.objects.create(
        installation=order.installation,
        appmax_customer_id=order.appmax_customer_id,
        name="Bia S.",
        email="bia@example.com",
        email_shown="b…@e…",
        document="11144477735",
        document_shown="•••",
    )

    page = page_of(staff("Support", *permissions, name="rui"), order)

    assert f"Shopper: {shown}<" in page


def test_a_refund_of_appmaxs_panel_is_there_too(ana: Client) -> None:
    order = OrderFactory.create(status="aprovado", refunded_elsewhere_at=timezone.now())

    assert timeline_of(ana, order)[0].title == "A part was refunded in Appmax's panel"
    assert "at most: a part went back in Appmax's panel" in page_of(ana, order)


def test_what_appmax_was_asked_is_there_and_when_it_is_asked_next(ana: Client) -> None:
    order = OrderFactory.create(status="aprovado")
    now = timezone.now()
    QuestionFactory.create(
        appmax_order_id=order.appmax_order_id,
        installation=order.installation,
        asked_at=now,
        due_at=now + timedelta(minutes=5),
        times=2,
        said="aprovado",
    )
    QuestionFactory.create(appmax_order_id=order.appmax_order_id, error="Unavailable")  # another merchant's claim

    assert [(each.title, each.detail, each.tone) for each in timeline_of(ana, order)][:2] == [
        ("Appmax is asked next: A webhook told of money", "", "open"),
        ("Appmax was asked: A webhook told of money", "Appmax said: Approved · asked 2 times", ""),
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("NotFound", "Appmax knows no such order of this merchant."),
        ("CredentialsRefused", "Appmax refused this merchant's credentials."),
        ("CredentialsUnreadable", "Our own keys don't open the stored secret: see FIELD_ENCRYPTION_KEYS."),
        ("UnknownStatus", "Appmax's answer could not be understood."),
        ("OutcomeUnknown", "Appmax gave no answer."),
    ],
)
def test_why_asking_failed_is_told_in_words(ana: Client, error: str, words: str) -> None:
    order = OrderFactory.create()
    QuestionFactory.create(
        appmax_order_id=order.appmax_order_id, installation=order.installation, due_at=None, error=error
    )

    assert (timeline_of(ana, order)[0].detail, timeline_of(ana, order)[0].tone) == (f"{words[:-1]} · asked once", "bad")


@pytest.mark.parametrize(("name", "tone"), [("order_pix_created", ""), ("order_refund", ""), ("order_paid", "good")])
def test_an_event_is_green_only_if_it_told_of_money_that_is_there(ana: Client, name: str, tone: str) -> None:
    order = OrderFactory.create()
    event(order, 1, event=name)

    assert timeline_of(ana, order)[0].tone == tone


def test_nothing_of_another_order_is_there(ana: Client) -> None:
    order, other = OrderFactory.create_batch(2)
    attempt(other, 1)
    event(other, 2)
    entry(other, "Disabled", 3)
    entry(other.installation, "Disabled", 4)  # the same number, perhaps, in another table

    assert len(timeline_of(ana, order)) == 1


def test_each_line_says_more_where_there_is_more(ana: Client) -> None:
    order = OrderFactory.create()
    tried, came = attempt(order, 1), event(order, 2)

    page = page_of(ana, order)

    assert f'href="{on(tried)}"' in page
    assert f'href="{on(came)}"' in page


def test_a_strangers_text_in_the_timeline_is_text(ana: Client) -> None:
    order = OrderFactory.create()
    event(order, 1, event="<script>alert(1)</script>", error_message="<b>x</b>")

    page = ana.get(on(order)).content.decode()

    assert "<script>alert" not in page
    assert "<b>x</b>" not in page


@pytest.mark.parametrize("answer", [None, {}, {"message": None}, {"message": ["a"]}, {"by_hand": "ana looked"}])
def test_whatever_appmax_answered_the_page_opens(ana: Client, answer: Any) -> None:
    order = OrderFactory.create()
    attempt(order, 1, answer=answer)

    assert len(timeline_of(ana, order)) == 2


@pytest.mark.parametrize("state", AttemptState)
def test_every_state_of_an_attempt_is_told(ana: Client, state: AttemptState) -> None:
    order = OrderFactory.create()
    is_open = state in (AttemptState.STARTED, AttemptState.UNKNOWN)
    row = attempt(order, 1, state=state, settled_at=None if is_open else timezone.now())

    with override("en"):
        words = name_of(PaymentAttempt.objects.with_overtaken().get(pk=row.pk), order.status).words
    assert timeline_of(ana, order)[0].title == f"Payment attempt, Pix: {words}"


def test_a_long_story_costs_the_same_few_queries(ana: Client) -> None:
    order = OrderFactory.create()
    for number in range(30):
        attempt(order, number, answer={"message": "x"})
        row = event(order, number, event=f"order_{number}")
        entry(order, "Reconciled with Appmax: unchanged", number, user=f"user {number}")
    assert row.pk
    timeline_of(ana, order)  # A process reads the content types once.

    with CaptureQueriesContext(connection) as queries:
        entries = timeline_of(ana, order)

    assert len(entries) == 91
    assert len(queries) <= 15


def test_only_the_newest_of_a_very_long_story_are_there(ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backoffice.timeline.MOST", 2)
    order = OrderFactory.create()
    for number in range(4):
        event(order, number, event=f"order_{number}", outcome="acknowledged")

    titles = [each.title for each in timeline_of(ana, order)]

    assert titles[:2] == ["Webhook order_3: Acknowledged", "Webhook order_2: Acknowledged"]
    assert len(titles) == 3


# --- why something became of an event ---


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.APPLIED])
def test_what_became_of_an_event_is_explained_in_portuguese(outcome: Outcome) -> None:
    row = WebhookEvent(outcome=outcome)

    with override("pt-br"):
        told = explanation(row), row.get_outcome_display()
    with override("en"):
        assert not set(told) & {explanation(row), row.get_outcome_display()}


@pytest.mark.parametrize("why", Why)
def test_every_reason_to_ask_appmax_is_told_in_portuguese(why: Why) -> None:
    with override("en"):
        english = str(why.label)
    with override("pt-br"):
        assert str(why.label) != english
