"""A sweep used to ask Appmax about new events that mean money. What it hadn't come to is a question now."""

from django.db import migrations

MONEY = [
    "orderauthorized", "orderauthorizedwithdelay", "paymentauthorizedwithdelay", "orderapproved", "orderpaid",
    "orderpaidbypix", "orderupsold", "createdsubscription", "splitorders", "orderpendingintegration",
    "orderintegrated", "orderrefund", "orderchargebackintreatment", "orderchargebackgain",
]  # fmt: skip

_ASK = """
    INSERT INTO order_questions AS asked (appmax_order_id, installation_id, why, since, due_at)
    SELECT DISTINCT orders.appmax_order_id, orders.installation_id, 'money', now(), now()
      FROM webhook_progress sweep
      JOIN webhook_events event ON event.id > sweep.position
      JOIN orders ON orders.appmax_order_id = event.appmax_order_id
      LEFT JOIN order_questions earlier
             ON earlier.appmax_order_id = orders.appmax_order_id AND earlier.installation_id = orders.installation_id
     WHERE sweep.job = 'verify' AND event.outcome = 'applied'
       AND lower(replace(event.event, '_', '')) = ANY(%s)
       AND (earlier.asked_at IS NULL OR earlier.asked_at < event.created_at + interval '5 seconds')
        ON CONFLICT (appmax_order_id, installation_id) DO UPDATE
       SET why = CASE WHEN asked.due_at IS NULL THEN excluded.why ELSE asked.why END,
           since = excluded.since, due_at = excluded.due_at, times = 0
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0008_comments"), ("orders", "0005_questions")]

    operations = [migrations.RunSQL([(_ASK, [MONEY])], migrations.RunSQL.noop, elidable=True)]
