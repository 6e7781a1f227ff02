"""Tells in a few sentences how an order stands and what comes next, and where its money is. Everything that is told is
given, so that a test can try each situation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from backoffice.kit.words import failure, reais, since
from orders.models import OPEN, AttemptMethod, AttemptState, Order, PaymentAttempt, Question, Refund
from orders.status import (
    BY_CARD,
    GONE,
    PAID_AND_KEPT,
    PAID_LATER,
    RESTARTABLE,
    UNDECIDED_CHARGEBACKS,
    OrderStatus,
    PaymentMethod,
    RefundState,
    is_paid,
)
from webhooks import payload
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent


@dataclass(frozen=True)
class Past:
    """What has happened to an order. Attempts and events are newest first, and events have no payload."""

    attempts: Sequence[PaymentAttempt] = ()
    refunds: Sequence[Refund] = ()
    events: Sequence[WebhookEvent] = ()
    question: Question | None = None

    @property
    def latest(self) -> PaymentAttempt | None:
        """The newest attempt to pay this order; an upsell pays another."""
        return next((each for each in self.attempts if each.method != AttemptMethod.UPSELL), None)

    @property
    def waiting(self) -> list[WebhookEvent]:
        """The events that have not been handled."""
        return [event for event in self.events if not event.processed]


@dataclass(frozen=True)
class Sum:
    """One of the amounts at the top of the page. `note` says what a reader must know of it."""

    label: str
    cents: int
    note: str = ""

    @property
    def amount(self) -> str:
        """In reais, as the reader's language writes it."""
        return reais(self.cents)


def can_be_paid(order: Order, now: datetime) -> bool:
    """Whether the order's Pix or boleto can still be paid, so that its code is of use."""
    if order.status != OrderStatus.PENDENTE:
        return False
    if order.payment_method == PaymentMethod.PIX:
        return order.pix_expires_at is None or order.pix_expires_at > now
    if order.payment_method == PaymentMethod.BOLETO:
        return order.boleto_due_date is None or order.boleto_due_date >= timezone.localtime(now).date()
    return order.payment_method in PAID_LATER


# --- the money -------------------------------------------------------------------------------------------------------


def money(order: Order) -> list[Sum]:
    """What was paid, what went back and what is left."""
    status = OrderStatus(order.status)
    if status is OrderStatus.AUTORIZADO:
        return [Sum(_("Reserved on the card"), order.total_cents), Sum(_("Amount paid"), 0)]
    if not is_paid(status):
        return [Sum(_("To be paid"), order.total_cents), Sum(_("Amount paid"), 0)]
    sums = [Sum(_("Amount paid"), order.total_cents)]
    if status is OrderStatus.CHARGEBACK_PERDIDO:
        sums.append(Sum(_("Lost in the chargeback"), order.total_cents - order.refunded_cents))
    at_most = _("at most: a part went back in Appmax's panel") if _is_partly_elsewhere(order) else ""
    return [
        *sums,
        Sum(_("Paid back"), order.refunded_cents, _("and a part in Appmax's panel") if at_most else ""),
        Sum(_("On its way back"), order.under_way_cents),
        Sum(_("Left"), order.refundable_cents, at_most),
    ]


def _is_partly_elsewhere(order: Order) -> bool:
    return order.refunded_elsewhere_at is not None and order.status not in GONE


# --- the story -------------------------------------------------------------------------------------------------------


def story(order: Order, past: Past, now: datetime) -> str:
    """How the order stands, and what comes next."""
    return " ".join(filter(None, _sentences(order, past, now)))


def _sentences(order: Order, past: Past, now: datetime) -> Iterator[str]:
    status = OrderStatus(order.status)
    if is_paid(status):
        yield from _paid(order, status, past, now)
        yield from _refunds(order, now)
    else:
        yield from _unpaid(order, status, past, now)
    yield _waiting(past.waiting)
    question = past.question if past.question and past.question.due_at else None
    if question:
        yield from _asked(question, now)
    elif status in UNDECIDED_CHARGEBACKS:
        yield _("Appmax is asked daily how it stands.")
    is_settled = status in (*PAID_AND_KEPT, *GONE) and status not in _PASSED_ON
    if is_settled and not (question or past.waiting or order.under_way_cents):
        yield _("Nothing more has to happen.")


_PASSED_ON = (OrderStatus.PENDENTE_INTEGRACAO, OrderStatus.PENDENTE_INTEGRACAO_EM_ANALISE)


# --- nothing is paid ---


def _unpaid(order: Order, status: OrderStatus, past: Past, now: datetime) -> Iterator[str]:
    pending = next((each for each in past.attempts if each.state in OPEN), None)
    if pending:
        words = {"by": _by(pending.method), "ago": since(pending.started_at, now)}
        yield _("A payment %(by)s was sent to Appmax %(ago)s, and its outcome is not known yet.") % words
        yield _("The shopper must not pay again meanwhile.")
    elif status in RESTARTABLE:
        yield _cancelled(order, status, past.latest, now)
        yield _("A new payment in the shop starts the order again.")
    else:
        yield from _pending(order, past.latest, now)


def _pending(order: Order, latest: PaymentAttempt | None, now: datetime) -> Iterator[str]:
    ago = since(latest.started_at if latest else order.created_at, now)
    if latest and latest.state != AttemptState.SUCCEEDED:
        words = {"by": _by(latest.method), "ago": ago}
        if latest.state == AttemptState.DECLINED:
            yield _("The last attempt to pay, %(by)s, was declined %(ago)s; nothing was charged.") % words
        else:
            yield _("The last attempt to pay, %(by)s, failed %(ago)s; nothing was charged.") % words
        yield _("The shopper may try again.")
        return
    method = latest.method if latest else order.payment_method
    if method == PaymentMethod.PIX:
        yield from _pix(order, ago, now)
    elif method == PaymentMethod.BOLETO:
        yield from _boleto(order, ago, now)
    elif latest and method in BY_CARD:
        yield _("Appmax accepted the card payment %(ago)s and is examining it.") % {"ago": ago}
        yield _("Appmax tells us how that ends.")
    elif method:
        yield _("Not paid yet.")
        yield _("Appmax tells us when it is paid.")
    else:
        yield _("Order created %(ago)s; nobody has tried to pay it yet.") % {"ago": ago}


def _pix(order: Order, ago: str, now: datetime) -> Iterator[str]:
    if order.pix_expires_at is None:
        yield _("Pix generated %(ago)s, not paid yet.") % {"ago": ago}
        yield _("Appmax tells us when it is paid.")
        return
    words = {"ago": ago, "at": _at(order.pix_expires_at, now)}
    if can_be_paid(order, now):
        yield _("Pix generated %(ago)s, expires %(at)s, not paid yet.") % words
        yield _("Appmax tells us when it is paid.")
    else:
        yield _("Pix generated %(ago)s, expired %(at)s, not paid.") % words
        yield _("Appmax has still to tell us that the order is cancelled.")


def _boleto(order: Order, ago: str, now: datetime) -> Iterator[str]:
    if order.boleto_due_date is None:
        yield _("Boleto generated %(ago)s, not paid yet.") % {"ago": ago}
    else:
        words = {"ago": ago, "day": _day(order.boleto_due_date)}
        if can_be_paid(order, now):
            yield _("Boleto generated %(ago)s, due on %(day)s, not paid yet.") % words
        else:
            yield _("Boleto generated %(ago)s, was due on %(day)s, not paid.") % words
    yield _("Up to three working days may pass between the payment and Appmax's word of it.")


def _cancelled(order: Order, status: OrderStatus, latest: PaymentAttempt | None, now: datetime) -> str:
    if status is OrderStatus.RECUSADO_POR_RISCO:
        return _("Refused by Appmax's risk analysis; nothing was charged.")
    method = latest.method if latest else order.payment_method
    if latest and latest.state == AttemptState.DECLINED:
        return _("Cancelled: the payment %(by)s was declined, and nothing was charged.") % {"by": _by(latest.method)}
    if latest and latest.state == AttemptState.FAILED:
        return _("Cancelled: nothing was paid.")
    if method == PaymentMethod.PIX:
        if order.pix_expires_at is None or order.pix_expires_at > now:
            return _("Cancelled: the Pix was not paid.")
        return _("Cancelled: the Pix expired %(at)s and was not paid.") % {"at": _at(order.pix_expires_at, now)}
    if method == PaymentMethod.BOLETO:
        if order.boleto_due_date is None:
            return _("Cancelled: the boleto was not paid.")
        day = _day(order.boleto_due_date)
        return _("Cancelled: the boleto was due on %(day)s and was not paid.") % {"day": day}
    if latest and method in BY_CARD:
        return _("Cancelled after Appmax had accepted the card payment; Appmax is asked before anybody pays again.")
    return _("Cancelled: nothing was paid.")


# --- it is paid, or was ---


def _paid(order: Order, status: OrderStatus, past: Past, now: datetime) -> Iterator[str]:
    amount = reais(order.total_cents)
    by = _by(order.payment_method) if order.payment_method else ""
    paid_at = _paid_at(order, past)
    paid = " ".join(filter(None, (pgettext("order", "Paid"), by, _at(paid_at, now) if paid_at else "")))
    match status:
        case OrderStatus.AUTORIZADO:
            yield _("Authorised: the amount is reserved on the card, and not charged yet.")
            yield _("Appmax tells us when it is charged.")
        case OrderStatus.APROVADO:
            yield f"{paid}."
        case OrderStatus.PENDENTE_INTEGRACAO:
            yield f"{paid}."
            yield _("Appmax is passing it on to the merchant's system.")
        case OrderStatus.PENDENTE_INTEGRACAO_EM_ANALISE:
            yield f"{paid}."
            yield _("Appmax is examining whether to pass it on to the merchant's system.")
        case OrderStatus.INTEGRADO:
            yield _("%(paid)s, and passed on to the merchant's system.") % {"paid": paid}
        case OrderStatus.ESTORNADO:
            yield _("All of it, %(amount)s, went back to the shopper.") % {"amount": amount}
            yield _elsewhere(order, past)
        case OrderStatus.CHARGEBACK_EM_TRATATIVA:
            yield _("The shopper disputes the payment of %(amount)s at the bank.") % {"amount": amount}
        case OrderStatus.CHARGEBACK_EM_DISPUTA:
            yield _("The shopper disputes the payment of %(amount)s at the bank, and the merchant objects.") % {
                "amount": amount
            }
        case OrderStatus.CHARGEBACK_PERDIDO:
            lost = reais(order.total_cents - order.refunded_cents)
            yield _("The shopper won the dispute: the merchant has lost %(amount)s.") % {"amount": lost}
        case OrderStatus.CHARGEBACK_VENCIDO:
            yield _("The shopper disputed the payment and lost: the merchant keeps the money.")


def _paid_at(order: Order, past: Past) -> datetime | None:
    """When it was paid, as Appmax says; else when the first event of a payment was applied."""
    if order.paid_at:
        return order.paid_at
    applied = (event for event in reversed(past.events) if event.outcome == Outcome.APPLIED)
    return next((event.created_at for event in applied if payload.means_payment(event.event)), None)


def _elsewhere(order: Order, past: Past) -> str:
    """How much of a refunded order was not asked for through us. A webhook may come before ours is confirmed."""
    ours = (refund for refund in past.refunds if refund.state != RefundState.REFUSED)
    cents = order.total_cents - sum(refund.amount_cents for refund in ours)
    if cents <= 0:
        return ""
    if cents == order.total_cents:
        return _("The refund was made in Appmax's panel.")
    return _("%(amount)s of it was refunded in Appmax's panel.") % {"amount": reais(cents)}


def _refunds(order: Order, now: datetime) -> Iterator[str]:
    if order.status in GONE:
        return
    if order.refunded_cents:
        yield _("%(amount)s of it went back to the shopper.") % {"amount": reais(order.refunded_cents)}
    for state, sentence in (
        (RefundState.ASKED, _("%(amount)s is on its way back; Appmax tells us when that is done.")),
        (RefundState.UNKNOWN, _("Appmax may have taken a refund of %(amount)s; nobody knows yet.")),
    ):
        cents = sum(refund.amount_cents for refund in order.refunds.all() if refund.state == state)
        if cents:
            yield sentence % {"amount": reais(cents)}
    if order.refunded_elsewhere_at is not None:
        yield _("A part was refunded in Appmax's panel %(at)s; only that panel tells how much.") % {
            "at": _at(order.refunded_elsewhere_at, now)
        }


# --- what is still to come ---


def _waiting(events: Sequence[WebhookEvent]) -> str:
    names = ", ".join(dict.fromkeys(event.event for event in reversed(events)))
    if not names:
        return ""
    return ngettext(
        "The event %(names)s has come, and waits to be handled.",
        "The events %(names)s have come, and wait to be handled.",
        len(events),
    ) % {"names": names}


def _asked(question: Question, now: datetime) -> Iterator[str]:
    words = {"why": question.get_why_display(), "at": _at(question.due_at, now) if question.due_at else ""}
    if question.error:
        yield failure(question.error)
    if question.due_at and question.due_at > now:
        yield _("Appmax is asked next %(at)s (%(why)s).") % words
    else:
        yield _("Appmax is being asked (%(why)s).") % words


# --- words ---


def _by(method: str) -> str:
    return {
        AttemptMethod.CREDIT_CARD.value: _("by card"),
        AttemptMethod.PIX.value: _("by Pix"),
        AttemptMethod.BOLETO.value: _("by boleto"),
        AttemptMethod.GOOGLE_PAY.value: _("by Google Pay"),
        AttemptMethod.APPLE_PAY.value: _("by Apple Pay"),
        AttemptMethod.UPSELL.value: _("by upsell"),
    }[method]


def _at(at: datetime, now: datetime) -> str:
    """A time within a sentence, with its date unless that is today."""
    local = timezone.localtime(at)
    if local.date() == timezone.localtime(now).date():
        return _("at %(time)s") % {"time": f"{local:%H:%M}"}
    return pgettext("date", "on %(date)s at %(time)s") % {"date": _day(local.date()), "time": f"{local:%H:%M}"}


def _day(day: date) -> str:
    return str(date_format(day, "SHORT_DATE_FORMAT"))
