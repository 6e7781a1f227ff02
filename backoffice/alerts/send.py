"""Sends alerts: by e-mail, and to a chat's incoming webhook. All that waits for one address goes there in one message.

Several workers may send. A message's rows are claimed with a lease, and no database connection is held while a mail
server or a chat is awaited.
"""

import json
import smtplib
import time
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext, ngettext, override
from prometheus_client import Counter

from backoffice.alerts.kinds import KINDS
from backoffice.alerts.models import Alert, AlertState, WhyNotSent
from installations.fields import DecryptionFailed
from orders import clock
from web import outgoing

log = structlog.stdlib.get_logger(__name__)

_messages = Counter(
    "checkout_alerts", "Messages with alerts, by the way they went and what became of them", ["way", "result"]
)

SECONDS = 20.0  # No message is begun after this time.
LEASE = timedelta(minutes=5)
"""A mail server has six answers to give, and 10 s for each; a chat has 15 s."""
TRIES = 3
AGAIN_AFTER = timedelta(minutes=2)
MOST_LINES = 20  # alerts that a message says in full

_HOPELESS = (WhyNotSent.NOT_SET_UP, WhyNotSent.RULE_GONE)
_OF_SMTP = {
    smtplib.SMTPAuthenticationError: WhyNotSent.LOGIN_REFUSED,
    smtplib.SMTPSenderRefused: WhyNotSent.SENDER_REFUSED,
}


@dataclass(frozen=True)
class Failure:
    """Why a message wasn't sent. The details hold no address and no URL."""

    why: WhyNotSent
    details: str = ""


@dataclass(frozen=True)
class Message:
    """Alerts of one rule for one e-mail address, or for the chat with this URL."""

    alerts: tuple[Alert, ...]
    language: str
    recipient: str
    chat_url: str
    failure: Failure | None = None
    """Why it can't be sent at all."""

    @property
    def title(self) -> str:
        found = KINDS.get(self.alerts[0].kind)
        return str(found.title) if found else self.alerts[0].kind

    @property
    def lines(self) -> list[str]:
        """Each alert with its link; of very many the first ones."""
        shown = [f"{_plain(alert.text)}\n{_url(alert.path)}" for alert in self.alerts[:MOST_LINES]]
        more = len(self.alerts) - len(shown)
        if more:
            shown.append(ngettext("And %d more.", "And %d more.", more) % more)
        return shown


def send_due(*, seconds: float = SECONDS) -> int:
    """Send what is due, until nothing is left or the time is over; returns the number of messages."""
    until, sent = time.monotonic() + seconds, 0
    while time.monotonic() < until and (message := _claim()):
        if not connection.in_atomic_block:
            connection.close()
        failure = message.failure
        if failure is None:
            with override(message.language):
                failure = _email(message) if message.recipient else _post(message)
        _write(message, failure)
        sent += 1
    return sent


def _claim() -> Message | None:
    """All that is due for the address of the alert that has waited longest. It is due again when the lease is over."""
    with transaction.atomic():
        now = clock.now()
        due = Alert.objects.filter(state=AlertState.WAITING, due_at__lte=now)
        free = due.select_for_update(skip_locked=True, of=("self",))
        first = free.order_by("due_at", "pk").first()
        if first is None:
            return None
        same = free.filter(rule=first.rule_id, recipient=first.recipient, kind=first.kind)
        alerts = tuple(same.select_related("rule").defer("rule__chat_url").order_by("pk"))
        Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(due_at=now + LEASE, tries=F("tries") + 1)
        rule = alerts[0].rule
        if rule is None:
            return Message(alerts, settings.LANGUAGE_CODE, first.recipient, "", Failure(WhyNotSent.RULE_GONE))
        try:
            chat_url = "" if first.recipient else rule.chat_url
        except DecryptionFailed:
            return Message(alerts, rule.language, first.recipient, "", Failure(WhyNotSent.URL_UNREADABLE))
    is_gone = not first.recipient and not chat_url
    return Message(alerts, rule.language, first.recipient, chat_url, Failure(WhyNotSent.RULE_GONE) if is_gone else None)


def _email(message: Message) -> Failure | None:
    """Send it by e-mail; returns why that failed. An SMTP error's own words may hold addresses, so its kind and code
    are kept."""
    if not settings.EMAIL_HOST:
        return Failure(WhyNotSent.NOT_SET_UP)
    count = len(message.alerts)
    subject = message.title if count == 1 else f"{message.title} ({count})"
    foot = gettext("You get this e-mail because of an alert rule in the back office: %(url)s") % {
        "url": _rule_url(message)
    }
    body = "\n\n".join([*message.lines, f"-- \n{foot}\n"])
    try:
        with get_connection() as server:  # which closes the socket if the server refuses our user name
            EmailMessage(f"[Appmax Checkout] {subject}", body, to=[message.recipient], connection=server).send()
    except smtplib.SMTPRecipientsRefused as refusal:
        code = next(iter(refusal.recipients.values()), (0, b""))[0]
        return Failure(WhyNotSent.ADDRESS_REFUSED, f"{type(refusal).__name__} {code}")
    except smtplib.SMTPResponseException as refusal:
        why = _OF_SMTP.get(type(refusal), WhyNotSent.MAIL_REFUSED)
        return Failure(why, f"{type(refusal).__name__} {refusal.smtp_code}")
    except smtplib.SMTPNotSupportedError as error:
        return Failure(WhyNotSent.NOT_OFFERED, type(error).__name__)
    except ValueError as error:  # The address can't be a header.
        return Failure(WhyNotSent.ADDRESS_REFUSED, type(error).__name__)
    except (smtplib.SMTPException, OSError) as error:
        return Failure(WhyNotSent.NO_ANSWER, type(error).__name__)
    return None


def _post(message: Message) -> Failure | None:
    """Post it to the chat; returns why that failed."""
    body = chat_body(message.chat_url, "\n\n".join([f"{message.title}:", *message.lines]))
    try:
        answer = outgoing.post(message.chat_url, body, {"Content-Type": "application/json"})
    except outgoing.NoAnswer as error:
        return Failure(WhyNotSent.NO_ANSWER, error.kind)
    except outgoing.NotAllowed as refusal:
        return Failure(WhyNotSent.URL_NOT_ALLOWED, str(refusal))
    if answer.is_success:
        return None
    return Failure(WhyNotSent.CHAT_REFUSED, f"HTTP {answer.status} {_plain(answer.text)}"[:200].strip())


_OF_WORKFLOWS = (".logic.azure.com", ".api.powerplatform.com")


def chat_body(url: str, text: str) -> bytes:
    """What the chat at this URL takes: the JSON text of Slack, which Teams' connectors and others take too, or a card
    for a workflow of Teams, which takes nothing else.

    https://api.slack.com/incoming-webhooks
    https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
    """
    # Both make links of [text](URL), and a merchant's name could be written so.
    text = text.replace("[", "(").replace("]", ")")
    if not str(urlsplit(url).hostname).endswith(_OF_WORKFLOWS):
        # Slack's own signs: https://api.slack.com/reference/surfaces/formatting#escaping
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return json.dumps({"text": escaped}, ensure_ascii=False).encode()
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": [{"type": "TextBlock", "text": part, "wrap": True} for part in text.split("\n\n")],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False).encode()


def _write(message: Message, failure: Failure | None) -> None:
    """Write what became of the message, unless its lease has run out and another worker has it."""
    now, details = clock.now(), failure.details if failure else ""
    for alert in message.alerts:
        columns: dict[str, object] = {"why_not_sent": failure.why if failure else "", "error": details}
        if failure is None:
            columns |= {"state": AlertState.SENT, "sent_at": now}
        elif alert.tries + 1 >= TRIES or failure.why in _HOPELESS:
            columns["state"] = AlertState.FAILED
        else:
            columns["due_at"] = now + AGAIN_AFTER
        Alert.objects.filter(pk=alert.pk, state=AlertState.WAITING, tries=alert.tries + 1).update(**columns)
    way, result = "email" if message.recipient else "chat", "failed" if failure else "sent"
    _messages.labels(way, result).inc()
    line = log.warning if failure else log.info
    line(
        "alerts.sent",
        rule=message.alerts[0].rule_id,
        way=way,
        alerts=len(message.alerts),
        result=result,
        why=failure and failure.why,
        error=details,
    )


def _rule_url(message: Message) -> str:
    rule = message.alerts[0].rule
    return _url(rule.url) if rule else settings.PUBLIC_URL


def _url(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}"


def _plain(text: str) -> str:
    """On one line: a merchant's external key may hold anything."""
    return " ".join(text.split())
