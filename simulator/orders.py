"""An order, and how it was paid. Amounts in cents; statuses are Appmax's. Changed under `State`'s lock alone."""

from dataclasses import dataclass, field
from typing import Any

from simulator.records import now

PENDING, AUTHORISED, APPROVED = "pendente", "autorizado", "aprovado"
CANCELLED, AT_RISK, REFUNDED = "cancelado", "recusado_por_risco", "estornado"

CARD, PIX, BOLETO, UPSELL = "credit_card", "pix", "boleto", "upsell"  # methods of a payment
GOOGLE_PAY, APPLE_PAY = WALLETS = ("google_pay", "apple_pay")  # a wallet's card
PENDING_METHODS = (PIX, BOLETO)  # paid later, or never

PAYABLE = (PENDING, CANCELLED)  # statuses in which an order takes a new Pix or boleto
# A card is charged whenever it is asked for, even if the order is paid: nothing in Appmax's API promises otherwise.
PAYABLE_BY_CARD = (*PAYABLE, AT_RISK, AUTHORISED, APPROVED)


@dataclass
class Payment:
    """One try to pay an order; `amount` in cents. Of a card's number no more than the ends that Appmax tells is kept.

    `method`: one of those above. An empty `pay_reference`: nothing came of it.
    `paid_at`: ISO; empty if it isn't paid.
    """

    id: int
    method: str
    amount: int
    status: str
    card_last4: str = ""
    pay_reference: str = ""
    upsell_hash: str = ""
    installments: int = 1
    created_at: str = field(default_factory=now)
    card_first6: str = ""
    card_brand: str = ""
    paid_at: str = ""

    @property
    def charged(self) -> bool:
        """Whether this payment took, or reserved, the shopper's money."""
        return self.status in (APPROVED, AUTHORISED)


@dataclass
class Order:
    """`payments`: every try, oldest first; `refunded`: how much of `total_paid` went back.

    `external_key`: the merchant whose it is; `installed_as`: the external_key of that merchant's installation, if its
    account has another name. `pix_expires_at`: ISO; empty, a Pix stays until it is let go. `boleto_due_date`: ISO.
    `refunded_at`: of the latest. `subscription_wish`: how to renew it as soon as its Pix is paid.
    """

    id: int
    external_key: str
    customer_id: int
    products_value: int
    discount_value: int
    shipping_value: int
    products: list[dict[str, Any]]
    installed_as: str = ""
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)
    status: str = PENDING
    total_paid: int = 0
    refunded: int = 0
    refunded_at: str = ""
    pix_emv: str = ""
    pix_qr_code: str = ""
    pix_expires_at: str = ""
    boleto_link_pdf: str = ""
    boleto_digitable_line: str = ""
    boleto_due_date: str = ""
    shipping_tracking_code: str = ""
    payments: list[Payment] = field(default_factory=list)
    subscription_wish: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.products_value - self.discount_value + self.shipping_value

    @property
    def refundable(self) -> int:
        return self.total_paid - self.refunded

    @property
    def charges(self) -> list[Payment]:
        """The payments that took or reserved money. More than one is a double charge."""
        return [payment for payment in self.payments if payment.charged]

    @property
    def method(self) -> str | None:
        """The latest payment's method: credit_card (for upsells and wallets, too), pix, boleto or None."""
        if self.payments:
            latest = self.payments[-1].method
            return CARD if latest in (UPSELL, *WALLETS) else latest
        return PIX if self.pix_emv else None

    @property
    def has_pending_pix(self) -> bool:
        return bool(self.pix_emv) and self._waits(PIX)

    def pix_is_over(self, moment: str) -> bool:
        """Whether the pending Pix should have been paid before this moment (ISO)."""
        return self.has_pending_pix and "" < self.pix_expires_at <= moment

    @property
    def has_pending_boleto(self) -> bool:
        return bool(self.boleto_digitable_line) and self._waits(BOLETO)

    @property
    def pending(self) -> list[str]:
        """The methods, pix and boleto, of which a payment is pending."""
        return [PIX] * self.has_pending_pix + [BOLETO] * self.has_pending_boleto

    def _waits(self, method: str) -> bool:
        # No payment at all: a test has written the codes into the order.
        latest = next((payment.status for payment in reversed(self.payments) if payment.method == method), PENDING)
        return self.status == latest == PENDING

    # --- changes: each is whole and answers True, or does nothing and answers False ---

    def begin_pix(
        self, payment_id: int, emv: str, qr_code: str, expires_at: str, subscription_wish: dict[str, Any] | None = None
    ) -> bool:
        if self.has_pending_pix or self.status not in PAYABLE:
            return False
        self.subscription_wish = subscription_wish or {}
        self.pix_emv, self.pix_qr_code, self.pix_expires_at = emv, qr_code, expires_at
        return self._begin(payment_id, PIX)

    def begin_boleto(self, payment_id: int, link_pdf: str, digitable_line: str, due_date: str) -> bool:
        if self.has_pending_boleto or self.status not in PAYABLE:
            return False
        self.boleto_link_pdf, self.boleto_digitable_line, self.boleto_due_date = link_pdf, digitable_line, due_date
        return self._begin(payment_id, BOLETO)

    def _begin(self, payment_id: int, method: str) -> bool:
        self._close_pending(method)
        self.status = PENDING
        self.payments.append(Payment(payment_id, method, self.total, PENDING))
        return True

    def settle(self, payment_id: int, *, method: str, paid: bool) -> bool:
        """Pays the pending Pix or boleto, or ends it unpaid. `payment_id` is for a payment that isn't among `payments`
        yet."""
        if method not in self.pending:
            return False
        self.status = APPROVED if paid else CANCELLED
        self.total_paid += self.total if paid else 0
        waiting = [payment for payment in self.payments if (payment.method, payment.status) == (method, PENDING)]
        if not waiting:
            waiting = [Payment(payment_id, method, self.total, PENDING)]
            self.payments += waiting
        waiting[-1].status = self.status
        if paid:
            waiting[-1].paid_at = now()
            self._close_pending(*PENDING_METHODS)
        return True

    def expire_pix(self, payment_id: int, moment: str) -> bool:
        """Ends the pending Pix unpaid, if it should have been paid before this moment (ISO)."""
        return self.pix_is_over(moment) and self.settle(payment_id, method=PIX, paid=False)

    def take_card(self, payment: Payment) -> bool:
        """Adds this payment by card. Money taken twice counts twice; a decline leaves an order that is paid as it
        is."""
        if self.status not in PAYABLE_BY_CARD:
            return False
        if payment.status == APPROVED:
            payment.paid_at = now()
            self.total_paid += payment.amount
            self._close_pending(*PENDING_METHODS)
        if payment.status == APPROVED or not self.charges:
            self.status = payment.status
        self.payments.append(payment)
        return True

    def refund(self, cents: int | None) -> bool:
        """Gives these cents back, or all that is left if None. An order of which nothing is left is `estornado`."""
        cents = self.refundable if cents is None else cents
        if not 0 < cents <= self.refundable:
            return False
        self.refunded += cents
        self.refunded_at = now()
        if not self.refundable:
            self.status = REFUNDED
        return True

    def ship(self, tracking_code: str) -> bool:
        self.shipping_tracking_code = tracking_code
        return True

    def _close_pending(self, *methods: str) -> None:
        for payment in self.payments:
            if payment.status == PENDING and payment.method in methods:
                payment.status = CANCELLED
