"""What alert rules find, how often they tell of it, and how it arrives: at a mail server and at a chat."""

import gc
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.db import connection, connections
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice.alerts import send, watch
from backoffice.alerts.kinds import KINDS
from backoffice.alerts.models import Alert, AlertRule, AlertState
from backoffice.models import MerchantFigures
from installations.models import Installation, Suspension
from notifications import endpoints
from notifications.models import DisabledWhy, Endpoint
from orders.models import Order, PaymentAttempt
from orders.status import OrderStatus
from tests.backoffice.conftest import make_job
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from tests.support.listener import Listener, listening
from tests.support.mail_server import MailServer, receiving

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def mails(settings: Any) -> Iterator[MailServer]:
    with receiving(settings) as mail_server:
        yield mail_server


@pytest.fixture
def chat(settings: Any) -> Iterator[Listener]:
    settings.NOTIFY_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with listening() as listener:
        yield listener


def rule(kind: str, **columns: Any) -> AlertRule:
    threshold = KINDS[kind].threshold
    values = {"recipients": ["ana@example.com"], "threshold": threshold and threshold.default, "language": "en"}
    return AlertRule.objects.create(kind=kind, **(values | columns))


def told() -> list[str]:
    return list(Alert.objects.order_by("pk").values_list("text", flat=True))


def hours_pass(hours: float) -> None:
    """All alerts were found, and are due, so much earlier."""
    span = hours * HOUR
    Alert.objects.update(found_at=F("found_at") - span, due_at=F("due_at") - span)


def refused(**columns: Any) -> Installation:
    return InstallationFactory.create(refused_since=timezone.now(), **columns)


# --- what each kind finds ------------------------------------------------------------------------------------------


def silent(missed: float | None, **columns: Any) -> Installation:
    merchant: Installation = InstallationFactory.create(**columns)
    MerchantFigures.objects.create(
        installation=merchant,
        refreshed_at=timezone.now(),
        tried_today=0,
        failed_today=0,
        month_cents=0,
        last_webhook_at=timezone.now() - 5 * HOUR,
        missed_webhooks=missed,
        learnt_on=timezone.localdate(),
    )
    return merchant


def paid_by_card(merchant: Installation, state: str, count: int, ago: timedelta = timedelta(minutes=20)) -> None:
    for _ in range(count):
        attempt = PaymentAttempt.objects.create(
            order=OrderFactory.create(installation=merchant),
            method="credit_card",
            state=state,
            fingerprint="x",
            settled_at=timezone.now(),
        )
        PaymentAttempt.objects.filter(pk=attempt.pk).update(started_at=timezone.now() - ago)


def in_doubt(merchant: Installation, ago: timedelta) -> Order:
    order: Order = OrderFactory.create(installation=merchant)
    attempt = PaymentAttempt.objects.create(order=order, method="pix", state="unknown", fingerprint="x")
    PaymentAttempt.objects.filter(pk=attempt.pk).update(started_at=timezone.now() - ago)
    return order


def test_a_merchant_is_silent_by_its_own_rhythm() -> None:
    silent(29.4, name="Still usual")
    silent(None, name="Rhythm not known")
    Suspension.objects.create(installation=silent(99, name="Disabled by staff"), reason="closed")
    silent(45.2, name="Silent")
    rule("silence")

    watch.look()

    assert [text.partition(" since ")[0] for text in told()] == ["Silent: no webhook has come"]
    assert "about 45 would be usual by now" in told()[0]


def test_declines_jump_against_the_merchants_own_week() -> None:
    usual, jumped, few = (InstallationFactory.create(name=name) for name in ("Usual", "Jumped", "Few"))
    for merchant, declined in ((usual, 5), (jumped, 1)):  # of ten a day ago
        paid_by_card(merchant, "declined", declined, timedelta(days=1))
        paid_by_card(merchant, "succeeded", 10 - declined, timedelta(days=1))
        paid_by_card(merchant, "declined", 6)
        paid_by_card(merchant, "succeeded", 4)
    paid_by_card(few, "declined", 9)
    rule("declines")

    watch.look()

    assert told() == ["Jumped: 6 of 10 card payments were declined in the last hour: 60%, where 10% is usual."]


def test_a_chargeback_is_told_once_for_each_of_its_statuses() -> None:
    rule("chargeback")
    order = OrderFactory.create(installation__name="Loja", total_cents=12990, appmax_order_id=77)
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.CHARGEBACK_EM_TRATATIVA, updated_at=timezone.now())

    watch.look()
    hours_pass(25)
    watch.look()
    assert told() == ["Loja: order 77 over R$129.90: Chargeback being handled."]

    Order.objects.filter(pk=order.pk).update(status=OrderStatus.CHARGEBACK_PERDIDO)
    watch.look()
    assert told()[1:] == ["Loja: order 77 over R$129.90: Chargeback lost."]


def test_a_new_rule_tells_of_no_chargeback_from_before() -> None:
    order = OrderFactory.create(status=OrderStatus.CHARGEBACK_EM_TRATATIVA)
    Order.objects.filter(pk=order.pk).update(updated_at=timezone.now() - HOUR)
    rule("chargeback")

    assert watch.look() == 0


def test_a_payment_is_told_when_it_has_been_in_doubt_for_an_hour() -> None:
    merchant = InstallationFactory.create(name="Loja")
    in_doubt(merchant, timedelta(minutes=58))
    order = in_doubt(merchant, timedelta(minutes=62))
    rule("doubt")

    watch.look()

    (text,) = told()
    assert text.startswith(f"Loja: order {order.appmax_order_id} over ")
    assert "nobody has known whether it was paid" in text
    assert Alert.objects.get().path.endswith(f"/orders/order/{order.pk}/change/")


def test_events_that_gave_up_are_told_together_for_each_merchant() -> None:
    rule("closed_events")
    merchant = InstallationFactory.create(name="Loja")
    columns: dict[str, Any] = {"processed": True, "processed_at": timezone.now(), "outcome": "closed"}
    WebhookEventFactory.create_batch(2, installation=merchant, **columns)
    WebhookEventFactory.create(installation=None, **columns)
    WebhookEventFactory.create(installation=merchant, **(columns | {"outcome": "applied"}))

    watch.look()

    assert sorted(told()) == [
        "Loja: 2 events waited in vain for their orders, and were closed.",
        "Unknown merchant: 1 event waited in vain for its order, and was closed.",
    ]


def test_refused_credentials_are_told_and_again_after_a_day() -> None:
    merchant = refused(name="Loja")
    rule("refused")

    assert watch.look() == 1
    hours_pass(23)
    assert watch.look() == 0
    hours_pass(1)
    assert watch.look() == 1
    Installation.objects.filter(pk=merchant.pk).update(refused_since=None)
    hours_pass(25)
    assert watch.look() == 0
    assert told()[0].startswith("Loja: Appmax has refused the merchant's credentials since ")


def test_a_failed_job_is_told_by_its_name() -> None:
    rule("failed_job")
    for status in ("failed", "failed", "todo"):
        make_job("webhooks.handle_kept", status)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_events (job_id, type, at) SELECT id, 'failed', clock_timestamp()"
            " FROM procrastinate_jobs WHERE status = 'failed'"
        )

    watch.look()

    assert told() == [
        "This task of the worker failed: Handle failed events again, and close those that waited too long."
    ]


def test_an_endpoint_is_told_when_we_switched_it_off_and_not_when_somebody_did() -> None:
    merchant = InstallationFactory.create(name="Loja")
    for why in (DisabledWhy.FAILING, DisabledWhy.BY_MERCHANT):
        endpoint = endpoints.register(merchant, url="https://shop.example.com/told?secret=1", event_types=[])
        Endpoint.objects.filter(pk=endpoint.pk).update(enabled=False, disabled_why=why, failing_since=timezone.now())
    first = Endpoint.objects.order_by("pk").first()
    assert first is not None
    rule("endpoint_off")

    watch.look()

    assert told() == [f"Loja: the storefront's endpoint {first.pk} is switched off: It has failed for five days."]


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS.values() if kind.of_merchants])
def test_a_merchants_rule_tells_of_no_other(kind: str) -> None:
    """All things are wrong with one merchant: a rule of another finds nothing, and one for all finds it."""
    mine = rule(kind, installation=InstallationFactory.create())
    for_all = rule(kind)
    merchant = silent(99, refused_since=timezone.now())
    paid_by_card(merchant, "declined", 10)
    in_doubt(merchant, 2 * HOUR)
    order = OrderFactory.create(installation=merchant)
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.CHARGEBACK_EM_DISPUTA)
    WebhookEventFactory.create(installation=merchant, processed=True, processed_at=timezone.now(), outcome="closed")
    endpoint = endpoints.register(merchant, url="https://shop.example.com/told", event_types=[])
    Endpoint.objects.filter(pk=endpoint.pk).update(enabled=False, disabled_why=DisabledWhy.GONE)

    with CaptureQueriesContext(connection) as captured:
        watch.look()

    assert not Alert.objects.filter(rule=mine).exists()
    assert Alert.objects.filter(rule=for_all).count() == 1
    assert len(captured) <= 20


# --- how often -------------------------------------------------------------------------------------------------------


def test_a_subject_is_told_once_an_hour_at_most() -> None:
    """Also if it is another occasion: the credentials were accepted meanwhile, and are refused again."""
    merchant = refused()
    rule("refused")
    watch.look()
    Installation.objects.filter(pk=merchant.pk).update(refused_since=timezone.now())

    assert watch.look() == 0
    hours_pass(1)
    assert watch.look() == 1


def test_two_rules_tell_each_for_itself_and_one_that_is_off_nothing() -> None:
    refused()
    rule("refused")
    rule("refused", recipients=["eva@example.com", "ana@example.com"])
    rule("refused", enabled=False)

    assert watch.look() == 3


def test_old_alerts_are_deleted() -> None:
    refused()
    rule("refused")
    watch.look()
    hours_pass(91 * 24)
    AlertRule.objects.update(enabled=False)

    watch.look()

    assert not Alert.objects.exists()


def at_once(work: Callable[[], Any], count: int = 2) -> list[Any]:
    """The work, begun by so many threads at the same time; what it returned."""
    results: list[Any] = []
    start = threading.Barrier(count)

    def run() -> None:
        try:
            start.wait()
            results.append(work())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_workers_that_look_and_send_at_the_same_time_tell_once(mails: MailServer, chat: Listener) -> None:
    for _ in range(5):
        refused()
    rule("refused", chat_url=chat.url, chat_host="127.0.0.1")

    for _ in range(5):
        at_once(lambda: (watch.look(), send.send_due()), 4)

    assert Alert.objects.count() == 10
    lines = [post.body.decode() for post in chat.posts]
    assert sum(body.count("Appmax has refused") for body in lines) == 5
    assert sum(mail.get_content().count("Appmax has refused") for mail in mails.mails) == 5


def test_workers_that_send_at_the_same_time_send_each_message_once(mails: MailServer) -> None:
    refused()
    for number in range(10):
        rule("refused", recipients=[f"a{number}@example.com"])
    watch.look()

    assert sum(at_once(send.send_due, 4)) == 10

    assert sorted(to for (to,) in mails.recipients) == [f"a{number}@example.com" for number in range(10)]


# --- how it arrives --------------------------------------------------------------------------------------------------


def test_an_email_says_what_and_where_in_the_rules_language(mails: MailServer) -> None:
    refused(name="Loja do João")
    found = rule("refused", language="pt-br")
    watch.look()

    assert send.send_due() == 1

    (mail,) = mails.mails
    assert mails.recipients == [["ana@example.com"]]
    assert mail["Subject"] == "[Appmax Checkout] A Appmax recusa as credenciais de um lojista"
    assert mail["From"] == "Checkout <checkout@example.com>"
    body = mail.get_content()
    assert "Loja do João: a Appmax recusa as credenciais do lojista desde " in body
    alert = Alert.objects.get()
    assert f"{django_settings.PUBLIC_URL}{alert.path}" in body
    assert f"{django_settings.PUBLIC_URL}{found.url}" in body
    assert (alert.state, alert.tries, alert.error) == (AlertState.SENT, 1, "")
    assert send.send_due() == 0


def test_slack_gets_the_text_of_its_own_example() -> None:
    """https://api.slack.com/incoming-webhooks"""
    sent = send.chat_body("https://hooks.slack.com/services/T00000000/B00000000/XXXX", _SLACKS)

    assert json.loads(sent) == {"text": "This is a line of text.\nAnd this is another one."}


_SLACKS = "This is a line of text.\nAnd this is another one."


def test_a_connector_of_teams_gets_the_text_of_microsofts_example() -> None:
    """https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using (cURL)"""
    url = "https://example.webhook.office.com/webhookb2/guid@tenant/IncomingWebhook/guid/guid"

    assert json.loads(send.chat_body(url, "Hello World")) == {"text": "Hello World"}


def test_a_workflow_of_teams_gets_a_card() -> None:
    """It takes nothing else, says the same page under "Known issues"."""
    url = "https://prod-00.westus.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?sig=b"

    sent = json.loads(send.chat_body(url, "Hello World"))

    assert sent["type"] == "message"
    (attachment,) = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["type"] == "AdaptiveCard"
    assert attachment["content"]["body"] == [{"type": "TextBlock", "text": "Hello World", "wrap": True}]


def test_a_merchants_name_makes_no_link_and_calls_nobody_in_a_chat() -> None:
    sent = send.chat_body("https://hooks.slack.com/services/T/B/X", "<!channel> [free](https://evil.example) & more")

    assert json.loads(sent) == {"text": "&lt;!channel&gt; (free)(https://evil.example) &amp; more"}


def test_a_chat_gets_all_that_waits_in_one_message(chat: Listener) -> None:
    for number in range(send.MOST_LINES + 3):
        refused(external_key=f"shop\r\n{number}")
    rule("refused", recipients=[], chat_url=chat.url, chat_host="127.0.0.1")
    watch.look()

    assert send.send_due() == 1

    (post,) = chat.posts
    assert post.headers["Content-Type"] == "application/json"
    text = json.loads(post.body)["text"]
    assert text.startswith("Appmax refuses a merchant's credentials:\n\nshop ")
    assert text.count("Appmax has refused") == send.MOST_LINES
    assert text.endswith("And 3 more.")
    assert not Alert.objects.exclude(state=AlertState.SENT).exists()


def test_what_is_refused_is_tried_again_and_then_given_up_with_the_reason(mails: MailServer, chat: Listener) -> None:
    mails.answer = "550 no such user <ana@example.com>"
    chat.answer, chat.text = lambda post: (404, {}), b"no_service"
    refused()
    rule("refused", chat_url=chat.url, chat_host="127.0.0.1")
    watch.look()

    for _ in range(send.TRIES + 1):
        send.send_due()
        Alert.objects.update(due_at=F("due_at") - HOUR)

    assert sorted(Alert.objects.values_list("state", "tries", "why_not_sent", "error")) == [
        ("failed", 3, "chat_refused", "HTTP 404 no_service"),
        ("failed", 3, "mail_refused", "SMTPDataError 550"),
    ]
    assert len(chat.posts) == 3


@pytest.mark.parametrize(
    ("refuses", "user", "why", "error"),
    [
        ({"of_recipient": "550 no such user"}, "", "address_refused", "SMTPRecipientsRefused 550"),
        ({"of_sender": "553 not yours"}, "", "sender_refused", "SMTPSenderRefused 553"),
        ({}, "ana", "login_refused", "SMTPAuthenticationError 535"),
    ],
)
def test_what_the_mail_server_refuses_is_kept(
    mails: MailServer, settings: Any, refuses: dict[str, str], user: str, why: str, error: str
) -> None:
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = user
    for name, answer in refuses.items():
        setattr(mails, name, answer)
    refused()
    rule("refused")
    watch.look()

    send.send_due()
    gc.collect()  # A socket that was left open warns here, and the test fails.

    assert Alert.objects.values_list("why_not_sent", "error").get() == (why, error)


def test_a_mail_server_without_starttls_is_not_called_unreachable(mails: MailServer, settings: Any) -> None:
    settings.EMAIL_USE_TLS = True
    refused()
    rule("refused")
    watch.look()

    send.send_due()
    gc.collect()  # A socket that was left open warns here, and the test fails.

    assert Alert.objects.values_list("why_not_sent", "error").get() == ("not_offered", "SMTPNotSupportedError")
    assert mails.mails == []


def test_without_a_mail_server_it_is_said_so_at_once() -> None:
    refused()
    rule("refused")
    watch.look()

    send.send_due()

    assert Alert.objects.values_list("state", "why_not_sent").get() == ("failed", "not_set_up")


def test_a_chat_in_the_operators_network_is_not_reached(chat: Listener, settings: Any) -> None:
    settings.NOTIFY_ALLOWED_NETWORKS = []
    refused()
    rule("refused", recipients=[], chat_url=chat.url, chat_host="127.0.0.1")
    watch.look()

    send.send_due()

    assert chat.posts == []
    assert Alert.objects.get().why_not_sent == "url_not_allowed"
    assert "not public" in Alert.objects.get().error


def test_a_lost_encryption_key_is_said_and_stops_no_email(mails: MailServer, chat: Listener, settings: Any) -> None:
    refused()
    rule("refused", chat_url=chat.url, chat_host="127.0.0.1")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    watch.look()

    assert send.send_due() == 2

    assert dict(Alert.objects.values_list("recipient", "why_not_sent")) == {"": "url_unreadable", "ana@example.com": ""}


def test_a_worker_that_dies_leaves_a_lease_after_which_another_sends(mails: MailServer) -> None:
    refused()
    rule("refused")
    watch.look()
    assert send._claim() is not None

    assert send.send_due() == 0
    Alert.objects.update(due_at=F("due_at") - send.LEASE)
    assert send.send_due() == 1
    assert len(mails.mails) == 1


def test_no_connection_is_held_while_a_chat_is_awaited(chat: Listener) -> None:
    held: list[bool] = []
    mine = connections["default"]

    def answer(post: Any) -> tuple[int, dict[str, str]]:
        held.append(mine.connection is not None)
        return 200, {}

    chat.answer = answer
    refused()
    rule("refused", recipients=[], chat_url=chat.url, chat_host="127.0.0.1")
    watch.look()

    send.send_due()

    assert held == [False]
