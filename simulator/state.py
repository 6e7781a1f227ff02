"""All that the simulated Appmax knows, in memory, behind one lock."""

import copy
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from simulator.cards import Card
from simulator.credentials import MerchantCredentials, account_of
from simulator.orders import APPROVED, UPSELL, Order, Payment
from simulator.records import Authorization, Fault, HealthCheck, PaymentLink, now
from simulator.subscriptions import Subscription
from simulator.switches import Switches

__all__ = ["APP", "Authorization", "Fault", "HealthCheck", "Order", "Payment", "State"]

APP = ""  # whom an app token belongs to; a merchant's token belongs to its account, whose name is never empty


class State:
    """Every method is safe from several threads, and what it returns is a copy, as it was at that moment.

    The dictionaries and lists are there for tests in the same process: to look into, and to arrange a situation.
    """

    def __init__(self, seed: str, webhook_url: str, switches: Switches, stores: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._credentials = MerchantCredentials(seed)
        self._first_identities = {account_of(client_id): external_id for client_id, external_id in stores.items()}
        self._first_webhook_url, self._first_switches = webhook_url, switches
        # The product's database outlives this process, so ids must not start again at 1. They fit an int4 column.
        first = int(time.time()) - 1_700_000_000
        self._ids, self._payment_ids = count(first), count(first)
        self._forget()

    def next_id(self) -> int:
        """A new id for a customer or an order."""
        return next(self._ids)

    def next_payment_id(self) -> int:
        return next(self._payment_ids)

    def _forget(self) -> None:
        self.webhook_url = self._first_webhook_url
        self.switches = self._first_switches
        self.authorizations: dict[str, Authorization] = {}
        self.customers: dict[int, dict[str, Any]] = {}
        self.orders: dict[int, Order] = {}
        self.subscriptions: dict[int, Subscription] = {}
        self.payment_links: dict[int, PaymentLink] = {}
        self.card_tokens: dict[str, tuple[str, Card]] = {}  # with the external_key of the merchant whose they are
        self.upsell_hashes: dict[str, int] = {}  # not used yet, with the order whose card they charge
        self.faults: list[Fault] = []
        self.used_wallet_tokens: set[str] = set()  # the name of each (`wallets.name_of`)
        # Of each merchant's store: an external_id, or the client_id in its place.
        self.identities: dict[str, str] = dict(self._first_identities)
        self._seen: dict[str, str] = {}  # external_ids, with the hash of the installation in which they were told
        self._installed_as: dict[str, str] = {}  # the external_key of each merchant's newest installation
        self._tokens: dict[str, tuple[str, float]] = {}

    def reset(self) -> None:
        """As after a restart: nothing is known, tokens included, and no id is used again."""
        with self._lock:
            self._forget()

    def counts(self) -> dict[str, int]:
        """How many installations, orders and so on there are."""
        with self._lock:
            return {
                "installations": len(self.authorizations),
                "customers": len(self.customers),
                "orders": len(self.orders),
                "subscriptions": len(self.subscriptions),
                "faults": len(self.faults),
            }

    # --- switches ---

    def switch(self, **wish: Any) -> Switches:
        """Set these switches; they must be right (`switches.errors`). All of them, as they are then."""
        with self._lock:
            self.switches = self.switches.changed(wish)
            return self.switches

    @property
    def shape(self) -> str:
        """The shape in which payments are answered."""
        return self.switches.shape

    @shape.setter
    def shape(self, shape: str) -> None:
        self.switch(shape=shape)

    # --- who is who ---

    def merchant_credentials(self, merchant: str) -> tuple[str, str]:
        """Client id and secret of the merchant's account; the same after a restart."""
        return self._credentials.issue(merchant)

    def merchant_of(self, client_id: str, client_secret: str) -> str | None:
        """The merchant whose credentials these are; None if they are nobody's."""
        return self._credentials.owner(client_id, client_secret)

    def issue_token(self, owner: str, seconds: float) -> str:
        """Makes a bearer token for the app (APP) or for a merchant."""
        token, now = secrets.token_urlsafe(32), time.monotonic()
        with self._lock:
            self._tokens = {known: entry for known, entry in self._tokens.items() if now < entry[1]}
            self._tokens[token] = owner, now + seconds
        return token

    def owner_of(self, token: str) -> str | None:
        """Whose token this is; None if it is unknown or has expired."""
        with self._lock:
            owner, expires = self._tokens.get(token, (None, 0.0))
        return owner if time.monotonic() < expires else None

    def revoke_tokens(self) -> None:
        with self._lock:
            self._tokens.clear()

    # --- installations ---

    def authorize(self, external_key: str, callback_url: str, domain_names: Sequence[str] = ()) -> str:
        """Begins an installation and returns its hash. `domain_names` are the hosts where Apple Pay shall work."""
        token = secrets.token_hex(20)
        with self._lock:
            self.authorizations[token] = Authorization(
                token, external_key, callback_url, domain_names=tuple(domain_names)
            )
        return token

    def authorization(self, token: str) -> Authorization | None:
        with self._lock:
            return copy.deepcopy(self.authorizations.get(token))

    def log_in(self, token: str, account: str) -> Authorization | None:
        """The merchant who presses Salvar, on the page of this hash, decides whose credentials the app gets."""
        with self._lock:
            if authorization := self.authorizations.get(token):
                authorization.account = account
                self._installed_as[authorization.merchant] = authorization.external_key
            return copy.deepcopy(authorization)

    def identify(self, authorization: Authorization, external_id: str) -> None:
        """Notes the external_id with which the app has answered.

        One that another installation has told is dropped, as Appmax does. The client_id takes its place then, and the
        store's cards can't be tokenised any more.
        """
        merchant = authorization.merchant
        with self._lock:
            is_new = self._seen.setdefault(external_id, authorization.token) == authorization.token
            client_id, _ = self._credentials.issue(merchant)
            self.identities[merchant] = external_id if is_new else client_id

    def is_known_store(self, merchant: str) -> bool:
        """Whether tokenisation finds the merchant, which it doesn't if its external_id was dropped."""
        client_id, _ = self._credentials.issue(merchant)
        with self._lock:
            return self.identities.get(merchant) != client_id

    def store_of(self, external_id: str) -> str | None:
        with self._lock:
            return next((merchant for merchant, known in self.identities.items() if known == external_id), None)

    def latest_authorizations(self) -> list[Authorization]:
        with self._lock:
            return copy.deepcopy(list(self.authorizations.values())[::-1])

    def claim(self, token: str) -> Authorization | None:
        """Uses the hash up for `/app/client/generate`. Of two callers one gets the installation; the other gets
        None."""
        with self._lock:
            authorization = self.authorizations.get(token)
            if authorization is None or authorization.generated:
                return None
            authorization.generated = True
            return copy.deepcopy(authorization)

    def release(self, token: str) -> None:
        """Lets the hash be used once more, because the health check failed."""
        with self._lock:
            if authorization := self.authorizations.get(token):
                authorization.generated = False

    def mark_saved(self, token: str) -> None:
        """Notes that the merchant pressed "Salvar" and the app confirmed."""
        with self._lock:
            if authorization := self.authorizations.get(token):
                authorization.saved = True

    def record_health_check(self, token: str, status: int | None, text: str) -> HealthCheck:
        check = HealthCheck(status, text)
        with self._lock:
            if authorization := self.authorizations.get(token):
                authorization.health_checks.append(check)
        return check

    # --- customers and orders ---

    def upsert_customer(self, external_key: str, fields: Mapping[str, Any]) -> int:
        """Adds the customer, or updates the merchant's customer with this e-mail, and returns its id."""
        email = str(fields["email"]).lower()
        with self._lock:
            for customer_id, customer in self.customers.items():
                if (customer["external_key"], customer["email"].lower()) == (external_key, email):
                    customer.update(fields)
                    return customer_id
            customer_id = self.next_id()
            self.customers[customer_id] = {**fields, "id": customer_id, "external_key": external_key}
            return customer_id

    def known_customer(self, customer_id: int | None) -> dict[str, Any] | None:
        """The customer of this id, whichever merchant's; without an id the newest one."""
        with self._lock:
            newest = next(reversed(self.customers), 0)
            customer = self.customers.get(newest if customer_id is None else customer_id)
            return dict(customer) if customer else None

    def customer(self, external_key: str, customer_id: int) -> dict[str, Any] | None:
        """The customer of this id, if it is this merchant's."""
        with self._lock:
            customer = self.customers.get(customer_id)
            return dict(customer) if customer and customer["external_key"] == external_key else None

    def add_order(self, external_key: str, customer_id: int, amounts: Mapping[str, int], products: list[Any]) -> Order:
        """`amounts` are in cents: products_value, discount_value, shipping_value."""
        with self._lock:
            order = Order(
                id=self.next_id(),
                external_key=external_key,
                customer_id=customer_id,
                products_value=amounts["products_value"],
                discount_value=amounts["discount_value"],
                shipping_value=amounts["shipping_value"],
                products=products,
                installed_as=self._installed_as.get(external_key, ""),
            )
            self.orders[order.id] = order
            return copy.deepcopy(order)

    def order(self, order_id: int) -> Order | None:
        """The order of this id, whichever merchant's."""
        with self._lock:
            return copy.deepcopy(self.orders.get(order_id))

    def latest_orders(self) -> list[Order]:
        with self._lock:
            return copy.deepcopy(list(self.orders.values())[::-1])

    def change_order(self, order_id: int, change: Callable[[Order], bool]) -> Order | None:
        """Changes the order under the lock and returns it; None if there is no such order or `change` answers False."""
        with self._lock:
            order = self.orders.get(order_id)
            if order is None or not change(order):
                return None
            order.updated_at = now()
            return copy.deepcopy(order)

    # --- payments ---

    def begin_pix(self, order_id: int, **parts: Any) -> Order | None:
        """Gives the order a pending Pix. None, and nothing changes, if it has one already or is paid.

        `parts` are those of `Order.begin_pix`.
        """
        payment_id = self.next_payment_id()
        return self.change_order(order_id, lambda order: order.begin_pix(payment_id, **parts))

    def orders_whose_pix_is_over(self, moment: str) -> list[int]:
        """Orders with a pending Pix that should have been paid before this moment (ISO)."""
        with self._lock:
            return [order.id for order in self.orders.values() if order.pix_is_over(moment)]

    def take_card(self, order_id: int, payment: Payment) -> Order | None:
        """Adds this payment by card to the order. None, and nothing changes, if the order takes no card now."""
        order = self.change_order(order_id, lambda order: order.take_card(copy.copy(payment)))
        if order is not None and payment.upsell_hash:
            with self._lock:
                self.upsell_hashes[payment.upsell_hash] = order.id
        return order

    def add_card_token(self, external_key: str, card: Card) -> str:
        """Makes a token that stands for this card in one payment of this merchant."""
        token = secrets.token_hex(16)
        with self._lock:
            self.card_tokens[token] = external_key, card
        return token

    def use_card_token(self, external_key: str, token: str) -> Card | None:
        """The token's card, which is told once. None if the token is unknown, used or another merchant's."""
        with self._lock:
            owner, card = self.card_tokens.get(token, ("", None))
            if owner != external_key:
                return None
            del self.card_tokens[token]
            return card

    def use_wallet_token(self, name: str) -> bool:
        """Whether the wallet token of this name is used for the first time."""
        with self._lock:
            is_new = name not in self.used_wallet_tokens
            self.used_wallet_tokens.add(name)
            return is_new

    def sell_up(self, external_key: str, upsell_hash: str, cents: int, products: list[Any]) -> Order | None:
        """Makes an order that the hash's card pays. None if the hash is unknown, used or another merchant's."""
        with self._lock:
            first = self.orders.get(self.upsell_hashes.get(upsell_hash, 0))
            if first is None or first.external_key != external_key:
                return None
            del self.upsell_hashes[upsell_hash]
            card = next(payment for payment in first.payments if payment.upsell_hash == upsell_hash)
            payment = Payment(
                self.next_payment_id(),
                UPSELL,
                cents,
                APPROVED,
                card.card_last4,
                secrets.token_hex(12),
                card_first6=card.card_first6,
                card_brand=card.card_brand,
            )
            order = Order(self.next_id(), external_key, first.customer_id, cents, 0, 0, products)
            order.installed_as = first.installed_as
            order.take_card(payment)
            self.orders[order.id] = order
            return copy.deepcopy(order)

    # --- subscriptions and payment links ---

    def add_subscription(self, subscription: Subscription) -> Subscription:
        with self._lock:
            self.subscriptions[subscription.id] = subscription
            return copy.deepcopy(subscription)

    def subscription(self, subscription_id: int) -> Subscription | None:
        """The subscription of this id, whichever merchant's."""
        with self._lock:
            return copy.deepcopy(self.subscriptions.get(subscription_id))

    def latest_subscriptions(self) -> list[Subscription]:
        with self._lock:
            return copy.deepcopy(list(self.subscriptions.values())[::-1])

    def change_subscription(self, subscription_id: int, change: Callable[[Subscription], bool]) -> Subscription | None:
        """Changes the subscription as `change_order` does an order."""
        with self._lock:
            subscription = self.subscriptions.get(subscription_id)
            if subscription is None or not change(subscription):
                return None
            subscription.updated_at = now()
            return copy.deepcopy(subscription)

    def add_sold_order(self, order: Order, payment: Payment) -> Order:
        """Adds an order that Appmax makes by itself, paid by this card."""
        with self._lock:
            order.installed_as = order.installed_as or self._installed_as.get(order.external_key, "")
            order.take_card(payment)
            self.orders[order.id] = order
            return copy.deepcopy(order)

    def add_payment_link(self, link: PaymentLink) -> None:
        with self._lock:
            self.payment_links[link.id] = link

    def payment_link(self, link_id: int) -> PaymentLink | None:
        """The payment link of this id, whichever merchant's."""
        with self._lock:
            return self.payment_links.get(link_id)

    # --- faults ---

    def add_fault(self, fault: Fault) -> None:
        with self._lock:
            self.faults.append(copy.deepcopy(fault))

    def take_fault(self, method: str, path: str) -> Fault | None:
        """The first fault that is meant for this call. Unless its `times` is 0, it strikes once less from now on."""
        with self._lock:
            for fault in self.faults:
                beneath = fault.path.endswith("/") and path.startswith(fault.path)
                if fault.method in ("", method) and (beneath or path == fault.path):
                    if fault.times == 1:
                        self.faults.remove(fault)
                    fault.times = max(0, fault.times - 1)
                    return copy.deepcopy(fault)
        return None

    def waiting_faults(self) -> list[Fault]:
        with self._lock:
            return copy.deepcopy(self.faults)

    def remove_fault(self, fault_id: int) -> bool:
        """False if there is no such fault any more."""
        with self._lock:
            before = len(self.faults)
            self.faults = [fault for fault in self.faults if fault.id != fault_id]
            return len(self.faults) < before

    def clear_faults(self) -> None:
        with self._lock:
            self.faults.clear()
