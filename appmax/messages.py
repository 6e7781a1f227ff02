"""What is sent to Appmax and what it answers, in every shape seen (contract, section 5). Amounts are integer cents."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

MAX_MESSAGE = 500


class Unreadable(ValueError):
    """An answer that lacks what it is asked for."""


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
class RemoteOrder:
    """Answer of GET /v1/orders/{id}; `total_paid_cents` is None where Appmax doesn't say."""

    id: int
    status: str
    total_paid_cents: int | None


@dataclass(frozen=True, slots=True)
class PixPayment:
    """Answer of POST /v1/payments/pix: the QR code (base64 image or URL) and the code to copy and paste."""

    qr_code: str
    emv: str

    @property
    def is_empty(self) -> bool:
        """Appmax answers empty codes when a payment of the order is pending already."""
        return not self.qr_code and not self.emv


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
    if type(value) is not int or value <= 0:
        raise Unreadable(".".join(path))
    return value


def read_created_order(body: Any) -> CreatedOrder:
    """Raises Unreadable."""
    return CreatedOrder(id=read_id(body, "data", "order", "id"), status=_text(dig(body, "data", "order", "status")))


def read_order(body: Any) -> RemoteOrder:
    """Raises Unreadable."""
    paid = dig(body, "data", "order", "total_paid")
    return RemoteOrder(
        id=read_id(body, "data", "order", "id"),
        status=read_text(body, "data", "order", "status"),
        total_paid_cents=paid if type(paid) is int else None,
    )


def read_pix(body: Any) -> PixPayment:
    """`data.payment.pix_qrcode/.pix_emv`, or `data.pix.qr_code/.emv_code`. Raises Unreadable if there is neither."""
    payment, pix = dig(body, "data", "payment"), dig(body, "data", "pix")
    if isinstance(payment, dict) and ("pix_qrcode" in payment or "pix_emv" in payment):
        codes = payment.get("pix_qrcode"), payment.get("pix_emv")
    elif isinstance(pix, dict):
        codes = pix.get("qr_code"), pix.get("emv_code")
    else:
        raise Unreadable("data.payment.pix_qrcode")
    return PixPayment(qr_code=_text(codes[0]).removeprefix("data:image/png;base64,"), emv=_text(codes[1]))


def error_message(body: Any) -> str:
    """The message in any of the shapes of contract 4.2; "" if there is none."""
    candidates = (
        dig(body, "errors", "message"),
        dig(body, "error", "message"),
        dig(body, "data", "errors", "message"),
        dig(body, "message"),
        dig(body, "error_description"),
        dig(body, "text"),
        dig(body, "errors"),
        dig(body, "error"),
    )
    for candidate in candidates:
        if text := _sentence(candidate):
            return text[:MAX_MESSAGE]
    return ""


def is_refusal(body: Any) -> bool:
    """`{"success": false, ...}`: an error whatever the status says."""
    return isinstance(body, dict) and body.get("success") is False


def dig(body: Any, *path: str) -> Any:
    """The value at this path; None where an object is missing, or is one of Appmax's `[]` for an empty object."""
    for name in path:
        if not isinstance(body, Mapping):
            return None
        body = body.get(name)
    return body


def _sentence(value: Any) -> str:
    """A text, a list of texts, or a dictionary of fields, as one line."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return ", ".join(filter(None, map(_sentence, value)))
    if isinstance(value, dict):
        return "; ".join(f"{name}: {text}" for name, item in value.items() if (text := _sentence(item)))
    return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
