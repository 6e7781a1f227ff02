"""The Idempotency-Key header of the IETF draft: a request that is sent again is not done again.

1. `claim` inserts a row for the key, or finds the row of an earlier try. An answered try is replayed, one that still
   runs is refused, and one that was cut off is taken over.
2. The holder of the `Claim` does the work. `bind` notes the order as soon as it is made, so that a later try goes on
   with it.
3. `finish` keeps the answer for 24 hours. `fail` keeps it only if a second try would end in the same way; otherwise the
   key is released.

The rows are in PostgreSQL, so Redis isn't needed. A key belongs to one installation.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error as DatabaseFailure
from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from appmax.client import AppmaxClient
from appmax.errors import Declined, OutcomeUnknown, Rejected
from installations.models import Installation
from orders import clock
from orders.models import IdempotentRequest, Order, PaymentAttempt

log = structlog.stdlib.get_logger(__name__)

HEADER = "Idempotency-Key"
IN_META = "HTTP_IDEMPOTENCY_KEY"  # `request.headers` would make an object of all headers
REPLAYED = {"Idempotent-Replayed": "true"}
# A request that runs for longer than this was killed, as all its calls to Appmax with their repeats take less time.
ABANDONED = timedelta(seconds=300)
_PAYMENT_WITHOUT_CARD = ("installments", "soft_descriptor", "upsell_hash")


class InvalidKey(Exception):
    """The header's value can't be a key."""


class KeyReused(Exception):
    """The key was used for another request before."""


class StillRunning(Exception):
    """The first request with this key hasn't been answered yet."""


@dataclass(frozen=True)
class Replay:
    """The answer to the first request, which is given again."""

    status: int
    body: Any


@dataclass
class Claim:
    """The right to do a request. No other try with the same key is at work meanwhile.

    `key` is None if the request has no Idempotency-Key. `is_retry` tells that an earlier try wasn't answered for good,
    and `order` is then the one that it made, if any. `was_cut_off` tells that the earlier try got no answer at all, as
    its process died or took too long. `is_replay` is set if the answer is the earlier try's. `attempt` is the payment
    attempt that was recorded together with a new order, and `client` the one that made the order at Appmax and has a
    token.
    """

    key: str | None
    fingerprint: str
    order: Order | None = None
    is_retry: bool = False
    was_cut_off: bool = False
    is_replay: bool = False
    attempt: PaymentAttempt | None = None
    client: AppmaxClient | None = None
    _row: IdempotentRequest | None = None

    def bind(self, order: Order) -> None:
        """Note that the request is about this order. If it creates the order, this must be in the same transaction, so
        that a later try goes on with this order instead of making another.

        Raises StillRunning if another try has taken over because this one took too long. That one may be paying
        already.
        """
        if self._row is not None and not _unless_taken_over(self._row).update(order=order):
            raise StillRunning
        self.order = order

    def finish(self, status_code: int, body: Any) -> None:
        """Keep this answer for the next 24 hours."""
        self._write(status_code=status_code, body=body, claimed_at=None)

    def fail(self, error: Exception, status_code: int, body: Any) -> None:
        """Keep the error as the answer if a second try would have to end in the same way, else release the key.

        OutcomeUnknown isn't kept for a payment, because its attempt tells later what became of it.
        """
        unknown = isinstance(error, OutcomeUnknown) and self.order is None
        if unknown or isinstance(error, Declined | Rejected):
            self.finish(status_code, body)
        else:
            self.release()

    def release(self) -> None:
        """Let a second try use the key at once."""
        self._write(claimed_at=None)

    def _write(self, **columns: Any) -> None:
        """Write to the row. If that fails, the caller still gets the answer, and the key stays claimed until it counts
        as abandoned."""
        if self._row is None:
            return
        try:
            _unless_taken_over(self._row).update(**columns)
        except DatabaseFailure as error:
            log.error("idempotency.not_kept", error=type(error).__name__)


def claim(installation: Installation, header: str | None, *, route: str, body: Mapping[str, Any]) -> Claim | Replay:
    """Claim the request for this caller, or find its first answer. `body` is the validated one.

    Raises InvalidKey, KeyReused, StillRunning.
    """
    fingerprint = _fingerprint(route, body)
    if header is None:
        return Claim(None, fingerprint)
    key = _key(header)
    now = clock.now()
    new = {"fingerprint": fingerprint, "claimed_at": now, "order": None, "status_code": None, "body": None}
    with transaction.atomic():
        rows = IdempotentRequest.objects.select_for_update(of=("self",))
        row, created = rows.get_or_create(installation=installation, key=key, defaults=new)
        if not created and row.has_expired:
            for name, value in (new | {"created_at": now}).items():
                setattr(row, name, value)
            row.save()
            created = True
        if created:
            return Claim(key, fingerprint, _row=row)
        if row.fingerprint != fingerprint:
            raise KeyReused
        if row.status_code is not None:
            return Replay(row.status_code, row.body)
        if row.claimed_at is not None and row.claimed_at > now - ABANDONED:
            raise StillRunning
        was_cut_off = row.claimed_at is not None
        row.claimed_at = now
        row.save(update_fields=["claimed_at"])
    if row.order is not None:
        row.order.installation = installation  # Reading it again would fail if its secret can't be decrypted.
    return Claim(key, fingerprint, order=row.order, is_retry=True, was_cut_off=was_cut_off, _row=row)


def _unless_taken_over(row: IdempotentRequest) -> QuerySet[IdempotentRequest]:
    """The row as a query, which is empty once a later try has claimed it."""
    return IdempotentRequest.objects.filter(pk=row.pk, claimed_at=row.claimed_at)


def forget_expired() -> int:
    """Delete the rows whose keys have expired; returns their number."""
    deleted, _ = IdempotentRequest.objects.filter(created_at__lt=clock.now() - IdempotentRequest.KEPT).delete()
    return deleted


def _key(header: str) -> str:
    """The key without quotes. The draft demands them, but most clients send none. Raises InvalidKey."""
    key = header.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise InvalidKey
    return key


def _fingerprint(route: str, body: Mapping[str, Any]) -> str:
    """A hash that tells one request from another. It leaves card data out, and it is keyed, so that the body can't be
    guessed from it."""
    shown = dict(body)
    if isinstance(payment := shown.get("payment"), Mapping):
        shown["payment"] = {name: payment.get(name) for name in _PAYMENT_WITHOUT_CARD}
    text = json.dumps([route, shown], sort_keys=True, cls=DjangoJSONEncoder)
    return salted_hmac("orders.idempotency", text, algorithm="sha256").hexdigest()
