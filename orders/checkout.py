"""The use cases of a storefront: create an order, pay it, and what follows. No connection or lock is held while Appmax
is waited for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import transaction
from prometheus_client import Counter

from appmax.answers import CreatedOrder, InstallmentOffer
from appmax.client import AppmaxClient
from appmax.errors import AppmaxError, Rejected
from appmax.messages import Card, CardCharge, Customer, NewOrder, Product, Subscription
from installations import clients
from installations.models import Installation
from orders import attempts, facts
from orders.attempts import Taken
from orders.idempotency import Claim
from orders.models import AttemptMethod, Order, PaymentAttempt
from orders.questions import ask
from orders.signals import order_created
from orders.status import RESTARTABLE, OrderStatus, PaymentMethod, is_paid, known

log = structlog.stdlib.get_logger(__name__)

_numbers_taken = Counter("checkout_order_numbers_taken", "New orders with a number that we have already", ["whose"])


class OrderNotFound(Exception):
    """Unknown, or another merchant's."""


class WrongCustomer(Exception):
    """The customer_id that came with an order_id is somebody else's."""

    field = "customer_id"


class UnknownCursor(Exception):
    """No order of this merchant, or none that the other filters leave."""

    field = "cursor"


class PaymentPending(Rejected):
    """Appmax has a pending Pix or boleto of this order, and we don't know its codes."""

    def __init__(self) -> None:
        super().__init__("a payment of this order is pending already", status=409)


class NumberTaken(Rejected):
    """Appmax gave a new order the number of one that we have, which is paid or another merchant's."""

    def __init__(self) -> None:
        super().__init__("Appmax gave this order a number that is taken; nothing was charged, tell support", status=409)


@dataclass(frozen=True)
class Purchase:
    """What a storefront sends when there is no order yet."""

    customer: Customer
    order: NewOrder


@dataclass(frozen=True)
class OrderReference:
    """What a storefront sends when it made the order before."""

    order_id: int
    customer_id: int | None = None


@dataclass(frozen=True)
class CardRequest:
    """How to pay by card."""

    charge: CardCharge
    subscription: Subscription | None = None


@dataclass(frozen=True)
class PixRequest:
    """How to pay by Pix; document_number is the payer's CPF or CNPJ, digits (and a CNPJ's letters) only."""

    document_number: str = field(repr=False)
    subscription: Subscription | None = None


@dataclass(frozen=True)
class UpsellRequest:
    """One more sale to a card that has just paid; `products_value` in cents."""

    upsell_hash: str = field(repr=False)
    products_value: int
    products: tuple[Product, ...]


@dataclass(frozen=True)
class UpsellResult:
    """What to tell the shopper, and where to send the browser."""

    message: str
    redirect_url: str


# --- orders ----------------------------------------------------------------------------------------------------------


def create_order(installation: Installation, purchase: Purchase, claim: Claim) -> Order:
    """Create customer and order at Appmax and keep the order, before any payment call. Raises AppmaxError."""
    if claim.order is not None:  # an earlier try of this request made it, and was cut off
        claim.is_replay = True
        return claim.order
    client = clients.client_for(installation)
    customer_id = client.create_customer(purchase.customer)
    created = client.create_order(customer_id=customer_id, order=purchase.order)
    total_cents = purchase.order.total_cents
    with transaction.atomic():
        Order.objects.lock_appmax_order(created.id)
        order = _order_with_this_number(installation, created.id)
        if order is None:
            order = Order.objects.create(
                installation=installation,
                appmax_customer_id=customer_id,
                appmax_order_id=created.id,
                total_cents=total_cents,
            )
            order_created.send(sender=Order, order=order)
        else:
            for method in PaymentMethod:
                order.forget_codes(method)
            order.keep(appmax_customer_id=customer_id, total_cents=total_cents)
        claim.bind(order)
    log.info("order.created", installation=installation.pk, order=created.id)
    return order


def _order_with_this_number(installation: Installation, number: int) -> Order | None:
    """The row that is there already for an order that Appmax has just made; None if there is none, as a rule.

    A webhook may have come before Appmax's answer, and the order was adopted: then this is it. Appmax may also have
    given the number before, as sandboxes do, or our database was restored: then an order of the same merchant that
    nobody has paid makes room for the new one. Raises NumberTaken in all other cases. The number must be locked.
    """
    order = Order.objects.filter(appmax_order_id=number).select_for_update(of=("self",), no_key=True).first()
    if order is None:
        return None
    is_theirs = order.installation_id == installation.pk
    if is_theirs and not is_paid(order.status) and not attempts.may_have_taken_money(order):
        order.installation = installation
        return order
    _numbers_taken.labels("same merchant" if is_theirs else "another merchant").inc()
    log.error("order.number_taken", installation=installation.pk, order=number, owner=order.installation_id)
    raise NumberTaken


def find_order(installation: Installation, appmax_order_id: int) -> Order:
    """This merchant's order. Raises OrderNotFound."""
    return _found(installation, appmax_order_id=appmax_order_id)


def status_of(installation: Installation, appmax_order_id: int) -> str:
    """The status of this merchant's order, from our table. Raises OrderNotFound."""
    status = Order.objects.status_of(installation.pk, appmax_order_id)
    if status is None:
        raise OrderNotFound
    return status


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


def _order_to_pay(installation: Installation, target: Purchase | OrderReference, claim: Claim) -> Order:
    """The order that a pay route is about: the one it names, or a new one."""
    if isinstance(target, Purchase):
        return claim.order or create_order(installation, target, claim)
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
    """Charge the card, once."""

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

    return _pay(_order_to_pay(installation, target, claim), AttemptMethod.CREDIT_CARD, claim, charge).order


def pay_with_pix(
    installation: Installation, target: Purchase | OrderReference, payment: PixRequest, claim: Claim
) -> Order:
    """Ask for the order's Pix and keep its codes. Asked again while the first is pending, the first is answered."""

    def create(client: AppmaxClient, order: Order) -> Taken:
        pix = client.create_pix(
            order_id=order.appmax_order_id,
            document_number=payment.document_number,
            subscription=payment.subscription,
        )
        if pix.is_empty:
            raise PaymentPending
        return Taken(columns=facts.of_pix(pix))

    order = _order_to_pay(installation, target, claim)
    try:
        return _pay(order, AttemptMethod.PIX, claim, create).order
    except PaymentPending:
        order.refresh_from_db()
        if not order.pix_emv:
            raise
        return order


def pay_with_boleto(
    installation: Installation, target: Purchase | OrderReference, document_number: str, claim: Claim
) -> Order:
    """Ask for the order's boleto and keep its link and line."""

    def create(client: AppmaxClient, order: Order) -> Taken:
        boleto = client.create_boleto(order_id=order.appmax_order_id, document_number=document_number)
        return Taken(columns=facts.of_boleto(boleto))

    return _pay(_order_to_pay(installation, target, claim), AttemptMethod.BOLETO, claim, create).order


def _pay(
    order: Order, method: AttemptMethod, claim: Claim, send: Callable[[AppmaxClient, Order], Taken]
) -> PaymentAttempt:
    """Record the attempt, ask Appmax, settle the attempt. A request that was cut off before is not sent again unless
    certainly nothing came of it."""
    if claim.is_retry and (earlier := order.attempts.filter(idempotency_key=claim.key).order_by("pk").last()):
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
    attempt = attempts.begin(order, method, claim, nothing_paid_after=nothing_paid_after)
    try:
        taken = send(clients.client_for(order.installation), order)
    except AppmaxError as error:
        attempts.fail(attempt, error)
        raise
    return attempts.succeed(attempt, taken)


def _require_codes(attempt: PaymentAttempt) -> None:
    """Reconciliation may have found that there is a Pix or boleto without learning its codes. Raises PaymentPending."""
    order = attempt.order
    if attempt.method == AttemptMethod.PIX and not order.pix_emv:
        raise PaymentPending
    if attempt.method == AttemptMethod.BOLETO and not order.boleto_digitavel:
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
    # Staff who found out that it was paid leave no answer of Appmax's.
    return UpsellResult(message=answer.get("message", ""), redirect_url=answer.get("redirect_url", ""))


def _keep_upsold(order: Order, sold: CreatedOrder | None, total_cents: int) -> None:
    """The order that Appmax made of an upsell, if it made one; in the transaction that settles the upsell."""
    if sold is None or sold.id == order.appmax_order_id:
        return
    Order.objects.lock_appmax_order(sold.id)
    if other := Order.objects.filter(appmax_order_id=sold.id).first():
        if other.installation_id != order.installation_id:  # the upsell is paid all the same
            _numbers_taken.labels("another merchant").inc()
            log.error("order.number_taken", order=sold.id, owner=other.installation_id)
        return
    new = Order.objects.create(
        installation=order.installation,
        appmax_customer_id=order.appmax_customer_id,
        appmax_order_id=sold.id,
        payment_method=PaymentMethod.CREDIT_CARD,
        status=known(sold.status) or OrderStatus.PENDENTE,
        total_cents=total_cents,
    )
    order_created.send(sender=Order, order=new)


def add_tracking_code(installation: Installation, *, order_id: int, code: str) -> None:
    """Tell Appmax how the goods travel. Raises AppmaxError, OrderNotFound."""
    order = find_order(installation, order_id)
    clients.client_for(installation).add_tracking_code(order_id=order.appmax_order_id, code=code)


def tokenize(installation: Installation, card: Card) -> str:
    """A token that stands for the card, once. Nothing of the card is kept. Raises AppmaxError."""
    return clients.client_for(installation).tokenize_card(card)


def installments(installation: Installation, *, total_value: int, most: int) -> InstallmentOffer:
    """What `total_value` cents cost in 1 to `most` instalments. Raises AppmaxError."""
    return clients.client_for(installation).installments(total_value=total_value, installments=most)
