"""The use cases of a storefront: create an order, pay it, and what follows a payment.

No database connection or lock is held while a call to Appmax is open.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import transaction
from prometheus_client import Counter

from appmax.answers import CreatedOrder, InstallmentOffer
from appmax.client import AppmaxClient
from appmax.errors import AppmaxError, OutcomeUnknown, Rejected
from appmax.messages import Card, Charge, Customer, NewOrder, Product, Subscription
from installations import clients
from installations.models import Installation
from observability.logs import tell
from orders import attempts, changes, facts
from orders.attempts import Taken
from orders.idempotency import Claim
from orders.models import AttemptMethod, Order, OrderCode, PaymentAttempt, Shopper
from orders.questions import ask
from orders.signals import order_created
from orders.status import BY_CARD, PAID_LATER, RESTARTABLE, OrderStatus, PaymentMethod, is_paid, known

log = structlog.stdlib.get_logger(__name__)

_numbers_taken = Counter("checkout_order_numbers_taken", "New orders with a number that we have already", ["whose"])


class OrderNotFound(Exception):
    """The order doesn't exist, or is another merchant's."""


class WrongCustomer(Exception):
    """The given customer_id isn't that of the order's customer."""

    field = "customer_id"


class UnknownCursor(Exception):
    """The cursor names no order of this merchant, or one that the filters leave out."""

    field = "cursor"


class PaymentPending(Rejected):
    """Appmax has a pending Pix or boleto of this order, and we don't know its codes."""

    def __init__(self) -> None:
        super().__init__("a payment of this order is pending already")


class NumberTaken(Rejected):
    """Appmax gave a new order the number of an order of ours that is paid, or another merchant's."""

    def __init__(self) -> None:
        super().__init__("Appmax gave this order a number that is taken; nothing was charged, tell support")


@dataclass(frozen=True)
class Purchase:
    """Customer and order, which a storefront sends if there is no order yet."""

    customer: Customer
    order: NewOrder


@dataclass(frozen=True)
class OrderReference:
    """An order that the storefront has created before."""

    order_id: int
    customer_id: int | None = None


@dataclass(frozen=True)
class CardRequest:
    charge: Charge
    subscription: Subscription | None = None


@dataclass(frozen=True)
class PixRequest:
    """`document_number` is the payer's CPF or CNPJ without punctuation."""

    document_number: str = field(repr=False)
    subscription: Subscription | None = None


@dataclass(frozen=True)
class UpsellRequest:
    """One more sale to a card that has just paid. `products_value` is in cents."""

    upsell_hash: str = field(repr=False)
    products_value: int
    products: tuple[Product, ...]


@dataclass(frozen=True)
class UpsellResult:
    """The message for the shopper, and the page to which the browser should go."""

    message: str
    redirect_url: str


# --- orders ----------------------------------------------------------------------------------------------------------


def create_order(
    installation: Installation, purchase: Purchase, claim: Claim, *, to_be_paid: AttemptMethod | None = None
) -> Order:
    """Create customer and order at Appmax, and keep the order. With `to_be_paid` the attempt to pay it begins together
    with it. Raises AppmaxError."""
    if claim.order is not None:  # An earlier try of this request made the order, and was then cut off.
        claim.is_replay = True
        return claim.order
    claim.client = client = clients.client_for(installation, calls=2 if to_be_paid is None else 3)
    customer_id = client.create_customer(purchase.customer)
    created = client.create_order(customer_id=customer_id, order=purchase.order)
    try:
        order = _kept(installation, purchase, customer_id, created.id, claim, to_be_paid)
    except attempts.NotRecorded:
        # Appmax has the order, so it is kept even so. Then `begin` tries once more to record the attempt, and raises.
        order = _kept(installation, purchase, customer_id, created.id, claim, None)
    tell(log, "order.created", installation=installation.pk, order=created.id)
    return order


@transaction.atomic
def _kept(
    installation: Installation,
    purchase: Purchase,
    customer_id: int,
    number: int,
    claim: Claim,
    to_be_paid: AttemptMethod | None,
) -> Order:
    """Write down the order that Appmax has just made, in one transaction. Raises NumberTaken, attempts.NotRecorded."""
    total_cents = purchase.order.total_cents
    order = Order.objects.insert(
        installation, appmax_customer_id=customer_id, appmax_order_id=number, total_cents=total_cents
    )
    if order is not None:
        changes.tell_created(order)
        order_created.send(sender=Order, order=order)
        if to_be_paid is not None:
            attempts.begin_with_order(order, to_be_paid, claim)
    else:
        order = _order_with_this_number(installation, number)
        for method in PaymentMethod:
            order.forget_codes(method)
        order.keep(appmax_customer_id=customer_id, total_cents=total_cents)
    claim.bind(order)
    # The shopper's row is locked last, as another order of the same shopper may be made at this moment.
    who = purchase.customer
    shopper = Shopper.of(
        installation.pk,
        customer_id,
        name=f"{who.first_name} {who.last_name}",
        email=who.email,
        document=who.document_number,
    )
    Shopper.objects.put([shopper], replaces=True)
    return order


def _order_with_this_number(installation: Installation, number: int) -> Order:
    """The row that we already have for the number of an order that Appmax has just made.

    There are two reasons for such a row. A webhook came before Appmax's answer, and the order was adopted. Or Appmax
    gave the number twice (sandboxes do), or our database was restored. The row is reused if it is the same merchant's
    and nobody has paid it. Otherwise NumberTaken is raised. The number must be locked.
    """
    order = Order.objects.select_for_update(no_key=True).get(appmax_order_id=number)
    is_theirs = order.installation_id == installation.pk
    if is_theirs and not is_paid(order.status) and not attempts.may_have_taken_money(order):
        return order
    _numbers_taken.labels("same merchant" if is_theirs else "another merchant").inc()
    log.error("order.number_taken", installation=installation.pk, order=number, owner=order.installation_id)
    raise NumberTaken


def find_order(installation: Installation, appmax_order_id: int) -> Order:
    """This merchant's order. Raises OrderNotFound."""
    return _found(installation, appmax_order_id=appmax_order_id)


def orders_of(
    installation: Installation,
    *,
    limit: int,
    status: str | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
    cursor: int | None = None,
) -> tuple[list[Order], int | None]:
    """A page of this merchant's orders, and the cursor of the next one. Raises UnknownCursor."""
    wanted = {"status": status, "created_at__gte": created_from, "created_at__lt": created_to}
    orders = Order.objects.filter(installation=installation, **{name: value for name, value in wanted.items() if value})
    try:
        return orders.page(after=cursor, limit=limit)
    except Order.DoesNotExist:
        raise UnknownCursor from None


def _found(installation: Installation, **columns: int | str) -> Order:
    order = Order.objects.filter(installation=installation, **columns).order_by("-pk").first()
    if order is None:
        raise OrderNotFound
    order.installation = installation
    return order


def _order_to_pay(
    installation: Installation, target: Purchase | OrderReference, method: AttemptMethod, claim: Claim
) -> Order:
    """The order to pay: the one that the request names, or a new one."""
    if isinstance(target, Purchase):
        return claim.order or create_order(installation, target, claim, to_be_paid=method)
    order = find_order(installation, target.order_id)
    if target.customer_id and target.customer_id != order.appmax_customer_id:
        raise WrongCustomer
    claim.bind(order)
    return order


# --- payments --------------------------------------------------------------------------------------------------------
# Each raises AppmaxError, OrderNotFound, WrongCustomer, attempts.AlreadyPaid and attempts.PaymentUnderWay.


def pay_with_card(
    installation: Installation, target: Purchase | OrderReference, payment: CardRequest, claim: Claim
) -> Order:
    """Charge the card, or the wallet's, once."""
    method = AttemptMethod(payment.charge.method)

    def charge(client: AppmaxClient, order: Order) -> Taken:
        paid = client.charge_card(
            order_id=order.appmax_order_id,
            customer_id=order.appmax_customer_id,
            charge=payment.charge,
            subscription=payment.subscription,
        )
        columns = facts.of_charge(payment.charge)
        if 0 < len(paid.upsell_hash) <= 255:
            columns["upsell_hash"] = paid.upsell_hash
        return Taken(paid.status, columns, {"pay_reference": paid.pay_reference})

    order = _order_to_pay(installation, target, method, claim)
    return _pay(order, method, claim, charge, renews=payment.subscription is not None).order


def pay_with_pix(
    installation: Installation, target: Purchase | OrderReference, payment: PixRequest, claim: Claim
) -> Order:
    """Ask for the order's Pix and keep its codes. While a Pix of the order is pending, the answer is that one."""

    def create(client: AppmaxClient, order: Order) -> Taken:
        pix = client.create_pix(
            order_id=order.appmax_order_id,
            document_number=payment.document_number,
            subscription=payment.subscription,
        )
        if pix.is_empty:
            raise PaymentPending
        document = payment.document_number
        return Taken(columns=facts.of_pix(pix), also=lambda: OrderCode.objects.put(order, pix=pix.emv, payer=document))

    order = _order_to_pay(installation, target, AttemptMethod.PIX, claim)
    try:
        return _pay(order, AttemptMethod.PIX, claim, create, renews=payment.subscription is not None).order
    except PaymentPending:
        order.refresh_from_db()
        if not order.has_codes(PaymentMethod.PIX):
            raise
        return order


def pay_with_boleto(
    installation: Installation, target: Purchase | OrderReference, document_number: str, claim: Claim
) -> Order:
    """Ask for the order's boleto and keep its link and line."""

    def create(client: AppmaxClient, order: Order) -> Taken:
        boleto = client.create_boleto(order_id=order.appmax_order_id, document_number=document_number)
        line = boleto.digitable_line
        return Taken(
            columns=facts.of_boleto(boleto),
            also=lambda: OrderCode.objects.put(order, boleto=line, payer=document_number),
        )

    order = _order_to_pay(installation, target, AttemptMethod.BOLETO, claim)
    return _pay(order, AttemptMethod.BOLETO, claim, create).order


def _pay(
    order: Order,
    method: AttemptMethod,
    claim: Claim,
    send: Callable[[AppmaxClient, Order], Taken],
    *,
    renews: bool = False,
) -> PaymentAttempt:
    """The steps of every payment. `renews` tells that Appmax makes a subscription of it.

    1. If an earlier try of this request was cut off, its attempt is the answer, unless certainly nothing came of it.
    2. If only a webhook says that the order is paid or cancelled, Appmax is asked first.
    3. The attempt is recorded, Appmax is called, and the attempt is settled (attempts.py).
    """
    is_retry = claim.is_retry and claim.attempt is None  # An attempt of this try is no earlier one.
    if is_retry and (earlier := order.attempts.filter(idempotency_key=claim.key).order_by("pk").last()):
        claim.is_replay = True
        if settled := attempts.outcome(earlier):
            _require_codes(settled)
            return settled
        claim.is_replay = False
    nothing_paid_after = None
    if method is not AttemptMethod.UPSELL and (
        attempts.card_was_taken(order) or attempts.is_paid_by_webhook_only(order)
    ):
        newest = attempts.newest(order)
        said, _ = ask.ask(order)
        nothing_paid_after = newest if said in RESTARTABLE else None
    attempt = claim.attempt or attempts.begin(order, method, claim, nothing_paid_after=nothing_paid_after)
    if renews:
        Order.objects.note_renewal(order.pk, is_asked=True)
    try:
        client = claim.client or clients.client_for(order.installation)
        taken = send(client, order)
    except AppmaxError as error:
        attempts.fail(attempt, error)
        # An earlier payment may have begun a subscription too, and that note stays.
        is_first = renews and attempt.order.renewal_asked_at is None
        if is_first and not isinstance(error, OutcomeUnknown | PaymentPending):
            Order.objects.note_renewal(order.pk, is_asked=False)
        raise
    return attempts.succeed(attempt, taken, trace=client.trace)


def _require_codes(attempt: PaymentAttempt) -> None:
    """Raises PaymentPending if the codes aren't known. Appmax may have said later that there is a Pix or boleto, and
    left its codes out."""
    if attempt.method in PAID_LATER and not attempt.order.has_codes(attempt.method):
        raise PaymentPending


# --- what follows ----------------------------------------------------------------------------------------------------


def upsell(installation: Installation, request: UpsellRequest, claim: Claim) -> UpsellResult:
    """Charge the card of a paid order once more; Appmax may make a new order of it, which is kept.

    Raises AppmaxError, OrderNotFound (nobody's upsell_hash), attempts.AlreadyPaid, attempts.PaymentUnderWay.
    """

    def charge(client: AppmaxClient, order: Order) -> Taken:
        sold = client.upsell(
            upsell_hash=request.upsell_hash, products_value=request.products_value, products=request.products
        )
        return Taken(
            sold.order.status if sold.order else "",
            answer={"message": sold.message, "redirect_url": sold.redirect_url},
            also=lambda: _keep_upsold(order, sold.order, request.products_value),
        )

    order = _found(installation, upsell_hash=request.upsell_hash)
    claim.bind(order)
    answer = _pay(order, AttemptMethod.UPSELL, claim, charge).answer or {}
    # If staff have settled the upsell, there is no answer of Appmax's.
    return UpsellResult(message=answer.get("message", ""), redirect_url=answer.get("redirect_url", ""))


def _keep_upsold(order: Order, sold: CreatedOrder | None, total_cents: int) -> None:
    """Keep the order that Appmax may have made of an upsell, in the transaction that settles the upsell."""
    if sold is None or sold.id == order.appmax_order_id:
        return
    Order.objects.lock_appmax_order(sold.id)
    if other := Order.objects.filter(appmax_order_id=sold.id).first():
        if other.installation_id != order.installation_id:  # The upsell is paid even so, and nothing is raised.
            _numbers_taken.labels("another merchant").inc()
            log.error("order.number_taken", order=sold.id, owner=other.installation_id)
        return
    new = Order.objects.create(
        installation=order.installation,
        appmax_customer_id=order.appmax_customer_id,
        appmax_order_id=sold.id,
        # The card that paid before is charged once more, so what is sold to a wallet's card is a wallet's payment, too.
        payment_method=order.payment_method if order.payment_method in BY_CARD else PaymentMethod.CREDIT_CARD,
        status=known(sold.status) or OrderStatus.PENDENTE,
        total_cents=total_cents,
    )
    changes.tell_created(new)
    order_created.send(sender=Order, order=new)


def add_tracking_code(installation: Installation, *, order_id: int, code: str) -> None:
    """Send Appmax the tracking code of the goods. Raises AppmaxError, OrderNotFound."""
    order = find_order(installation, order_id)
    clients.client_for(installation).add_tracking_code(order_id=order.appmax_order_id, code=code)
    OrderCode.objects.put(order, tracking=code)


def tokenize(installation: Installation, card: Card) -> str:
    """A token for the card that serves once. Nothing of the card is kept. Raises AppmaxError."""
    return clients.client_for(installation).tokenize_card(card)


def installments(installation: Installation, *, total_value: int, most: int) -> InstallmentOffer:
    """What `total_value` cents cost in 1 to `most` instalments. Raises AppmaxError."""
    return clients.client_for(installation).installments(total_value=total_value, installments=most)
