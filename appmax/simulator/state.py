"""All that the simulated Appmax knows, in memory, behind one lock."""

import base64
import hmac
import secrets
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

APP = ""  # whom an app token belongs to; a merchant's token belongs to its external_key


@dataclass
class Authorization:
    """An installation under way: what `/app/authorize` was asked for, under its hash."""

    token: str
    external_key: str
    callback_url: str
    saved: bool = False
    generated: bool = False


@dataclass
class Order:
    """Amounts in cents. `status` is Appmax's."""

    id: int
    external_key: str
    customer_id: int
    total: int
    products: list[dict[str, Any]]
    status: str = "pendente"
    total_paid: int = 0
    pix_emv: str = ""
    pix_qr_code: str = ""

    @property
    def has_pending_pix(self) -> bool:
        """Whether it can be paid by Pix now."""
        return bool(self.pix_emv) and self.status == "pendente"


@dataclass
class Try:
    """One POST of a webhook: seconds since the first, and what came back."""

    after: float
    answer: str


@dataclass
class Delivery:
    """A webhook on its way. `state`: sending, delivered or dropped."""

    id: int
    url: str
    body: dict[str, Any]
    state: str = "sending"
    tries: list[Try] = field(default_factory=list)


@dataclass
class Fault:
    """A failure switched on for the next `times` calls of a route.

    `hang`: seconds to wait first. `work`: whether the call's work is done all the same. `status` and `body`: what is
    answered instead, if a status is given; `reset`: cut the connection instead of answering.
    """

    path: str
    times: int = 1
    hang: float = 0.0
    work: bool = False
    status: int = 0
    body: Any = None
    reset: bool = False


class State:
    """Every method is safe from several threads."""

    def __init__(self, seed: str, webhook_url: str) -> None:
        self._seed = seed.encode()
        self.webhook_url = webhook_url
        self.lock = threading.RLock()
        self.authorizations: dict[str, Authorization] = {}
        self.customers: dict[int, dict[str, Any]] = {}
        self.orders: dict[int, Order] = {}
        self.deliveries: list[Delivery] = []
        self.faults: list[Fault] = []
        self._tokens: dict[str, tuple[str, float]] = {}
        # The product's database outlives this process, so ids must not start again at 1; they fit an integer column.
        self._ids = count(int(time.time()) - 1_700_000_000)

    def next_id(self) -> int:
        """Unique among all objects, and since the last start."""
        with self.lock:
            return next(self._ids)

    # --- who is who ---

    def merchant_credentials(self, external_key: str) -> tuple[str, str]:
        """Client id and secret of the merchant's installation; the same after a restart."""
        name = base64.urlsafe_b64encode(external_key.encode()).decode().rstrip("=")
        return f"{name}.{self._mac('id', external_key)[:12]}", self._mac("secret", external_key)

    def merchant_of(self, client_id: str, client_secret: str) -> str | None:
        """The external_key whose credentials these are; None if they are nobody's."""
        name = client_id.partition(".")[0]
        try:
            external_key = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        except ValueError:
            return None
        given = f"{client_id}\n{client_secret}".encode()
        return (
            external_key
            if hmac.compare_digest("\n".join(self.merchant_credentials(external_key)).encode(), given)
            else None
        )

    def _mac(self, purpose: str, external_key: str) -> str:
        return hmac.new(self._seed, f"{purpose}:{external_key}".encode(), "sha256").hexdigest()

    def issue_token(self, owner: str, seconds: int) -> str:
        """A bearer token of the app (APP) or of a merchant (its external_key)."""
        token = secrets.token_urlsafe(32)
        with self.lock:
            self._tokens[token] = owner, time.monotonic() + seconds
        return token

    def owner_of(self, token: str) -> str | None:
        """Whose token this is; None if it is unknown or has expired."""
        owner, expires = self._tokens.get(token, (None, 0.0))
        return owner if time.monotonic() < expires else None

    def revoke_tokens(self) -> None:
        """As if all had expired."""
        with self.lock:
            self._tokens.clear()

    # --- what happens ---

    def upsert_customer(self, external_key: str, body: dict[str, Any]) -> int:
        """An e-mail that the merchant's customers have already is updated."""
        with self.lock:
            for customer_id, customer in self.customers.items():
                if (customer["external_key"], customer["email"]) == (external_key, body["email"]):
                    customer.update(body)
                    return customer_id
            customer_id = self.next_id()
            self.customers[customer_id] = {**body, "external_key": external_key}
            return customer_id

    def take_fault(self, path: str) -> Fault | None:
        """The fault that this call must suffer, used up by one."""
        with self.lock:
            for fault in self.faults:
                if path.startswith(fault.path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None
