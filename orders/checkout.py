"""The use cases of a storefront: create an order, pay it. No connection or lock is held while Appmax is waited for."""

import logging
from dataclasses import dataclass, field

from django.db import transaction
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ValidationError

from appmax.messages import Customer, NewOrder, Subscription
from installations import gateway
from installations.models import Installation
from orders.models import Order
from orders.signals import order_created

log = logging.getLogger(__name__)


class OrderNotFound(NotFound):
    """404: unknown, or another merchant's."""

    default_detail = "order not found"


class WrongCustomer(ValidationError):
    """400: the customer_id sent beside an order_id is somebody else's."""


class PaymentPending(APIException):
    """409: Appmax has a pending payment of this order already, and we don't have its code."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "a payment of this order is pending already"


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
class PixRequest:
    """How to pay by Pix; document_number is the payer's CPF or CNPJ, digits (and a CNPJ's letters) only."""

    document_number: str = field(repr=False)
    subscription: Subscription | None = None


def create_order(installation: Installation, purchase: Purchase) -> Order:
    """Create customer and order at Appmax and keep the order, before any payment call. Raises AppmaxError."""
    client = gateway.client_for(installation)
    customer_id = client.create_customer(purchase.customer)
    created = client.create_order(customer_id=customer_id, order=purchase.order)
    with transaction.atomic():
        Order.objects.lock_appmax_order(created.id)
        order = Order.objects.create(
            installation=installation,
            appmax_customer_id=customer_id,
            appmax_order_id=created.id,
            total_cents=purchase.order.total_cents,
        )
        order_created.send(sender=Order, order=order)
    log.info("order.created installation=%s order=%s", installation.pk, created.id)
    return order


def order_to_pay(installation: Installation, target: Purchase | OrderReference) -> Order:
    """The order that a pay route is about: the one it names, or a new one. Raises AppmaxError, OrderNotFound,
    WrongCustomer."""
    if isinstance(target, Purchase):
        return create_order(installation, target)
    order = find_order(installation, target.order_id)
    if target.customer_id and target.customer_id != order.appmax_customer_id:
        raise WrongCustomer({"customer_id": ["customer_id is not this order's customer"]})
    return order


def pay_with_pix(order: Order, payment: PixRequest) -> Order:
    """Ask Appmax for the order's Pix and keep its codes. Asked again while the first is pending, the first is answered.

    Raises AppmaxError, PaymentPending.
    """
    pix = gateway.client_for(order.installation).create_pix(
        order_id=order.appmax_order_id,
        document_number=payment.document_number,
        subscription=payment.subscription,
    )
    with transaction.atomic():
        order = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
        if not pix.is_empty:
            order.record_pix(qr_code=pix.qr_code, emv=pix.emv)
        elif not order.pix_emv:
            raise PaymentPending
    log.info("order.pix installation=%s order=%s", order.installation_id, order.appmax_order_id)
    return order


def find_order(installation: Installation, appmax_order_id: int) -> Order:
    """This merchant's order. Raises OrderNotFound."""
    try:
        order = Order.objects.get(installation=installation, appmax_order_id=appmax_order_id)
    except Order.DoesNotExist:
        raise OrderNotFound from None
    order.installation = installation
    return order
