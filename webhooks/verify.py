"""WEBHOOK_TRUST=payload: events that mean money are applied at once, and verified with Appmax within seconds.

A sweep over what came in, so that receiving an event costs nothing for it. What Appmax doesn't confirm is taken back
(orders.reconcile, inbox.take_back); an order that it can't be asked about stays flagged (orders.StatusCheck).
"""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial

from django.db import connection
from django.utils import timezone

from appmax.errors import AppmaxError
from installations.fields import DecryptionFailed
from orders import reconcile
from orders.models import Order, StatusCheck
from orders.reconcile import Round
from webhooks import payload
from webhooks.models import Progress

JOB = "verify"
SETTLED_AFTER = timedelta(seconds=1)  # an event's transaction is over, and Appmax's own reads know of it
COMMITTED_AFTER = timedelta(seconds=60)  # ids are handed out before the commit; none is committed later than that
MOST_IN_A_ROUND = 1000

# Applied money events after the position whose order Appmax hasn't been asked about since. The primary key leads to the
# new events, the unique key to their orders.
_UNVERIFIED = """
    SELECT event.id, orders.id, event.processed_at
      FROM webhook_events event
      JOIN orders ON orders.appmax_order_id = event.appmax_order_id
      LEFT JOIN order_status_checks checked ON checked.order_id = orders.id
     WHERE event.id > %(position)s
       AND event.processed AND event.error_message IS NULL
       AND lower(replace(event.event, '_', '')) = ANY(%(names)s)
       AND event.processed_at < %(settled_before)s
       AND (checked.order_id IS NULL OR checked.asked_at < event.processed_at + interval '1 second')
     ORDER BY event.id
     LIMIT %(most)s
"""
_LAST_COMMITTED = "SELECT max(id) FROM webhook_events WHERE id > %(position)s AND created_at < %(before)s"


def verify_new(round_: Round) -> Counter[str]:
    """Ask Appmax about the orders of new money events; what can't be asked in this round is left for the next."""
    position, now = Progress.of(JOB), timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_LAST_COMMITTED, {"position": position, "before": now - COMMITTED_AFTER})
        last_committed = cursor.fetchone()[0] or position
        cursor.execute(
            _UNVERIFIED,
            {
                "position": position,
                "names": payload.money_events(),
                "settled_before": now - SETTLED_AFTER,
                "most": MOST_IN_A_ROUND,
            },
        )
        unverified = cursor.fetchall()
    outcomes: Counter[str] = Counter()
    newest = {order_pk: (event_pk, processed_at) for event_pk, order_pk, processed_at in unverified}
    orders = Order.objects.with_merchant().select_related("status_check").in_bulk(newest)
    left: list[int] = []
    for event_pk, order_pk, _ in unverified:
        order = orders.pop(order_pk, None)
        processed_at = newest[order_pk][1]
        if order is None or _was_asked_about_since(order, processed_at):  # here, or by another worker meanwhile
            continue
        if not round_.may_ask(order.installation_id):
            left.append(event_pk)
            continue
        if reconcile.claim(order, since=processed_at):
            outcomes[_verified(round_, order)] += 1
    if len(unverified) == MOST_IN_A_ROUND:
        last_committed = min(last_committed, unverified[-1][0])
    Progress.advance(JOB, min([last_committed, *(event_pk - 1 for event_pk in left)]))
    return outcomes


def _was_asked_about_since(order: Order, moment: datetime) -> bool:
    check: StatusCheck | None = getattr(order, "status_check", None)
    return check is not None and check.asked_at >= moment + SETTLED_AFTER


def _verified(round_: Round, order: Order) -> str:
    try:
        return round_.ask(order.installation_id, partial(reconcile.reconcile, order))
    except (AppmaxError, DecryptionFailed):
        return reconcile.Outcome.FAILED  # flagged, and asked again by orders.tasks
