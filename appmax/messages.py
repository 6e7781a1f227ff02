"""What we send to Appmax (contract, section 5). Amounts are integer cents. Each `body()` leaves blank fields out.

The comment above each object names its page of Appmax's documentation, beneath https://appmax.readme.io/reference/.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Address:
    postcode: str = field(repr=False)
    street: str = field(repr=False)
    number: str = field(repr=False)
    complement: str = field(repr=False)
    district: str = field(repr=False)
    city: str = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Product:
    """One line of an order, or a product that a customer looked at. `unit_value` is in cents, and None if the order
    gives one sum for all its products. `type` is physical or digital."""

    sku: str
    name: str
    quantity: int
    unit_value: int | None
    type: str

    def body(self) -> dict[str, Any]:
        return _filled(_own(self))


# criar-ou-atualizar-cliente-na-appmax
@dataclass(frozen=True, slots=True)
class Customer:
    """POST /v1/customers. Document and phone hold digits only (a CNPJ may have letters), and are "" if unknown.

    `ip` is the shopper's address, which Appmax requires. `tracking` holds utm_source, utm_campaign and the like.
    `products` are those that the customer looked at.
    """

    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    document_number: str = field(default="", repr=False)
    ip: str = field(default="", repr=False)
    address: Address | None = field(default=None, repr=False)
    tracking: Mapping[str, str] = field(default_factory=dict)
    products: tuple[Product, ...] = ()

    def body(self) -> dict[str, Any]:
        address = self.address and _own(self.address)
        return _filled({**_own(self), "address": address, "products": [product.body() for product in self.products]})


# criar-um-um-pedido-na-appmax, cálculo-do-valor-total-da-order
@dataclass(frozen=True, slots=True)
class NewOrder:
    """POST /v1/orders. All values are in cents. Raises ValueError if neither `products_value` nor every product's
    `unit_value` is given."""

    products_value: int | None
    discount_value: int
    shipping_value: int
    products: tuple[Product, ...]

    def __post_init__(self) -> None:
        if self.products_value is None and not self._has_unit_values:
            raise ValueError("either products_value or the unit_value of every product is needed")

    @property
    def products_cents(self) -> int:
        """What Appmax charges for the products: the sum of `quantity` times `unit_value` if every product has one, else
        `products_value`."""
        if self._has_unit_values:
            return sum(product.quantity * (product.unit_value or 0) for product in self.products)
        return self.products_value or 0

    @property
    def total_cents(self) -> int:
        """What the shopper pays."""
        return self.products_cents - self.discount_value + self.shipping_value

    @property
    def _has_unit_values(self) -> bool:
        return bool(self.products) and all(product.unit_value is not None for product in self.products)

    def body(self) -> dict[str, Any]:
        return _filled({**_own(self), "products": [product.body() for product in self.products]})


# como-criar-recorrencia-na-appmax
@dataclass(frozen=True, slots=True)
class Subscription:
    """payment_data.subscription: the shopper is charged again every `interval_count` `interval`s (week, month, year),
    at most `max_cycles` times. A charge that fails is tried `fail_max_tries` times, `fail_interval_hours` apart."""

    interval: str
    interval_count: int
    max_cycles: int | None = None
    next_charge_at: date | None = None
    fail_max_tries: int | None = None
    fail_interval_hours: int | None = None

    def body(self) -> dict[str, Any]:
        return _filled({**asdict(self), "next_charge_at": self.next_charge_at and self.next_charge_at.isoformat()})


@dataclass(frozen=True, slots=True)
class SubscribedProduct:
    """A product of Appmax's own catalogue, of which each renewal is so many."""

    product_id: int
    quantity: int = 1


# docs.appmax.com.br/api-reference/subscriptions/criar-assinatura
@dataclass(frozen=True, slots=True)
class NewSubscription:
    """POST /v1/subscriptions: renew a paid order from now on. `freight_value` and `discount` are in cents, and None to
    leave them to Appmax; it is told decimal reais, as nowhere else. Without products Appmax takes the order's."""

    order_id: int
    cadence: Subscription
    products: tuple[SubscribedProduct, ...] = ()
    freight_value: int | None = None
    discount: int | None = None

    def body(self) -> dict[str, Any]:
        return _filled(
            {
                "order_id": self.order_id,
                **self.cadence.body(),
                "products": [asdict(product) for product in self.products],
                "freight_value": _reais(self.freight_value),
                "discount": _reais(self.discount),
            }
        )


# docs.appmax.com.br/api-reference/payment-links/criar-link-pagamento
@dataclass(frozen=True, slots=True)
class PaymentLink:
    """POST /v1/payment-link. `value` is in cents. `payments` are Appmax's words: creditcard, pix, boleto. From the
    instalment `fee_transfer_from_installment` on the shopper pays the interest, and with 0 the merchant always does.
    `document` is the CPF or CNPJ of one of the merchant's companies, and "" leaves it to Appmax."""

    name: str
    value: int
    description: str
    payments: tuple[str, ...]
    max_installments: int
    fee_transfer_from_installment: int
    product_type: str = ""
    document: str = field(default="", repr=False)
    allow_multiple_sales: bool | None = None

    def body(self) -> dict[str, Any]:
        return _filled({**asdict(self), "payments": list(self.payments)})


# tokenizacao-do-cartao-de-credito
@dataclass(frozen=True, slots=True)
class Card:
    """A card's own data. The year has 2 or 4 digits. The object lives for one call and is never stored or logged."""

    number: str = field(repr=False)
    cvv: str = field(repr=False)
    expiration_month: str = field(repr=False)
    expiration_year: str = field(repr=False)
    holder_name: str = field(repr=False)

    def body(self) -> dict[str, Any]:
        return asdict(self)


# appmax-pagamento-cartao-de-credito
@dataclass(frozen=True, slots=True)
class CardCharge:
    """payment_data.credit_card of POST /v1/payments/credit-card, with a card or a token that serves once.

    Raises ValueError if both are given, or neither. `holder_name` takes precedence over the card's.
    """

    method: ClassVar[str] = "credit_card"

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
        own = asdict(self)
        return _filled((own.pop("card") or {}) | _filled(own))


# https://docs.appmax.com.br/api-reference/payments/google-pay
@dataclass(frozen=True, slots=True)
class GooglePayCharge:
    """payment_data.google_pay of POST /v1/payments/google-pay. `payment_data` is what Google's button gave, whole and
    unchanged, because Appmax refuses a token that was touched. It serves once."""

    method: ClassVar[str] = "google_pay"

    installments: int
    holder_document_number: str = field(repr=False)
    payment_data: Mapping[str, Any] = field(repr=False)
    soft_descriptor: str = ""

    def body(self) -> dict[str, Any]:
        return {
            "installments": self.installments,
            **_holder(self.holder_document_number, self.soft_descriptor),
            "payment_data": self.payment_data,
        }


# https://docs.appmax.com.br/api-reference/payments/apple-pay
@dataclass(frozen=True, slots=True)
class ApplePayCharge:
    """payment_data.apple_pay of POST /v1/payments/apple-pay, which takes the instalments as a text. The last three are
    the parts of Apple's token, whole and unchanged. It serves once."""

    method: ClassVar[str] = "apple_pay"

    installments: int
    holder_document_number: str = field(repr=False)
    payment_data: Mapping[str, Any] = field(repr=False)
    payment_method: Mapping[str, Any] = field(repr=False)
    transaction_identifier: str = field(repr=False)
    soft_descriptor: str = ""

    def body(self) -> dict[str, Any]:
        return {
            "installments": str(self.installments),
            **_holder(self.holder_document_number, self.soft_descriptor),
            "payment_data": self.payment_data,
            "payment_method": self.payment_method,
            "transaction_identifier": self.transaction_identifier,
        }


Charge = CardCharge | GooglePayCharge | ApplePayCharge
"""Each one's `method` is Appmax's word for it, in the body and, with a dash, in the path."""


def _own(message: Any) -> dict[str, Any]:
    """The fields of a message. `asdict` copies all that is in them, which each payment would do six times."""
    return {name: getattr(message, name) for name in message.__slots__}


def _holder(document_number: str, soft_descriptor: str) -> dict[str, Any]:
    return _filled({"holder_document_number": document_number, "soft_descriptor": soft_descriptor})


def _reais(cents: int | None) -> float | None:
    """The amount as Appmax's documentation of subscriptions writes it: 1990 is 19.9. The nearest float to a number with
    two decimals is written with these two decimals, so nothing is lost."""
    return None if cents is None else cents / 100


def _filled(body: dict[str, Any]) -> dict[str, Any]:
    """The body without its blank fields. 0 counts as a value."""
    return {
        name: _filled(value) if isinstance(value, dict) else value
        for name, value in body.items()
        if value not in ("", None, [], {}, ())
    }
