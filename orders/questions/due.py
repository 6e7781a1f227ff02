"""How long questions wait, and which orders get one without a webhook or a payment that puts it."""

from datetime import timedelta
from typing import Any

from django.db import connection

from orders.models import OPEN, AttemptState, Question
from orders.questions.why import Why
from orders.status import UNDECIDED, OrderStatus, PaymentMethod

AFTER_A_CLAIM = timedelta(seconds=2)
"""A question waits so long after a webhook, because Appmax's reads may lag behind its webhooks."""
AFTER_A_CORRECTION = timedelta(seconds=60)

AGAIN = timedelta(seconds=15)
"""The wait before a question is asked for the second time. It doubles each time, up to AGAIN_AT_MOST."""
AGAIN_AT_MOST = timedelta(hours=6)
PAYMENT_AGAIN_AT_MOST = timedelta(minutes=5)
"""The longest wait on the first day for a payment whose result isn't known, as somebody may be waiting to pay."""
NOT_FOUND_AGAIN = timedelta(minutes=10)
"""The shortest wait after Appmax has said that it has no such order."""
NOT_FOUND_GIVEN_UP_AFTER = timedelta(hours=12)
"""A missing order is asked about for WEBHOOK_WAIT_HOURS and so much longer, so that a webhook that waits for it ends
first."""

CRASHED_AFTER = timedelta(seconds=60)
"""An attempt that has been `started` for so long is asked about, as its process may have died. Most calls take a second
or two."""

PENDING_AT_AGE = [timedelta(hours=hours) for hours in (1, 6, 24, 72, 168)]
"""An order that stays pendente or autorizado is asked about at these ages, counted from its creation or its last
attempt, and then left to Appmax's webhooks."""
PENDING_GIVEN_UP_AT = timedelta(hours=192)
CHARGEBACK_EVERY = timedelta(days=1)

MOST_IN_A_SWEEP = 1000


def again_after(question: Question) -> timedelta:
    """How long a question waits that was asked and is still open."""
    wait = AGAIN * (1 << min(max(question.times - 1, 0), 20))
    is_fresh = question.asked_at is not None and question.asked_at - question.since < timedelta(days=1)
    is_urgent = question.why == Why.PAYMENT_UNKNOWN and is_fresh
    return min(wait, PAYMENT_AGAIN_AT_MOST if is_urgent else AGAIN_AT_MOST)


def put_overdue(*, crashed_after: timedelta = CRASHED_AFTER) -> int:
    """Put questions about attempts that stay open, orders that stay pending, and chargebacks, whose end no webhook
    tells. Returns their number."""
    with connection.cursor() as cursor:
        count = 0
        sweeps: list[tuple[str, dict[str, Any]]] = [
            (_OPEN_ATTEMPTS, {"crashed": crashed_after, "started": AttemptState.STARTED, "open": list(OPEN)}),
            (_PENDING, {"ages": PENDING_AT_AGE, "given_up": PENDING_GIVEN_UP_AT, "statuses": list(UNDECIDED)}),
            (_CHARGEBACKS, {"every": CHARGEBACK_EVERY, "statuses": list(UNDECIDED_CHARGEBACKS)}),
        ]
        for statement, values in sweeps:
            cursor.execute(statement + _PUT_MANY, {**values, "methods": PaymentMethod.values, "most": MOST_IN_A_SWEEP})
            count += cursor.rowcount
        return count


UNDECIDED_CHARGEBACKS = (OrderStatus.CHARGEBACK_EM_TRATATIVA, OrderStatus.CHARGEBACK_EM_DISPUTA)

# Each statement below finds orders and the reason to ask about them. A question that is open already stays as it is.
_PUT_MANY = """
    INSERT INTO order_questions AS q (appmax_order_id, installation_id, why, since, due_at, is_patient)
    SELECT appmax_order_id, installation_id, why, clock_timestamp(), clock_timestamp(), is_patient FROM wanted
     LIMIT %(most)s
        ON CONFLICT (appmax_order_id, installation_id) DO UPDATE
       SET claims = q.claims + 1, why = excluded.why, since = excluded.since, times = 0,
           is_patient = excluded.is_patient, due_at = excluded.due_at
     WHERE q.due_at IS NULL
"""
_OPEN_ATTEMPTS = """
    WITH wanted AS (
        SELECT orders.appmax_order_id, orders.installation_id, 'payment_unknown' AS why, false AS is_patient
          FROM payment_attempts attempt JOIN orders ON orders.id = attempt.order_id
          LEFT JOIN order_questions asked USING (appmax_order_id, installation_id)
         WHERE attempt.state = ANY(%(open)s) AND attempt.method = ANY(%(methods)s) AND asked.due_at IS NULL
           AND (attempt.state <> %(started)s OR attempt.started_at < clock_timestamp() - %(crashed)s)
    )
"""
_PENDING = """
    WITH candidates AS (
        SELECT id FROM orders WHERE status = ANY(%(statuses)s) AND created_at > clock_timestamp() - %(given_up)s
         UNION
        SELECT order_id FROM payment_attempts WHERE started_at > clock_timestamp() - %(given_up)s
    ), tried AS (
        SELECT orders.appmax_order_id, orders.installation_id,
               coalesce((SELECT max(started_at) FROM payment_attempts WHERE order_id = orders.id),
                        orders.created_at) AS at
          FROM candidates JOIN orders USING (id)
         WHERE status = ANY(%(statuses)s)
    ), wanted AS (
        SELECT appmax_order_id, installation_id, 'pending' AS why, true AS is_patient
          FROM tried LEFT JOIN order_questions asked USING (appmax_order_id, installation_id)
         WHERE asked.due_at IS NULL
           AND EXISTS (SELECT FROM unnest(%(ages)s::interval[]) AS age
                        WHERE tried.at + age <= clock_timestamp()
                          AND (asked.asked_at IS NULL OR asked.asked_at < tried.at + age))
    )
"""
_CHARGEBACKS = """
    WITH wanted AS (
        SELECT orders.appmax_order_id, orders.installation_id, 'chargeback' AS why, true AS is_patient
          FROM orders LEFT JOIN order_questions asked USING (appmax_order_id, installation_id)
         WHERE orders.status = ANY(%(statuses)s) AND asked.due_at IS NULL
           AND coalesce(asked.asked_at, orders.updated_at) < clock_timestamp() - %(every)s
    )
"""
