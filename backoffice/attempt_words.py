"""Names a payment attempt by what came of it, which its state alone doesn't tell: a Pix attempt has succeeded when
there is a code to pay. Says in words what Appmax answered."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from appmax import failures
from appmax.errors import Declined, OutcomeUnknown, Rejected
from backoffice.kit.words import failure
from orders.models import AttemptMethod, AttemptState, PaymentAttempt
from orders.status import PAID_AND_KEPT, PAID_LATER, RESTARTABLE, OrderStatus, known

# Appmax says why in Portuguese. These are its English ones, and ours for when it says nothing.
_IN_WORDS = {
    failures.NO_REASON: gettext_lazy("Appmax gave no reason."),
    "Payment not authorized": gettext_lazy("Payment not authorised."),
    failures.NO_MESSAGE: gettext_lazy("Appmax refused the request and gave no reason."),
}


@dataclass(frozen=True)
class Named:
    """`tone` is a badge's: success, info, warning, danger, primary or default. Only money that is there is success."""

    words: str
    tone: str


def name_of(attempt: PaymentAttempt, order_status: str) -> Named:
    """What is to be called of an attempt whose order has this status.

    `attempt` must come from `PaymentAttempt.objects.with_overtaken()`.
    """
    match AttemptState(attempt.state):
        case AttemptState.STARTED:
            return Named(_("Sent to Appmax, no answer yet"), "warning")
        case AttemptState.UNKNOWN:
            return Named(_("Outcome unknown: it may have been charged"), "warning")
        case AttemptState.DECLINED:
            return Named(_("Declined: nothing was charged"), "danger")
        case AttemptState.FAILED:
            return Named(attempt.get_state_display(), "default")
        case AttemptState.SUCCEEDED:
            return _succeeded(attempt, order_status)


def said(attempt: PaymentAttempt) -> str:
    """What Appmax answered, in the reader's language but for a reason in its own words; "" if there is none."""
    answer = attempt.answer if isinstance(attempt.answer, dict) else {}
    text, kind = answer.get("message"), answer.get("error")
    if kind == OutcomeUnknown.__name__:
        return _("Appmax did not answer in time.") if answer.get("timed_out") else _("Appmax's answer was not clear.")
    if kind in (Declined.__name__, Rejected.__name__, None):
        return str(_IN_WORDS.get(text, text)) if isinstance(text, str) else ""
    return _("Appmax asked us to slow down.") if answer.get("http_status") == 429 else failure(str(kind))


def _succeeded(attempt: PaymentAttempt, order_status: str) -> Named:
    """An upsell is an order of its own, so what Appmax answered says how it stands. Of several attempts that succeeded
    the newest is the one that the order's status is about."""
    if attempt.method == AttemptMethod.UPSELL:
        said = known(str((attempt.answer or {}).get("status") or ""))
        return _paid(said) if said and said in PAID_AND_KEPT else Named(_("Accepted by Appmax"), "info")
    is_code = attempt.method in PAID_LATER
    if attempt.is_overtaken:
        return Named(_("Code generated, not paid") if is_code else _("Accepted, then cancelled"), "default")
    status = OrderStatus(order_status)
    if status is OrderStatus.PENDENTE:
        words = _("Code generated, awaiting payment") if is_code else _("Accepted by Appmax, being examined")
        return Named(words, "warning")
    if status is OrderStatus.AUTORIZADO:
        return Named(_("Authorised: the amount is reserved, not charged yet"), "info")
    if status in RESTARTABLE:
        if status is OrderStatus.RECUSADO_POR_RISCO:
            return Named(pgettext("attempt", "Refused for risk"), "danger")
        return Named(_("Code generated, not paid") if is_code else _("Accepted, then cancelled"), "default")
    return _paid(status)


def _paid(status: OrderStatus) -> Named:
    """An attempt whose money came, by what became of the money."""
    if status in PAID_AND_KEPT:
        return Named(pgettext("attempt", "Paid"), "success")
    if status is OrderStatus.ESTORNADO:
        return Named(_("Paid, then refunded"), "primary")
    if status is OrderStatus.CHARGEBACK_PERDIDO:
        return Named(_("Paid, then lost in a chargeback"), "danger")
    return Named(_("Paid, then disputed"), "danger")
