"""The timeline of an order: its creation, payment attempts, refunds, webhook events, questions to Appmax, what staff
did, and their notes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Prefetch, Q, prefetch_related_objects
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice import notes
from backoffice.attempt_words import name_of, said
from backoffice.event_notes import TONES, explanation
from backoffice.kit.words import failure, lasted, moment, reais, told
from backoffice.order_story import Past
from orders.models import CodeKind, Order, OrderCode, Question, Refund
from orders.status import OPEN_REFUNDS, PAID_AND_KEPT, OrderStatus, RefundState
from webhooks import payload
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

MOST = 200  # of each kind, the newest


@dataclass(frozen=True)
class Entry:
    """One line. `tone` is good, bad, open or "", and decides the colour; only money that is there is good. `url` leads
    to the details, and `text` is what staff wrote, with its line breaks."""

    at: datetime
    title: str
    detail: str = ""
    tone: str = ""
    url: str = ""
    text: str = ""


def read(order: Order) -> Past:
    """What has happened to the order, in four queries. The order keeps the refunds, so that its sums read none anew."""
    refunds = Refund.objects.select_related("asked_by", "api_key").order_by("-pk")
    prefetch_related_objects([order], Prefetch("refunds", refunds))
    questions = Question.objects.of_order(order.appmax_order_id)
    return Past(
        attempts=list(order.attempts.with_overtaken().order_by("-pk")[:MOST]),
        refunds=list(order.refunds.all()),
        events=list(WebhookEvent.objects.of_order(order.appmax_order_id).defer("payload").order_by("-pk")[:MOST]),
        question=questions.filter(installation=order.installation_id).first(),
    )


def of(order: Order, past: Past) -> list[Entry]:
    """The order's timeline, newest entry first. What is still to come is above all others."""
    entries = [
        Entry(order.created_at, _("Order created: %(amount)s") % {"amount": reais(order.total_cents)}),
        *_attempts(order, past),
        *_refunds(order, past),
        *_events(past),
        *_questions(past),
        *_staff_and_tracking(order, past),
        *(
            Entry(
                note.written_at,
                _("Note of %(author)s") % {"author": note.author},
                tone="staff",
                url=note.url,
                text=note.text,
            )
            for note in notes.of(order)
        ),
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def who_asked(refund: Refund) -> str:
    """The member of staff, or the storefront's key, that a refund was asked for by."""
    if refund.asked_by:
        return refund.asked_by.get_username()
    if refund.api_key:
        return _("API key %(name)s (%(prefix)s)") % {"name": refund.api_key.name, "prefix": refund.api_key.prefix}
    return _("API, without a key")


def refund_lines(order: Order) -> list[str]:
    """What can be paid back of an order, and a line for each earlier refund: its amount and state, who asked for it,
    when and why."""
    lines = [_("Can be paid back: %(amount)s") % {"amount": reais(order.refundable_cents)}]
    if order.refunded_elsewhere_at:
        lines.append(_("At most, as a part went back in Appmax's panel, and only that panel tells how much."))
    for refund in order.refunds.order_by("pk").select_related("asked_by", "api_key"):
        asked = f"{who_asked(refund)}, {moment(refund.asked_at)}"
        line = f"{reais(refund.amount_cents)} · {refund.get_state_display()} ({asked})"
        lines.append(f"{line}: {refund.reason}" if refund.reason else line)
    return lines


_TONES = {"success": "good", "danger": "bad", "warning": "open"}
"""A badge's tone as a line's."""


def _attempts(order: Order, past: Past) -> Iterator[Entry]:
    for attempt in past.attempts:
        named = name_of(attempt, order.status)
        words = {"method": attempt.get_method_display(), "state": named.words}
        detail = [said(attempt).rstrip("."), str((attempt.answer or {}).get("by_hand") or "")]
        if attempt.settled_at:
            detail.append(_("settled after %(time)s") % {"time": lasted(attempt.settled_at - attempt.started_at)})
        yield Entry(
            attempt.started_at,
            _("Payment attempt, %(method)s: %(state)s") % words,
            ", ".join(filter(None, detail)),
            _TONES.get(named.tone, ""),
            reverse("admin:orders_paymentattempt_change", args=[attempt.pk]),
        )


def _refunds(order: Order, past: Past) -> Iterator[Entry]:
    """A line when each was asked for, and another when it was settled."""
    for refund in past.refunds:
        amount = {"amount": reais(refund.amount_cents)}
        # Of two lines with the same time the first one stands above, as the newer one.
        if refund.settled_at and refund.state == RefundState.CONFIRMED:
            at = max(refund.asked_at, refund.settled_at)  # Appmax tells whole seconds.
            yield Entry(at, _("Refund of %(amount)s confirmed: the money went back") % amount)
        elif refund.settled_at:
            yield Entry(refund.settled_at, _("Refund of %(amount)s refused: nothing goes back") % amount, tone="bad")
        detail = [who_asked(refund), refund.reason]
        if refund.state in OPEN_REFUNDS:
            detail.append(refund.get_state_display())
        yield Entry(
            refund.asked_at,
            _("Refund of %(amount)s asked for") % amount,
            " · ".join(filter(None, detail)),
            "open" if refund.state in OPEN_REFUNDS else "",
        )
    if order.refunded_elsewhere_at:
        yield Entry(
            order.refunded_elsewhere_at,
            _("A part was refunded in Appmax's panel"),
            _("Only that panel tells how much."),
        )


def _events(past: Past) -> Iterator[Entry]:
    for event in past.events:
        outcome, is_money = Outcome(event.outcome), payload.status_of(event.event) in PAID_AND_KEPT
        tone = TONES.get(outcome, "") if outcome is not Outcome.APPLIED or is_money else ""
        yield Entry(
            event.created_at,
            _("Webhook %(event)s: %(outcome)s") % {"event": event.event, "outcome": event.get_outcome_display()},
            explanation(event),
            tone,
            reverse("admin:webhooks_webhookevent_change", args=[event.pk]),
        )


def _questions(past: Past) -> Iterator[Entry]:
    """When Appmax was last asked about the order, and when it is asked next."""
    question = past.question
    if question is None:
        return
    url = reverse("admin:orders_question_change", args=[question.pk])
    why = question.get_why_display()
    if question.asked_at:
        said = OrderStatus(question.said).label if question.said else ""
        answer = failure(question.error) if question.error else _("Appmax said: %(status)s") % {"status": said}
        times = ngettext("asked once", "asked %(times)d times", question.times) % {"times": question.times}
        yield Entry(
            question.asked_at,
            _("Appmax was asked: %(why)s") % {"why": why},
            " · ".join(
                filter(None, (answer.rstrip(".") if question.error or said else "", times if question.times else ""))
            ),
            "bad" if question.error else "",
            url,
        )
    if question.due_at:
        yield Entry(question.due_at, _("Appmax is asked next: %(why)s") % {"why": why}, "", "open", url)


def _staff_and_tracking(order: Order, past: Past) -> list[Entry]:
    """What staff did with the order and its events, from their history, and the tracking codes that storefronts sent.

    What added a row of its own, such as a refund, is told by that row.
    """
    of_orders, of_events = (ContentType.objects.get_for_model(model) for model in (Order, WebhookEvent))
    events = [str(event.pk) for event in past.events]
    logged = LogEntry.objects.filter(
        Q(content_type=of_orders, object_id=str(order.pk)) | Q(content_type=of_events, object_id__in=events),
        action_flag=CHANGE,
    )
    entries = []
    for line in logged.select_related("user")[: 2 * MOST]:
        prefix = _("Webhook event") + ", " if line.content_type_id == of_events.pk else ""
        entries.append(Entry(line.action_time, prefix + told(line.change_message), line.user.get_username(), "staff"))
    for row in OrderCode.objects.filter(order=order, kind=CodeKind.TRACKING).order_by("-pk")[:MOST].readable():
        if not any(entry.title.endswith(row.code) for entry in entries):
            entries.append(Entry(row.created_at, _("Tracking code sent to Appmax") + f": {row.code}", _("API")))
    return entries
