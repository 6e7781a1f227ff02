"""Appmax's statuses in a shopper's words."""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

PENDING = "pendente"
NOT_PAID = ("cancelado", "recusado_por_risco")  # the order may be paid again
PAID = ("aprovado", "integrado", "pendente_integracao", "pendente_integracao_em_analise")


@dataclass(frozen=True)
class Words:
    """`kind`: good, busy, bad or calm."""

    label: LazyString
    text: LazyString
    kind: str


_PREPARING = Words(_("Paid"), _("We have your payment, and are preparing your order."), "good")
_IN_DISPUTE = Words(_("In dispute"), _("Your card's bank is looking into this payment."), "busy")

WORDS = {
    "pendente": Words(_("Waiting for payment"), _("We'll tell you here as soon as your payment arrives."), "busy"),
    "autorizado": Words(
        _("Authorised"), _("Your bank has set the amount aside. The payment is being completed."), "busy"
    ),
    "aprovado": Words(_("Paid"), _("Your payment has arrived. Thank you!"), "good"),
    "cancelado": Words(_("Not paid"), _("The payment didn't go through, and nothing was charged."), "bad"),
    "recusado_por_risco": Words(
        _("Refused"), _("The payment was refused for your safety, and nothing was charged."), "bad"
    ),
    "estornado": Words(_("Refunded"), _("Your money is on its way back to you."), "calm"),
    "integrado": Words(_("Paid, being packed"), _("Your order has reached our warehouse."), "good"),
    "pendente_integracao": _PREPARING,
    "pendente_integracao_em_analise": _PREPARING,
    "chargeback_em_tratativa": _IN_DISPUTE,
    "chargeback_em_disputa": _IN_DISPUTE,
    "chargeback_perdido": Words(_("Paid back"), _("Your bank has given the money back to you."), "calm"),
    "chargeback_vencido": Words(
        _("Paid, dispute closed"), _("Your bank has decided that the payment was right."), "good"
    ),
}
BEING_CONFIRMED = Words(
    _("Being confirmed"),
    _("Your bank hasn't told us yet whether the payment went through. Please don't pay again: you'll see it here."),
    "busy",
)
NOT_PAID_YET = Words(_("Not paid yet"), _("This order waits for you to choose how to pay."), "busy")
NOT_KNOWN = Words(
    _("We can't tell right now"), _("The payment service doesn't answer. Please look again soon."), "busy"
)


def words(status: str, method: str = "", *, unknown: bool = False) -> Words:
    """What a shopper reads. `method`: how the order was paid, empty if it wasn't; `unknown`: or may have been. An empty
    status: the payment service couldn't be asked."""
    if status == PENDING and (unknown or not method):
        return BEING_CONFIRMED if unknown else NOT_PAID_YET
    return WORDS.get(status, NOT_KNOWN)
