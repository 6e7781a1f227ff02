"""OrderStatus, and the only rule that says which status may follow another.

Appmax's webhooks come in any order, late and twice. A state machine would have to know each path. With a rank an event
moves an order forward or not at all, so every order of arrival ends in the same status.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class OrderStatus(models.TextChoices):
    """Appmax's statuses, in rank order: a webhook may only move an order down this list."""

    PENDENTE = "pendente", _("Pending")
    AUTORIZADO = "autorizado", _("Authorised")
    CANCELADO = "cancelado", _("Cancelled")
    RECUSADO_POR_RISCO = "recusado_por_risco", _("Refused for risk")
    APROVADO = "aprovado", _("Approved")
    PENDENTE_INTEGRACAO = "pendente_integracao", _("Pending integration")
    PENDENTE_INTEGRACAO_EM_ANALISE = "pendente_integracao_em_analise", _("Pending integration, under review")
    INTEGRADO = "integrado", _("Integrated")
    ESTORNADO = "estornado", _("Refunded")
    CHARGEBACK_EM_TRATATIVA = "chargeback_em_tratativa", _("Chargeback being handled")
    CHARGEBACK_EM_DISPUTA = "chargeback_em_disputa", _("Chargeback in dispute")
    CHARGEBACK_PERDIDO = "chargeback_perdido", _("Chargeback lost")
    CHARGEBACK_VENCIDO = "chargeback_vencido", _("Chargeback won")


_RANK = {status.value: rank for rank, status in enumerate(OrderStatus)}


RESTARTABLE = (OrderStatus.CANCELADO, OrderStatus.RECUSADO_POR_RISCO)
"""Nothing was paid: a new payment attempt of our checkout starts the order again."""


UNDECIDED = (OrderStatus.PENDENTE, OrderStatus.AUTORIZADO)
"""More is to come from Appmax, so Appmax is asked about orders that stay so."""


UNDECIDED_CHARGEBACKS = (OrderStatus.CHARGEBACK_EM_TRATATIVA, OrderStatus.CHARGEBACK_EM_DISPUTA)
"""Nobody has won the dispute yet, so Appmax is asked about it daily."""


IN_CHARGEBACK = (*UNDECIDED_CHARGEBACKS, OrderStatus.CHARGEBACK_PERDIDO, OrderStatus.CHARGEBACK_VENCIDO)
"""The shopper's bank disputes the payment, or has disputed it."""


PAID_AND_KEPT = (
    OrderStatus.APROVADO,
    OrderStatus.PENDENTE_INTEGRACAO,
    OrderStatus.PENDENTE_INTEGRACAO_EM_ANALISE,
    OrderStatus.INTEGRADO,
    OrderStatus.CHARGEBACK_VENCIDO,
)
"""The shopper has paid, and the money wasn't all paid back and isn't disputed any more. The back office counts these as
paid."""


GONE = (OrderStatus.ESTORNADO, OrderStatus.CHARGEBACK_PERDIDO)
"""The shopper has paid, and has all of the money back, so that nothing is left to be refunded."""


def advances(current: str, new: str) -> bool:
    """Whether an event that means `new` moves an order that is `current`. Raises KeyError for an unknown status."""
    return _RANK[new] > _RANK[current]


def may_have_moved_on(old: str, new: str) -> bool:
    """Whether an order that truly was `old` may be `new` at Appmax by now, although that ranks lower: a disputed
    payment that was paid back."""
    return old in IN_CHARGEBACK and new == OrderStatus.ESTORNADO


def is_paid(status: str) -> bool:
    """Whether the shopper's money is or was there or reserved, so that no further payment may be asked for."""
    return status != OrderStatus.PENDENTE and status not in RESTARTABLE


def known(text: str) -> OrderStatus | None:
    """The status that Appmax's text names; None if it isn't one of the contract's."""
    text = text.strip().lower()
    return OrderStatus(text) if text in _RANK else None


EVER_PAID = tuple(status for status in OrderStatus if is_paid(status) and status != OrderStatus.AUTORIZADO)
"""The shopper has paid, whatever became of the money later."""


class PaymentMethod(models.TextChoices):
    """How an order can be paid. Each is in BY_CARD or in PAID_LATER; CONTRIBUTING.md says what else one needs."""

    CREDIT_CARD = "credit_card", _("Credit card")
    PIX = "pix", _("Pix")
    BOLETO = "boleto", _("Boleto")
    GOOGLE_PAY = "google_pay", _("Google Pay")
    APPLE_PAY = "apple_pay", _("Apple Pay")


class AttemptMethod(models.TextChoices):
    """What Appmax can be asked for: each payment method, and an upsell."""

    CREDIT_CARD = "credit_card", _("Credit card")
    PIX = "pix", _("Pix")
    BOLETO = "boleto", _("Boleto")
    GOOGLE_PAY = "google_pay", _("Google Pay")
    APPLE_PAY = "apple_pay", _("Apple Pay")
    UPSELL = "upsell", _("Upsell")


BY_CARD = (PaymentMethod.CREDIT_CARD, PaymentMethod.GOOGLE_PAY, PaymentMethod.APPLE_PAY)
"""Methods that charge a card, typed in or held by a wallet. Appmax may examine it before it approves."""


PAID_LATER = (PaymentMethod.PIX, PaymentMethod.BOLETO)
"""Methods that begin with a code, which the shopper pays later or never."""


class RefundState(models.TextChoices):
    UNKNOWN = "unknown", _("Unknown: Appmax may have taken it")
    ASKED = "asked", _("Asked: Appmax took it, and has not said that it is done")
    CONFIRMED = "confirmed", _("Confirmed: the money went back")
    REFUSED = "refused", _("Refused: nothing goes back")


OPEN_REFUNDS = (RefundState.UNKNOWN, RefundState.ASKED)
"""The money may be on its way back."""
