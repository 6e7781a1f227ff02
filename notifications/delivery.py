"""Delivers the outbox: claims what is due, sends it, and writes what came of it.

Several workers may deliver. A message is claimed by one statement with a lease, so that each is sent by one worker at a
time, and again when the lease of a worker that died has run out. An order's messages go to an endpoint one after the
other: the next one is due when the one before was delivered or given up. No database connection is held while an
endpoint is awaited.
"""

import json
import time
from collections import Counter as Tally
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import structlog
from django.db import connection, transaction
from prometheus_client import Counter, Histogram
from standardwebhooks import Webhook

from installations.fields import DecryptionFailed
from notifications.models import TEST, DisabledWhy, Endpoint, Notification, State
from web import outgoing

log = structlog.stdlib.get_logger(__name__)

_deliveries = Counter("checkout_notifications", "Tries to notify a storefront, by what came of them", ["result"])
_seconds = Histogram(
    "checkout_notification_seconds",
    "How long a storefront took to answer a notification",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30),
)
_switched_off = Counter("checkout_notification_endpoints_switched_off", "Endpoints that were switched off", ["why"])

ROUND_SECONDS = 8.0  # Nothing is claimed after this time.
LOOK_EVERY_SECONDS = 0.5  # While some are slow, a round looks so often for what has become due.
AT_ONCE = 16  # messages that a round sends at once
AT_ONCE_TO_ONE = 4  # of them to the same endpoint, so that one that hangs doesn't keep the others waiting

_HOUR = timedelta(hours=1)
AGAIN_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 10 * _HOUR),
    *(24 * _HOUR, 24 * _HOUR, 24 * _HOUR),
)
"""How long a message waits after each failed try. After the last one it is given up."""
FAILED_FOR_TOO_LONG = timedelta(days=5)
LEASE = timedelta(seconds=60)
"""A try takes 15 s at most, besides the look-up of a name."""

FAILURES_TO_HOLD = 3
HOLD = timedelta(seconds=5)
HOLD_AT_MOST = timedelta(minutes=5)
"""An endpoint that fails so often in a row is left alone for HOLD, which doubles with each further failure. Otherwise
each message of a shop whose server is down would be tried and would wait for 15 s."""

# The free places of each endpoint are filled with what is due, oldest first. A message waits while an earlier one of
# its order and endpoint does. Test messages are also sent to an endpoint that is switched off or held.
_CLAIM = """
    WITH busy AS (
        SELECT endpoint_id, count(*) AS count FROM notifications
         WHERE state = 'waiting' AND leased_until > clock_timestamp() GROUP BY endpoint_id
    ), due AS (
        SELECT next.id FROM notification_endpoints endpoint
          LEFT JOIN busy ON busy.endpoint_id = endpoint.id
         CROSS JOIN LATERAL (
               SELECT id, due_at FROM notifications waiting
                WHERE waiting.endpoint_id = endpoint.id AND waiting.state = 'waiting'
                  AND waiting.due_at <= clock_timestamp()
                  AND (waiting.leased_until IS NULL OR waiting.leased_until <= clock_timestamp())
                  AND (waiting.type = %(test)s OR endpoint.enabled AND (endpoint.held_until IS NULL
                                                                OR endpoint.held_until <= clock_timestamp()))
                  AND (waiting.is_again OR NOT EXISTS (
                       SELECT FROM notifications earlier
                        WHERE earlier.endpoint_id = waiting.endpoint_id AND earlier.state = 'waiting'
                          AND earlier.appmax_order_id = waiting.appmax_order_id AND earlier.id < waiting.id
                          AND NOT earlier.is_again))
                ORDER BY due_at, id
                LIMIT greatest(CASE WHEN endpoint.failures >= %(failures)s THEN 1 ELSE %(to_one)s END
                               - coalesce(busy.count, 0), 0)
                  FOR UPDATE SKIP LOCKED
               ) next
         WHERE endpoint.disabled_why <> 'deleted'
         ORDER BY next.due_at
         LIMIT %(places)s
    )
    UPDATE notifications
       SET tries = tries + 1, tried_at = clock_timestamp(), leased_until = clock_timestamp() + %(lease)s
      FROM due WHERE notifications.id = due.id
 RETURNING notifications.id
"""


@dataclass(frozen=True)
class Message:
    """What a worker has claimed, with all that sending it needs. `secrets` are those that it is signed with."""

    pk: int
    endpoint_pk: int
    tries: int
    message_id: str
    url: str
    body: bytes
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What came of a try: an answer, or else why there was none."""

    answer: outgoing.Answer | None
    error: str
    took_ms: int

    @property
    def is_delivered(self) -> bool:
        return self.answer is not None and self.answer.is_success


def deliver_due(*, seconds: float = ROUND_SECONDS) -> Tally[str]:
    """Send what is due until nothing is left; nothing is begun after `seconds`. Returns how many tries had which
    result."""
    results: Tally[str] = Tally()
    until = time.monotonic() + seconds
    running: dict[Future[Result], Message] = {}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        while True:
            if time.monotonic() < until and len(running) < AT_ONCE:
                for message in _claim(AT_ONCE - len(running)):
                    running[threads.submit(_send, message)] = message
            if not running:
                return results
            _release_connection()
            done, _ = wait(running, timeout=LOOK_EVERY_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                results[_write(running.pop(future), future.result())] += 1


def _claim(places: int) -> list[Message]:
    values: dict[str, Any] = {
        "test": TEST,
        "places": places,
        "to_one": AT_ONCE_TO_ONE,
        "failures": FAILURES_TO_HOLD,
        "lease": LEASE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        ids = [row[0] for row in cursor.fetchall()]
    rows = Notification.objects.filter(pk__in=ids).select_related("endpoint").order_by("pk")
    return [_message(row) for row in rows.defer("endpoint__secret", "endpoint__old_secret")]


def _message(row: Notification) -> Message:
    endpoint = row.endpoint
    body = {"type": row.type, "timestamp": row.created_at.astimezone(UTC).isoformat(), "data": row.data}
    return Message(
        pk=row.pk,
        endpoint_pk=endpoint.pk,
        tries=row.tries,
        message_id=row.message_id,
        url=endpoint.url,
        body=json.dumps(body, ensure_ascii=False).encode(),
        secrets=_secrets(endpoint),
    )


def _secrets(endpoint: Endpoint) -> tuple[str, ...]:
    """What the endpoint's messages are signed with; nothing if its secret can't be decrypted. The one before may be
    just such a secret, which was therefore replaced."""
    try:
        secrets = [endpoint.secret]
    except DecryptionFailed:
        return ()
    if endpoint.old_secret_until is not None and endpoint.old_secret_until > datetime.now(UTC):
        with suppress(DecryptionFailed):
            secrets.append(endpoint.old_secret)
    return tuple(secrets)


def headers(message_id: str, at: datetime, body: bytes, secrets: tuple[str, ...]) -> dict[str, str]:
    """The headers of the Standard Webhooks specification. There is a signature for each secret."""
    signatures = [Webhook(secret).sign(message_id, at, body.decode()) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
        "Content-Type": "application/json",
    }


def _send(message: Message) -> Result:
    """Send one message. This runs in a thread of its own, which must not touch the database."""
    started = time.perf_counter()
    answer, error = None, ""
    if not message.secrets:
        error = DecryptionFailed.__name__
    else:
        try:
            sent = headers(message.message_id, datetime.now(UTC), message.body, message.secrets)
            answer = outgoing.post(message.url, message.body, sent)
        except outgoing.NoAnswer as failure:
            error = failure.kind
        except outgoing.NotAllowed as refusal:
            error = str(refusal)
    took = time.perf_counter() - started
    _seconds.observe(took)
    return Result(answer, error, round(took * 1000))


def _release_connection() -> None:
    """Give the thread's connection back before it waits for endpoints."""
    if not connection.in_atomic_block:
        connection.close()


# --- what came of it -------------------------------------------------------------------------------------------------


def _write(message: Message, result: Result) -> str:
    """Write what came of a try, unless the lease has run out and another worker has it; returns it in a word."""
    status = None if result.answer is None else result.answer.status
    with transaction.atomic():
        endpoint = (
            Endpoint.objects.select_for_update(no_key=True).defer("secret", "old_secret").get(pk=message.endpoint_pk)
        )
        now = _now()
        columns: dict[str, Any] = {
            "leased_until": None,
            "took_ms": result.took_ms,
            "answer_status": status,
            "answer_text": result.answer.text if result.answer else "",
            "error": result.error,
        }
        if result.is_delivered:
            columns["state"] = State.DELIVERED
        elif message.tries > len(AGAIN_AFTER):
            columns["state"] = State.GIVEN_UP
        else:
            columns["due_at"] = now + _again_after(message.tries, result.answer)
        mine = Notification.objects.filter(pk=message.pk, tries=message.tries)
        if not mine.update(**columns):
            return "lost"
        _note(endpoint, result, status, now)
    word = "delivered" if result.is_delivered else "given_up" if "state" in columns else "failed"
    _deliveries.labels(word).inc()
    log.info(
        "notification.sent",
        id=message.pk,
        message=message.message_id,
        endpoint=message.endpoint_pk,
        result=word,
        status=status,
        error=result.error,
        ms=result.took_ms,
    )
    return word


def _again_after(tries: int, answer: outgoing.Answer | None) -> timedelta:
    """How long the message waits after its `tries`-th try: as the table says, or longer if the endpoint asks for it."""
    asked_for = timedelta(seconds=(answer.retry_after if answer else None) or 0)
    return max(AGAIN_AFTER[tries - 1], asked_for)


def _note(endpoint: Endpoint, result: Result, status: int | None, now: datetime) -> None:
    """Note at the endpoint, which is locked, whether it works. It is switched off at once by a 410, and if every try
    has failed for five days."""
    if result.is_delivered:
        if endpoint.failing_since is not None:
            endpoint.failures, endpoint.failing_since, endpoint.held_until = 0, None, None
            endpoint.save(update_fields=["failures", "failing_since", "held_until"])
        return
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    hold = timedelta()
    if endpoint.failures >= FAILURES_TO_HOLD:
        hold = min(HOLD * (1 << min(endpoint.failures - FAILURES_TO_HOLD, 10)), HOLD_AT_MOST)
    if result.answer and result.answer.retry_after:
        hold = max(hold, timedelta(seconds=result.answer.retry_after))
    endpoint.held_until = now + hold
    is_gone = status == HTTPStatus.GONE
    if endpoint.enabled and (is_gone or now - endpoint.failing_since >= FAILED_FOR_TOO_LONG):
        endpoint.enabled = False
        endpoint.disabled_why = DisabledWhy.GONE if is_gone else DisabledWhy.FAILING
        log.error("notification.endpoint_switched_off", endpoint=endpoint.pk, why=endpoint.disabled_why)
        transaction.on_commit(_switched_off.labels(endpoint.disabled_why).inc, robust=True)
    endpoint.save(update_fields=["failures", "failing_since", "held_until", "enabled", "disabled_why"])


def _now() -> datetime:
    """The database's time, by which all machines' workers count."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
