"""What is sent to Appmax and what it answers, in every shape seen (contract, section 5). Amounts are integer cents."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from appmax import reais
from appmax.wording import declined_status, dig, says_declined, text_of, word

MAX_NUMBER = 2**31 - 1  # Appmax's ids and amounts in cents


class Unreadable(ValueError):
    """An answer that lacks what it is asked for."""


class Refused(ValueError):
    """An answer that reads well, and says that the card was refused."""


# --- sent ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Address:
    """A customer's address."""

    postcode: str = field(repr=False)
    street: str = field(repr=False)
    number: str = field(repr=False)
    complement: str = field(repr=False)
    district: str = field(repr=False)
    city: str = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Customer:
    """POST /v1/customers. Document and phone: digits only (a CNPJ may have letters); "" where unknown."""

    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    document_number: str = field(default="", repr=False)
    ip: str = field(default="", repr=False)
    address: Address | None = field(default=None, repr=False)

    def body(self) -> dict[str, Any]:
        """What is known; blank fields are left out."""
        return _filled(asdict(self))


@dataclass(frozen=True, slots=True)
class Product:
    """One line of an order; `unit_value` in cents, `type` physical or digital."""

    sku: str
    name: str
    quantity: int
    unit_value: int
    type: str


@dataclass(frozen=True, slots=True)
class NewOrder:
    """POST /v1/orders; all values in cents."""

    products_value: int
    discount_value: int
    shipping_value: int
    products: tuple[Product, ...]

    @property
    def total_cents(self) -> int:
        """What the shopper pays, in cents."""
        return self.products_value - self.discount_value + self.shipping_value

    def body(self) -> dict[str, Any]:
        """As Appmax wants it."""
        return {**asdict(self), "products": [asdict(product) for product in self.products]}


@dataclass(frozen=True, slots=True)
class Subscription:
    """payment_data.subscription: charged again every `interval_count` `interval`s."""

    interval: str
    interval_count: int

    def body(self) -> dict[str, Any]:
        """As Appmax wants it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Card:
    """A card's own data; the year has 2 or 4 digits. Lives for one call, and is written nowhere."""

    number: str = field(repr=False)
    cvv: str = field(repr=False)
    expiration_month: str = field(repr=False)
    expiration_year: str = field(repr=False)
    holder_name: str = field(repr=False)

    def body(self) -> dict[str, Any]:
        """payment_data.credit_card of POST /v1/payments/tokenize."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CardCharge:
    """payment_data.credit_card of POST /v1/payments/credit-card. Raises ValueError unless it has a card or a token,
    and not both. A token serves once."""

    installments: int = 1
    card: Card | None = None
    token: str = field(default="", repr=False)
    holder_name: str = field(default="", repr=False)
    holder_document_number: str = field(default="", repr=False)
    soft_descriptor: str = ""
    upsell_hash: str = ""

    def __post_init__(self) -> None:
        if (self.card is None) == (not self.token):
            raise ValueError("either a card or a token is needed")

    def body(self) -> dict[str, Any]:
        """What is known; blank fields are left out. `holder_name` takes precedence over the card's."""
        own = asdict(self)
        return _filled((own.pop("card") or {}) | _filled(own))


def _filled(body: dict[str, Any]) -> dict[str, Any]:
    """The body without its blank fields."""
    return {
        name: _filled(value) if isinstance(value, dict) else value
        for name, value in body.items()
        if value not in ("", None)
    }


# --- received --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreatedOrder:
    """Answer of POST /v1/orders."""

    id: int
    status: str


@dataclass(frozen=True, slots=True)
class CardPayment:
    """Answer of POST /v1/payments/credit-card for a card that was not refused; "" where Appmax doesn't say."""

    status: str
    upsell_hash: str
    pay_reference: str


@dataclass(frozen=True, slots=True)
class PixPayment:
    """Answer of POST /v1/payments/pix: the QR code (base64 image or URL) and the code to copy and paste."""

    qr_code: str
    emv: str

    @property
    def is_empty(self) -> bool:
        """Appmax answers empty codes when a payment of the order is pending already."""
        return not self.qr_code and not self.emv


@dataclass(frozen=True, slots=True)
class BoletoPayment:
    """Answer of POST /v1/payments/boleto: where its PDF is, and the line of digits to type. One of them may be ""."""

    pdf_url: str
    digitable_line: str


@dataclass(frozen=True, slots=True)
class Installment:
    """One way to pay by card: `installments` times `value_cents`, `total_cents` in all."""

    installments: int
    value_cents: int
    total_cents: int


@dataclass(frozen=True, slots=True)
class UpsellAnswer:
    """Answer of POST /v1/orders/upsell; `order` is the new one, None where Appmax doesn't say."""

    message: str
    redirect_url: str
    order: CreatedOrder | None


@dataclass(frozen=True, slots=True)
class RemoteOrder:
    """Answer of GET /v1/orders/{id}; None or "" where Appmax doesn't say.

    `payment_method` is one of ours: credit_card, pix, boleto.
    """

    id: int
    status: str
    customer_id: int | None = None
    total_cents: int | None = None
    payment_method: str = ""
    pix: PixPayment | None = None
    boleto: BoletoPayment | None = None


def read_text(body: Any, *path: str) -> str:
    """The text at this path. Raises Unreadable if there is none."""
    value = dig(body, *path)
    if not isinstance(value, str) or not value:
        raise Unreadable(".".join(path))
    return value


def read_id(body: Any, *path: str) -> int:
    """A positive id, which comes as a number or as its text. Raises Unreadable."""
    value = dig(body, *path)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    if type(value) is not int or not 0 < value <= MAX_NUMBER:
        raise Unreadable(".".join(path))
    return value


def read_created_order(body: Any) -> CreatedOrder:
    """Raises Unreadable."""
    return CreatedOrder(id=read_id(body, "data", "order", "id"), status=text_of(dig(body, "data", "order", "status")))


def read_order(body: Any) -> RemoteOrder:
    """Raises Unreadable."""
    order, pix = _object(dig(body, "data", "order")), _pix(body)
    return RemoteOrder(
        id=read_id(body, "data", "order", "id"),
        status=read_text(body, "data", "order", "status"),
        customer_id=_id_or_none(body, "data", "customer", "id") or _id_or_none(body, "data", "order", "customer_id"),
        total_cents=_order_total(order),
        payment_method=_payment_method(dig(body, "data", "payment", "method")),
        pix=None if pix is None or pix.is_empty else pix,
        boleto=_boleto(body),
    )


def read_card_payment(body: Any) -> CardPayment:
    """`data.payment {pay_reference, status, upsell_hash}`, or `data.order.status` and `data.upsell_hash`.

    Raises Refused, and Unreadable if nothing says what happened.
    """
    payment = _object(dig(body, "data", "payment"))
    status = word(payment.get("status")) or word(dig(body, "data", "order", "status"))
    if declined_status(body):
        raise Refused
    if "pay_reference" in payment and _is_blank(payment["pay_reference"]):
        if status in _TAKEN:  # it contradicts itself; to call it declined might charge the card again
            raise Unreadable("data.payment.pay_reference")
        raise Refused
    pay_reference = word(payment.get("pay_reference"))
    if not status and not pay_reference:
        raise Unreadable("data.payment.pay_reference")
    upsell_hash = word(payment.get("upsell_hash")) or word(dig(body, "data", "upsell_hash"))
    return CardPayment(status=status, upsell_hash=upsell_hash, pay_reference=pay_reference)


def read_pix(body: Any) -> PixPayment:
    """`data.payment.pix_qrcode/.pix_emv`, or `data.pix.qr_code/.emv_code`. Raises Unreadable if there is neither."""
    pix = _pix(body)
    if pix is None:
        raise Unreadable("data.payment.pix_qrcode")
    return pix


def read_boleto(body: Any) -> BoletoPayment:
    """`data.payment.boleto_link_pdf/.boleto_digitable_line`, or `data.boleto.pdf_url/.digitable_line`.

    Raises Unreadable if neither value is there.
    """
    boleto = _boleto(body)
    if boleto is None:
        raise Unreadable("data.payment.boleto_link_pdf")
    return boleto


def read_installments(body: Any) -> list[Installment]:
    """`data.parcels {"n": value of one}`, or `data.installments {"n": {"total": ..}}`, both in decimal reais.

    What can't be read is left out; raises Unreadable if nothing is left.
    """
    found = [
        Installment(number, value_cents=reais.in_cents(value), total_cents=reais.in_cents(value * number))
        for number, value in reais.amounts(_object(dig(body, "data", "parcels")))
    ] or [
        Installment(number, value_cents=reais.in_cents(total / number), total_cents=reais.in_cents(total))
        for number, total in reais.amounts(_object(dig(body, "data", "installments")), "total")
    ]
    if not found:
        raise Unreadable("data.parcels")
    return sorted(found, key=lambda installment: installment.installments)


def read_upsell(body: Any) -> UpsellAnswer:
    """All of it is optional, but there must be a `data`. Raises Refused, Unreadable."""
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


_TAKEN = ("autorizado", "aprovado", "integrado")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PAYMENT_METHODS = {"creditcard": "credit_card", "pix": "pix", "boleto": "boleto", "billet": "boleto"}


def _pix(body: Any) -> PixPayment | None:
    payment, pix = _object(dig(body, "data", "payment")), dig(body, "data", "pix")
    if "pix_qrcode" in payment or "pix_emv" in payment:
        codes = payment.get("pix_qrcode"), payment.get("pix_emv")
    elif isinstance(pix, Mapping):
        codes = pix.get("qr_code"), pix.get("emv_code")
    else:
        return None
    return PixPayment(qr_code=text_of(codes[0]).removeprefix("data:image/png;base64,"), emv=text_of(codes[1]))


def _boleto(body: Any) -> BoletoPayment | None:
    payment, boleto = _object(dig(body, "data", "payment")), _object(dig(body, "data", "boleto"))
    pdf_url = text_of(payment.get("boleto_link_pdf")) or text_of(boleto.get("pdf_url"))
    digitable_line = text_of(payment.get("boleto_digitable_line")) or text_of(boleto.get("digitable_line"))
    return BoletoPayment(pdf_url, digitable_line) if pdf_url or digitable_line else None


def _order_total(order: Mapping[str, Any]) -> int | None:
    """In cents: what the order says, or the sum of its parts, which lie in it or in its `amounts`."""
    ways = (
        _sum(order, "total"),
        _sum(order, "products_value", "shipping_value", less="discount_value"),
        _sum(_object(order.get("amounts")), "sub_total", "installment_fee", "shipping_value", less="discount"),
    )
    return next((total for total in ways if total is not None), None)


def _sum(amounts: Mapping[str, Any], *names: str, less: str = "") -> int | None:
    """The named amounts less another; None unless all of them are there."""
    found = [value for name in names if (value := _cents(amounts.get(name))) is not None]
    discount = _cents(amounts.get(less)) if less else 0
    return None if discount is None or len(found) < len(names) else sum(found) - discount


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


def _is_blank(value: Any) -> bool:
    return not (value.strip() if isinstance(value, str) else value)
