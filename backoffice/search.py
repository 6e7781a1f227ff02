"""One search for all that support is asked about. The box in the menu, Ctrl-K and the order list's box use it.

What a text may be is tried at once: an order's or customer's number, a merchant's key or name, an e-mail, a CPF or
CNPJ, a name, a code of a payment or parcel, a request's id or idempotency key, Appmax's own id of a payment call. Each
way is one look-up by an index.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from backoffice.kit.lists import searched
from backoffice.kit.words import moment, reais
from installations.models import Installation
from orders.hashes import Kind, plain
from orders.models import Order, OrderCode, PaymentAttempt, Refund, Shopper
from orders.models.shopper import folded, storable
from webhooks.models import WebhookEvent

MOST = 20  # results of each kind
MOST_IN_LIST = 200  # shoppers whose orders the order list shows
SHORTEST_PART = 2  # characters of a name
SHORTEST_BEGINNING = 3  # so many begin with two letters that they take 270 ms among a million
DOCUMENT_LENGTHS = (11, 14)  # a CPF's and a CNPJ's characters
LONGEST_ID = 255  # a request's id or an idempotency key


@dataclass(frozen=True)
class Result:
    """One thing that was found. Unfold's palette shows these attributes, too."""

    kind: str
    title: str
    description: str
    link: str
    icon: str


@dataclass(frozen=True)
class Wanted:
    """What a text was found to mean: a number of Appmax's, shoppers, and orders by one of their codes."""

    text: str
    number: int | None
    shoppers: list[Shopper]
    orders: list[int]

    @property
    def condition(self) -> Q:
        """The orders that are meant. It holds for none if nothing was found."""
        condition = Q(pk__in=self.orders)
        if len(self.text) <= LONGEST_ID:
            condition |= Q(request_id=self.text)
        if self.number is not None:
            condition |= Q(appmax_order_id=self.number) | Q(appmax_customer_id=self.number)
        customers = defaultdict(list)
        for shopper in self.shoppers:
            customers[shopper.installation_id].append(shopper.appmax_customer_id)
        for installation_id, ids in customers.items():
            condition |= Q(installation_id=installation_id, appmax_customer_id__in=ids)
        return condition


def find(user: Any, term: str) -> list[Result]:
    """What was found, of the kinds that this user may see: orders first, then shoppers, merchants, and the rest."""
    wanted = _wanted(term)
    if not wanted.text:
        return []
    kinds: tuple[tuple[str, Callable[[Wanted], Iterable[Result]]], ...] = (
        ("orders.view_order", _orders),
        ("installations.view_installation", _merchants),
        ("orders.view_paymentattempt", _attempts),
        ("webhooks.view_webhookevent", _events),
    )
    return [result for permission, look in kinds if user.has_perm(permission) for result in look(wanted)]


def orders(term: str) -> Q:
    """The orders that are meant, for the order list, which also shows all orders of a merchant."""
    wanted = _wanted(term, most_shoppers=MOST_IN_LIST)
    merchants = _called(wanted.text).values_list("pk", flat=True)
    return wanted.condition | Q(installation__in=list(merchants[:MOST]))


def _wanted(term: str, *, most_shoppers: int = MOST) -> Wanted:
    text, number = searched(storable(term))
    text = text[: OrderCode.LONGEST]
    if not text:
        return Wanted("", None, [], [])
    codes = OrderCode.objects.matching(text).values_list("order_id", flat=True)
    return Wanted(text, number, _shoppers(text, most_shoppers), list(codes[:MOST]))


def _shoppers(text: str, most: int) -> list[Shopper]:
    """The shoppers who are meant, those who were seen last first."""
    shoppers = Shopper.objects.defer("email", "document").order_by("-seen_at")
    if "@" in text:
        return list(shoppers.with_email(text)[:most])
    if any(map(str.isdigit, text)):
        is_document = len(plain(Kind.DOCUMENT, text)) in DOCUMENT_LENGTHS
        return list(shoppers.with_document(text)[:most]) if is_document else []
    if len(folded(text)) < SHORTEST_PART:
        return []
    found = list(shoppers.named(text, most=most))
    if not found and len(folded(text)) >= SHORTEST_BEGINNING:
        found = list(shoppers.named(text, in_part=True, most=most))
    return found


def _called(text: str) -> QuerySet[Installation]:
    """The merchants whose key or name has this part."""
    merchants = Installation.objects.without_secret()
    return merchants.filter(external_key__iexact=text) if len(text) < SHORTEST_PART else merchants.called(text)


# --- results ---------------------------------------------------------------------------------------------------------


def _orders(wanted: Wanted) -> Iterable[Result]:
    """Orders; shoppers with several of them, or with none that is kept; and refunds."""
    orders = Order.objects.with_merchant().with_shopper().filter(wanted.condition)
    found = list(orders.order_by("-created_at", "-pk")[:MOST])
    for order in found:
        yield Result(
            kind=gettext("Order"),
            title=f"{order} · {reais(order.total_cents)} · {order.get_status_display()}",
            description=" · ".join(
                filter(
                    None, (order.shopper_name, order.shopper_email, str(order.installation), moment(order.created_at))
                )
            ),
            link=reverse("admin:orders_order_change", args=[order.pk]),
            icon="receipt_long",
        )
    for shopper in wanted.shoppers:
        theirs = [
            order
            for order in found
            if (order.installation_id, order.appmax_customer_id)
            == (shopper.installation_id, shopper.appmax_customer_id)
        ]
        if len(theirs) > 1:
            yield _shopper(shopper, len(theirs))
    if len(wanted.text) <= LONGEST_ID:
        for refund in Refund.objects.filter(request_id=wanted.text).select_related("order")[:MOST]:
            yield Result(
                kind=capfirst(str(Refund._meta.verbose_name)),
                title=f"{reais(refund.amount_cents)} · {refund.get_state_display()}",
                description=gettext("Order %(number)s") % {"number": refund.order},
                link=reverse("admin:orders_order_change", args=[refund.order_id]),
                icon="undo",
            )


def _shopper(shopper: Shopper, count: int) -> Result:
    orders = ngettext("%(count)s order", "%(count)s orders", count) % {"count": f"{count}+" if count == MOST else count}
    return Result(
        kind=capfirst(str(Shopper._meta.verbose_name)),
        title=" · ".join(filter(None, (shopper.name, shopper.email_shown, shopper.document_shown))),
        description=orders,
        link=f"{reverse('admin:orders_order_changelist')}?q={shopper.appmax_customer_id}",
        icon="person",
    )


def _merchants(wanted: Wanted) -> Iterable[Result]:
    for merchant in _called(wanted.text).order_by("external_key")[:MOST]:
        yield Result(
            kind=capfirst(gettext("merchant")),
            title=str(merchant),
            description=merchant.external_key,
            link=reverse("admin:installations_installation_change", args=[merchant.pk]),
            icon="store",
        )


def _attempts(wanted: Wanted) -> Iterable[Result]:
    """Payment attempts by the request's id, its idempotency key or Appmax's own id of the call."""
    if len(wanted.text) > LONGEST_ID:
        return
    rows = PaymentAttempt.objects
    meant = rows.filter(Q(request_id=wanted.text) | Q(idempotency_key=wanted.text)) | rows.traced(wanted.text)
    for attempt in meant.select_related("order").defer("answer", "order__pix_qr_code")[:MOST]:
        yield Result(
            kind=capfirst(str(PaymentAttempt._meta.verbose_name)),
            title=f"#{attempt.pk} · {attempt.get_method_display()}",
            description=" · ".join(
                (gettext("Order %(number)s") % {"number": attempt.order}, moment(attempt.started_at))
            ),
            link=reverse("admin:orders_paymentattempt_change", args=[attempt.pk]),
            icon="credit_card",
        )


def _events(wanted: Wanted) -> Iterable[Result]:
    """The events of a number of which we have no order."""
    if wanted.number is None or Order.objects.filter(appmax_order_id=wanted.number).exists():
        return
    events = WebhookEvent.objects.of_order(wanted.number).defer("payload").order_by("-pk")
    for event in events[:MOST]:
        yield Result(
            kind=capfirst(str(WebhookEvent._meta.verbose_name)),
            title=f"{event.event} · {event.get_outcome_display()}",
            description=" · ".join((gettext("Order %(number)s") % {"number": wanted.number}, moment(event.created_at))),
            link=reverse("admin:webhooks_webhookevent_change", args=[event.pk]),
            icon="webhook",
        )


def pages(menu: list[dict[str, Any]], term: str) -> list[Result]:
    """The entries of this menu whose names have this part."""
    part = folded(term)
    entries = [entry for group in menu for entry in group["items"] if len(part) >= SHORTEST_PART]
    return [
        Result(gettext("Page"), str(entry["title"]), "", entry["link"], entry.get("icon", "tag"))
        for entry in entries
        if part in folded(str(entry["title"]))
    ]
