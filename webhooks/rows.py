"""The inbox's statements: one reads what is known of an event, and another writes the decision.

They are plain SQL because each webhook needs both. Through the ORM, as eight statements and a transaction, they took
six times as long (500 webhooks of each in turns).
"""

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from installations.models import Installation
from orders.models.question import PUT, put_values
from orders.questions import due
from orders.status import OrderStatus
from webhooks.decide import SET_ASIDE, UNPROCESSED, Decision, Seen
from webhooks.models import ClaimSource
from webhooks.payload import Event

# Each sub-select uses an index. `xmin` serves as the version of the order's row, because it changes with each update.
# What never changes is part of the text: each array or interval that is sent costs more than the look-up that uses it.
_SUSPECT_SINCE = f"clock_timestamp() - interval '{ClaimSource.SUSPECT_FOR.total_seconds():.0f} seconds'"
_SET_ASIDE = ", ".join(f"'{outcome.value}'" for outcome in SET_ASIDE)
_LOOK = f"""
    SELECT orders.id, orders.xmin::text, orders.status, orders.installation_id,
           (SELECT id FROM installations WHERE external_key = ANY(%(merchants)s)
             ORDER BY id = orders.installation_id LIMIT 1),
           handled.id,
           handled.created_at < (SELECT max(started_at) FROM payment_attempts
                                  WHERE order_id = orders.id AND restarted_from IS NOT NULL),
           question.refuted_at > {_SUSPECT_SINCE},
           EXISTS (SELECT FROM webhook_claim_sources
                    WHERE address = %(address)s::inet AND refuted >= {ClaimSource.MANY}
                      AND refuted_at > {_SUSPECT_SINCE}),
           EXISTS (SELECT FROM notification_endpoints
                    WHERE installation_id = orders.installation_id AND enabled)
      FROM (SELECT) AS one_row
      LEFT JOIN orders ON orders.appmax_order_id = %(order)s
      LEFT JOIN webhook_events handled
             ON handled.appmax_order_id = %(order)s AND handled.event = %(event)s
            AND handled.processed AND NOT handled.outcome IN ({_SET_ASIDE})
      LEFT JOIN order_questions question
             ON question.appmax_order_id = %(order)s AND question.installation_id = orders.installation_id
"""  # noqa: S608 - constants of our own # nosec B608

# A repetition of an event that means a payment reads these as well. Through the ORM it took five times as many calls.
_HANDLED_BEFORE = f"""
    SELECT event, payload FROM webhook_events
     WHERE appmax_order_id = %(order)s AND processed AND NOT outcome IN ({_SET_ASIDE})
"""  # noqa: S608 - constants of our own # nosec B608

# If the order's row has another version by now, nothing is written and nothing is returned.
_WRITE = """
    WITH held AS (
        {held}
    ){asked}
    INSERT INTO webhook_events
           (event, event_type, appmax_order_id, installation_id, payload, source, outcome, order_status, error_message,
            processed, processed_at)
    SELECT %(event)s, %(type)s, %(order)s, %(installation)s, %(payload)s, %(address)s::inet, %(outcome)s, %(found)s,
           %(reason)s, %(processed)s, CASE WHEN %(processed)s THEN clock_timestamp() END
      FROM held
 RETURNING id
"""
_NOTHING_HELD = "SELECT 1"
_ORDER_HELD = "SELECT id FROM orders WHERE id = %(order_pk)s AND xmin = %(version)s::text::xid FOR NO KEY UPDATE"
_ORDER_MOVED = """
        UPDATE orders SET status = %(status)s, updated_at = clock_timestamp()
         WHERE id = %(order_pk)s AND xmin = %(version)s::text::xid RETURNING id
"""


@dataclass(frozen=True)
class Found:
    """What `look` has found.

    `seen` is for the decision. `order_pk` and `version` are those of the order's row, if there is one.
    `installation_id` is the order's merchant, or without an order the merchant that the envelope names. `handled_pk` is
    the handled event of the same name. `is_patient` tells that a question about the order may wait for others, and
    `is_listened_to` that a storefront wants to be told what becomes of the merchant's orders.
    """

    seen: Seen
    order_pk: int | None = None
    version: str = ""
    installation_id: int | None = None
    handled_pk: int | None = None
    is_patient: bool = False
    is_listened_to: bool = False


def look(event: Event, address: str | None) -> Found:
    """Read what is known of the event's order. `address` is the sender's."""
    if event.order_id is None:
        named_by_envelope = Installation.objects.filter(external_key__in=event.merchants).values_list("pk", flat=True)
        return Found(Seen(), installation_id=named_by_envelope.first() if event.merchants else None)
    values: dict[str, Any] = {
        "order": event.order_id,
        "event": event.name,
        "merchants": list(event.merchants),
        "address": address,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, values)
        order_pk, version, status, owner, named, handled_pk, was_restarted, is_refuted, is_suspect, is_listened_to = (
            cursor.fetchone()
        )
    seen = Seen(
        status=None if order_pk is None else OrderStatus(status),
        names_another=order_pk is not None and named is not None and named != owner,
        was_handled=handled_pk is not None,
        since_restarted=bool(was_restarted),
        is_suspect=bool(is_refuted or is_suspect),
    )
    installation_pk = named if order_pk is None else owner
    return Found(
        seen,
        order_pk,
        version or "",
        installation_pk,
        handled_pk,
        is_patient=is_suspect or order_pk is None,
        is_listened_to=is_listened_to,
    )


def handled_before(event: Event) -> list[tuple[str, Any]]:
    """The names and payloads of the events of the same order that have been handled."""
    with connection.cursor() as cursor:
        cursor.execute(_HANDLED_BEFORE, {"order": event.order_id})
        return [(name, json.loads(text)) for name, text in cursor.fetchall()]


def insert(event: Event, address: str | None, found: Found, decision: Decision) -> int | None:
    """Write a new event, the order's status and the question for Appmax; returns the id of the event's row.

    If the order has changed since `look`, nothing is written and None is returned. Raises IntegrityError if another
    event of this name and order has been handled since.
    """
    held = _NOTHING_HELD if found.order_pk is None else _ORDER_HELD if decision.status is None else _ORDER_MOVED
    why = decision.why if found.installation_id is not None else None
    values: dict[str, Any] = {
        "event": event.name,
        "type": event.type,
        "order": event.order_id,
        "installation": found.installation_id,
        "payload": Jsonb(event.payload),
        "address": address,
        "outcome": decision.outcome.value,
        "found": found.seen.status and found.seen.status.value,
        "reason": decision.reason or None,
        "processed": decision.outcome not in UNPROCESSED,
        "order_pk": found.order_pk,
        "version": found.version,
        "status": decision.status and decision.status.value,
    }
    asked = ""
    if why is not None and event.order_id is not None:
        asked = f", asked AS ({PUT.format(source='FROM held')})"
        values |= put_values(
            event.order_id, found.installation_id, why, after=due.AFTER_A_CLAIM, is_patient=found.is_patient
        )
    with connection.cursor() as cursor:
        cursor.execute(_WRITE.format(held=held, asked=asked), values)
        row = cursor.fetchone()
    return None if row is None else int(row[0])
