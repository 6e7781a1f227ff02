"""What Appmax answers, in every shape seen (contract, sections 5 and 5.1), as small typed objects.

Amounts are integer cents. Appmax's dates carry no zone, so every function that reads one takes the zone as an argument;
the times that it returns are aware and in UTC.

The comment above each object names its page of Appmax's documentation, beneath https://appmax.readme.io/reference/.
The pages of the payment calls show no answer. Those answers are in Appmax's own
github.com/appmaxbrasil/appstore-backend-example, docs/appmax/api-reference.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any

from appmax import instalments
from appmax.dates import day, moment
from appmax.wording import declined_status, dig, says_declined, text_of, word

MAX_NUMBER = 2**31 - 1  # Appmax's ids and amounts in cents, whose columns are integer
MAX_INSTALMENTS = 99  # Appmax offers 12; more than the table can hold are surely none
DOCUMENTED_LIFETIME = 3600  # seconds of a token


class Unreadable(ValueError):
    """The answer lacks a field that the caller needs; the text of the error is that field's path."""


class Refused(ValueError):
    """The answer is well formed, and says that the card was refused."""


# criar-um-um-pedido-na-appmax
@dataclass(frozen=True, slots=True)
class CreatedOrder:
    """Answer of POST /v1/orders."""

    id: int
    status: str


# appmax-pagamento-cartao-de-credito
@dataclass(frozen=True, slots=True)
class CardPayment:
    """Answer of the calls that charge a card, for one that was not refused. A field that Appmax left out is ""."""

    status: str
    upsell_hash: str
    pay_reference: str


# appmax-pagamento-pix
@dataclass(frozen=True, slots=True)
class PixPayment:
    """Answer of POST /v1/payments/pix. `qr_code` is a base64 image or a URL, and `emv` the code to copy and paste.
    `expires_at` is None if Appmax left it out."""

    qr_code: str
    emv: str
    expires_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Appmax answers empty codes when a payment of the order is pending already."""
        return not self.qr_code and not self.emv


# appmax-pagamento-boleto
@dataclass(frozen=True, slots=True)
class BoletoPayment:
    """Answer of POST /v1/payments/boleto. Either `pdf_url` or `digitable_line` may be "". `due_date` is the last day to
    pay, and None if Appmax left it out."""

    pdf_url: str
    digitable_line: str
    due_date: date | None = None


@dataclass(frozen=True, slots=True)
class Installment:
    """One way to pay by card: `installments` times `value_cents`, rounded up to the cent; `total_cents` in all."""

    installments: int
    value_cents: int
    total_cents: int


@dataclass(frozen=True, slots=True)
class InstallmentSettings:
    """How the merchant offers instalments. `modality` is PP or AM. A field that Appmax left out is "" or None."""

    modality: str
    max_installments: int | None
    min_installment_value_cents: int | None


# 421cálculo-de-parcelas
@dataclass(frozen=True, slots=True)
class InstallmentOffer:
    """Answer of POST /v1/payments/installments. `options` are sorted by their number of instalments, and some numbers
    may be missing."""

    options: list[Installment]
    settings: InstallmentSettings | None = None


# criar-um-upsell-na-appmax
@dataclass(frozen=True, slots=True)
class UpsellAnswer:
    """Answer of POST /v1/orders/upsell. `order` is the new order, and None if Appmax left it out."""

    message: str
    redirect_url: str
    order: CreatedOrder | None


# consultar-dados-de-um-pedido
@dataclass(frozen=True, slots=True)
class RemoteOrder:
    """Answer of GET /v1/orders/{id}. A field that Appmax left out is None or "".

    `payment_method` is one of our words (`_PAYMENT_METHODS`). `total_cents` is what the shopper owes, and
    `total_paid_cents` what has been paid. `installments_amount_cents` is the price of each of the `installments`. Only
    the last four digits of the card's number are read. What is read of the customer isn't shown by `repr`.
    """

    id: int
    status: str
    customer_id: int | None = None
    total_cents: int | None = None
    payment_method: str = ""
    pix: PixPayment | None = None
    boleto: BoletoPayment | None = None
    total_paid_cents: int | None = None
    installments: int | None = None
    installments_amount_cents: int | None = None
    card_brand: str = ""
    card_last_digits: str = ""
    paid_at: datetime | None = None
    refunded_at: datetime | None = None
    customer_name: str = field(default="", repr=False)
    customer_email: str = field(default="", repr=False)
    customer_document: str = field(default="", repr=False)


def read_text(body: Any, *path: str) -> str:
    """The text at this path. Raises Unreadable if it is missing or empty."""
    value = dig(body, *path)
    if not isinstance(value, str) or not value:
        raise Unreadable(".".join(path))
    return value


def read_id(body: Any, *path: str) -> int:
    """The positive id at this path, which Appmax writes as a number (also 95922354.0) or as a text. Raises Unreadable
    for anything else."""
    value = dig(body, *path)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 < value <= MAX_NUMBER:
        raise Unreadable(".".join(path))
    return value


def read_lifetime(body: Any) -> int:
    """Seconds of a token's `expires_in`, also written as a text or a decimal. If it makes no sense, the documented hour
    is assumed. Should the token end sooner, Appmax answers 401 and the client fetches another."""
    try:
        seconds = float(dig(body, "expires_in"))
    except (TypeError, ValueError, OverflowError):
        return DOCUMENTED_LIFETIME
    return int(seconds) if 0 <= seconds <= MAX_NUMBER else DOCUMENTED_LIFETIME


def read_created_order(body: Any) -> CreatedOrder:
    """Raises Unreadable if the id is missing."""
    return CreatedOrder(id=read_id(body, "data", "order", "id"), status=text_of(dig(body, "data", "order", "status")))


def read_order(body: Any, zone: tzinfo) -> RemoteOrder:
    """Raises Unreadable if the id or the status is missing."""
    order, pix = _object(dig(body, "data", "order")), _pix(body, zone)
    payment = _object(dig(body, "data", "payment"))
    return RemoteOrder(
        id=read_id(body, "data", "order", "id"),
        status=read_text(body, "data", "order", "status"),
        customer_id=_id_or_none(body, "data", "customer", "id") or _id_or_none(body, "data", "order", "customer_id"),
        total_cents=_order_total(order),
        payment_method=_payment_method(payment.get("method")),
        pix=None if pix is None or pix.is_empty else pix,
        boleto=_boleto(body, zone),
        total_paid_cents=_cents(order.get("total_paid")),
        installments=_instalment_count(payment),
        installments_amount_cents=_cents(payment.get("installments_amount")),
        card_brand=word(dig(payment, "card", "brand"))[:32],
        card_last_digits=last_digits(dig(payment, "card", "number")),
        paid_at=moment(payment.get("paid_at"), zone),
        refunded_at=moment(dig(body, "data", "refund", "refunded_at"), zone),
        customer_name=text_of(dig(body, "data", "customer", "name")),
        customer_email=text_of(dig(body, "data", "customer", "email")),
        customer_document=text_of(dig(body, "data", "customer", "document_number")),
    )


def read_card_payment(body: Any) -> CardPayment:
    """Reads `data.payment {pay_reference, status, upsell_hash}`, or `data.order.status` and `data.upsell_hash`. Raises
    Refused if the card was refused, and Unreadable if the answer doesn't say what happened."""
    payment = _object(dig(body, "data", "payment"))
    status = word(payment.get("status")) or word(dig(body, "data", "order", "status"))
    if declined_status(body):
        raise Refused
    if "pay_reference" in payment and _is_blank(payment["pay_reference"]):
        # An answer that contradicts itself isn't called a decline, after which the card might be charged again.
        if status in _TAKEN:
            raise Unreadable("data.payment.pay_reference")
        raise Refused
    pay_reference = word(payment.get("pay_reference"))
    if not status and not pay_reference:
        raise Unreadable("data.payment.pay_reference")
    upsell_hash = word(payment.get("upsell_hash")) or word(dig(body, "data", "upsell_hash"))
    return CardPayment(status=status, upsell_hash=upsell_hash, pay_reference=pay_reference)


def read_pix(body: Any, zone: tzinfo) -> PixPayment:
    """Reads `data.payment.pix_qrcode/.pix_emv/.pix_expiration_date`, or `data.pix.qr_code/.emv_code/.expires_at`.
    Raises Unreadable if neither code is there."""
    pix = _pix(body, zone)
    if pix is None:
        raise Unreadable("data.payment.pix_qrcode")
    return pix


def read_boleto(body: Any, zone: tzinfo) -> BoletoPayment:
    """Reads `data.payment.boleto_link_pdf/.boleto_digitable_line`, or `data.boleto.pdf_url/.digitable_line`. In both
    shapes the last day to pay is `due_date` or `boleto_expiration_date`.

    Raises Unreadable if neither link nor line is there.
    """
    boleto = _boleto(body, zone)
    if boleto is None:
        raise Unreadable("data.payment.boleto_link_pdf")
    return boleto


def read_installments(body: Any, *, total_value: int) -> InstallmentOffer:
    """Reads `data.installments {"n": {"total": ..}}`, or the older `data.parcels {"n": value of one}`.

    `total_value` is the amount that was asked about, in cents. Options that can't be read are left out. Raises
    Unreadable if no option is left, or if an amount can't be right (appmax/instalments.py).
    """
    totals = instalments.totals(_object(dig(body, "data", "installments"))) or instalments.totals_of_parcels(
        _object(dig(body, "data", "parcels"))
    )
    if not totals:
        raise Unreadable("data.installments")
    cents = instalments.in_cents(totals, total_value)
    if cents is None:
        raise Unreadable("a plausible data.installments")
    settings = _object(dig(body, "data", "settings"))
    return InstallmentOffer(
        options=[
            Installment(number, value_cents=instalments.each(total, number), total_cents=instalments.whole(total))
            for number, total in sorted(cents.items())
        ],
        settings=InstallmentSettings(
            modality=word(settings.get("modality")),
            max_installments=_id_or_none(settings, "max_installments"),
            min_installment_value_cents=_cents(settings.get("min_installment_value")),
        )
        if settings
        else None,
    )


def read_upsell(body: Any) -> UpsellAnswer:
    """Raises Unreadable if there is no `data`, whose fields are all optional, and Refused if the card was refused."""
    data = dig(body, "data")
    if not isinstance(data, Mapping):
        raise Unreadable("data")
    message, order_id = text_of(data.get("message")), _id_or_none(data, "order", "id")
    status = word(dig(data, "order", "status"))
    if declined_status(body) or (not status and says_declined(message)):
        raise Refused
    return UpsellAnswer(
        message=message,
        redirect_url=_with_scheme(text_of(data.get("redirect_url"))),
        order=CreatedOrder(id=order_id, status=status) if order_id else None,
    )


_TAKEN = ("autorizado", "aprovado", "pendente_integracao", "pendente_integracao_em_analise", "integrado")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PAYMENT_METHODS = {
    "creditcard": "credit_card",
    "googlepay": "google_pay",
    "applepay": "apple_pay",
    "pix": "pix",
    "boleto": "boleto",
    "billet": "boleto",
}


def _pix(body: Any, zone: tzinfo) -> PixPayment | None:
    payment, pix = _object(dig(body, "data", "payment")), dig(body, "data", "pix")
    if "pix_qrcode" in payment or "pix_emv" in payment:
        codes = payment.get("pix_qrcode"), payment.get("pix_emv")
    elif isinstance(pix, Mapping):
        codes = pix.get("qr_code"), pix.get("emv_code")
    else:
        return None
    expires_at = payment.get("pix_expiration_date") or _object(pix).get("expires_at")
    return PixPayment(
        qr_code=text_of(codes[0]).removeprefix("data:image/png;base64,"),
        emv=text_of(codes[1]),
        expires_at=moment(expires_at, zone),
    )


def _boleto(body: Any, zone: tzinfo) -> BoletoPayment | None:
    payment, boleto = _object(dig(body, "data", "payment")), _object(dig(body, "data", "boleto"))
    pdf_url = text_of(payment.get("boleto_link_pdf")) or text_of(boleto.get("pdf_url"))
    digitable_line = text_of(payment.get("boleto_digitable_line")) or text_of(boleto.get("digitable_line"))
    if not pdf_url and not digitable_line:
        return None
    due = (part.get(name) for part in (payment, boleto) for name in ("due_date", "boleto_expiration_date"))
    return BoletoPayment(pdf_url, digitable_line, next(filter(None, (day(text, zone) for text in due)), None))


def _order_total(order: Mapping[str, Any]) -> int | None:
    """The total in cents: the order's `total`, or else the sum of its parts, which stand in the order or in its
    `amounts`."""
    ways = (
        _sum(order, "total"),
        _sum(order, "products_value", "shipping_value", less="discount_value"),
        _sum(_object(order.get("amounts")), "sub_total", "installment_fee", "shipping_value", less="discount"),
    )
    return next((total for total in ways if total is not None), None)


def _sum(amounts: Mapping[str, Any], *names: str, less: str = "") -> int | None:
    """The sum of the named amounts minus the one named `less`; None unless all of them are there and it is an amount
    that an order can have."""
    found = [value for name in names if (value := _cents(amounts.get(name))) is not None]
    discount = _cents(amounts.get(less)) if less else 0
    return None if discount is None or len(found) < len(names) else _cents(sum(found) - discount)


def _payment_method(value: Any) -> str:
    return _PAYMENT_METHODS.get(word(value).lower().replace("_", ""), "")


def _with_scheme(url: str) -> str:
    return url if not url or _SCHEME.match(url) else f"https://{url.removeprefix('//')}"


def _object(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one for anything else: Appmax writes `[]` for an empty object."""
    return value if isinstance(value, Mapping) else {}


def _id_or_none(body: Any, *path: str) -> int | None:
    try:
        return read_id(body, *path)
    except Unreadable:
        return None


def _cents(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= MAX_NUMBER else None


def _instalment_count(payment: Mapping[str, Any]) -> int | None:
    count = _id_or_none(payment, "installments")
    return count if count is not None and count <= MAX_INSTALMENTS else None


def _is_blank(value: Any) -> bool:
    return not (value.strip() if isinstance(value, str) else value)


def last_digits(number: Any) -> str:
    """The last four digits of a masked card number; "" unless it ends in four digits."""
    last = word(number)[-4:]
    return last if re.fullmatch("[0-9]{4}", last) else ""
