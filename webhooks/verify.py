"""WEBHOOK_TRUST=payload: events that mean money are applied at once, and verified with Appmax within seconds.

A sweep over what came in, so that receiving an event costs nothing for it. What Appmax doesn't confirm is taken back
(orders.reconcile, inbox.take_back). An order that it can't be asked about, or not in this round, is flagged
(orders.StatusCheck), and asked about by orders.tasks until Appmax has confirmed its status.
"""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial

from django.db import connection

from appmax.errors import AppmaxError
from installations.fields import DecryptionFailed
from orders import reconcile
from orders.models import Order, StatusCheck
from orders.reconcile import Round
from webhooks import payload
from webhooks.models import Progress

JOB = "verify"
# Seconds from the begin of an event's transaction until its end is seen by everybody: it may wait for a lock. Until
# then Appmax isn't asked, and a question from before then doesn't count. All by the database's clock.
COMMITTED_AFTER = 5
PASSED_AFTER = 60  # seconds; ids aren't committed in their order, but none later than that

# The orders of applied money events after the position about which Appmax hasn't been asked since. The primary key
# leads to the new events, the unique key to their orders.
_UNVERIFIED = """
    SELECT orders.id, orders.installation_id, max(event.created_at)
      FROM webhook_events event
      JOIN orders ON orders.appmax_order_id = event.appmax_order_id
      LEFT JOIN order_status_checks checked ON checked.order_id = orders.id
     WHERE event.id > %(position)s
       AND event.processed AND event.error_message IS NULL
       AND lower(replace(event.event, '_', '') COLLATE "C") = ANY(%(names)s)
       AND event.created_at < now() - make_interval(secs => %(seconds)s)
       AND (checked.order_id IS NULL OR checked.asked_at < event.created_at + make_interval(secs => %(seconds)s))
     GROUP BY orders.id, orders.installation_id
     ORDER BY min(event.id)
"""
_LAST_PASSED = """
    SELECT max(id) FROM webhook_events
     WHERE id > %(position)s AND created_at < now() - make_interval(secs => %(seconds)s)
"""


def verify_new(round_: Round) -> Counter[str]:
    """Ask Appmax about the orders of new money events, or have it asked soon; says what came of it."""
    position = Progress.of(JOB)
    last_passed = _last_passed(position)
    with connection.cursor() as cursor:
        cursor.execute(_UNVERIFIED, {"position": position, "names": payload.money_events(), "seconds": COMMITTED_AFTER})
        unverified = cursor.fetchall()
    outcomes: Counter[str] = Counter()
    left = []
    for order_pk, installation_pk, received_at in unverified:
        if round_.may_ask(installation_pk):
            outcomes.update(_verified(round_, order_pk, received_at))
        else:
            left.append(order_pk)
    if left:
        reconcile.request_checks(left, "a webhook is not confirmed yet")
        outcomes["left"] = len(left)
    Progress.advance(JOB, last_passed)
    return outcomes


def pass_new() -> None:
    """Nothing is applied unconfirmed: there is nothing to verify in what came in."""
    Progress.advance(JOB, _last_passed(Progress.of(JOB)))


def _last_passed(position: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_PASSED, {"position": position, "seconds": PASSED_AFTER})
        return int(cursor.fetchone()[0] or position)


def _verified(round_: Round, order_pk: int, received_at: datetime) -> list[str]:
    """What came of the question; nothing if another worker has asked it meanwhile."""
    order = Order.objects.with_merchant().select_related("status_check").get(pk=order_pk)
    check: StatusCheck | None = getattr(order, "status_check", None)
    if check is not None and check.asked_at >= received_at + timedelta(seconds=COMMITTED_AFTER):
        return []
    if not reconcile.claim(order, since=received_at):
        return []
    try:
        return [round_.ask(order.installation_id, partial(reconcile.reconcile, order))]
    except (AppmaxError, DecryptionFailed):
        return [reconcile.Outcome.FAILED]  # flagged
