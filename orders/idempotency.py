"""The Idempotency-Key header, as the IETF draft describes it: a request sent again isn't done again.

Kept in PostgreSQL, so Redis being away changes nothing. A key belongs to one installation.
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

from appmax.errors import Declined, OutcomeUnknown, Rejected
from installations.models import Installation
from orders import clock
from orders.models import IdempotentRequest, Order

log = structlog.stdlib.get_logger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}
# A request that has run for longer was killed: no wait for Appmax, with all its repeats, takes this long.
ABANDONED = timedelta(seconds=300)
_PAYMENT_WITHOUT_CARD = ("installments", "soft_descriptor", "upsell_hash")


class InvalidKey(Exception):
    """The header is no key."""


class KeyReused(Exception):
    """The key has been used for another request."""


class StillRunning(Exception):
    """The first request with this key hasn't been answered yet."""


@dataclass(frozen=True)
class Replay:
    """The first answer, to be given again."""

    status: int
    body: Any


@dataclass
class Claim:
    """The right to do a request now; without a key it is merely its fingerprint.

    `order`: what the request is about; at first what an earlier try of it, that was cut off, has made already.
    `is_retry`: there was such a try. `is_replay`: set where the answer comes from it.
    """

    key: str | None
    fingerprint: str
    order: Order | None = None
    is_retry: bool = False
    is_replay: bool = False
    _row: IdempotentRequest | None = None

    def bind(self, order: Order) -> None:
        """The request is about this order; in the transaction that creates it, if one does, so that a try that is cut
        off later goes on with this order instead of making another.

        Raises StillRunning if this try has taken so long that another has begun, which may be paying already.
        """
        if self._row is not None and not _unless_taken_over(self._row).update(order=order):
            raise StillRunning
        self.order = order

    def finish(self, status_code: int, body: Any) -> None:
        """This is the answer, now and for the next 24 hours."""
        self._write(status_code=status_code, body=body, claimed_at=None)

    def fail(self, error: Exception, status_code: int, body: Any) -> None:
        """Keep the error as the answer if doing the request again can't or mustn't end otherwise.

        An unknown outcome of a payment isn't kept: its attempt is, and tells by and by what became of it.
        """
        unknown = isinstance(error, OutcomeUnknown) and self.order is None
        if unknown or isinstance(error, Declined | Rejected):
            self.finish(status_code, body)
        else:
            self.release()

    def release(self) -> None:
        """Nothing was done that a second try must not do: the key may be used for it."""
        self._write(claimed_at=None)

    def _write(self, **columns: Any) -> None:
        """The answer is given in any case: if it can't be kept, the key stays claimed until it counts as abandoned."""
        if self._row is None:
            return
        try:
            _unless_taken_over(self._row).update(**columns)
        except DatabaseFailure as error:
            log.error("idempotency.not_kept", error=type(error).__name__)


def claim(installation: Installation, header: str | None, *, route: str, body: Mapping[str, Any]) -> Claim | Replay:
    """Claim the request for this caller, or find its first answer. `body` is validated.

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
        row.claimed_at = now
        row.save(update_fields=["claimed_at"])
    return Claim(key, fingerprint, order=row.order, is_retry=True, _row=row)


def _unless_taken_over(row: IdempotentRequest) -> QuerySet[IdempotentRequest]:
    """The row, for who claimed it; empty once a later try has claimed it."""
    return IdempotentRequest.objects.filter(pk=row.pk, claimed_at=row.claimed_at)


def forget_expired() -> int:
    """Delete the requests whose keys may be used again; says how many."""
    deleted, _ = IdempotentRequest.objects.filter(created_at__lt=clock.now() - IdempotentRequest.KEPT).delete()
    return deleted


def _key(header: str) -> str:
    """The draft writes the key as a quoted string; most clients send it bare. Raises InvalidKey."""
    key = header.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise InvalidKey
    return key


def _fingerprint(route: str, body: Mapping[str, Any]) -> str:
    """Tells one request from another. Card data are left out, and the rest can't be guessed from it: it is keyed."""
    shown = dict(body)
    if isinstance(payment := shown.get("payment"), Mapping):
        shown["payment"] = {name: payment.get(name) for name in _PAYMENT_WITHOUT_CARD}
    text = json.dumps([route, shown], sort_keys=True, cls=DjangoJSONEncoder)
    return salted_hmac("orders.idempotency", text, algorithm="sha256").hexdigest()
