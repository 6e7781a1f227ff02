"""Until now the text in error_message said what had become of an event. Events that wait become `failed`: the worker
decides them once more, and so puts the questions to Appmax that they now wait for. Rows are turned a batch at a time, each
in a transaction of its own, so that no lock lasts; if it is stopped, it may be started again."""

from django.db import migrations

BATCH = 20_000  # ids

_TURN = """
    UPDATE webhook_events SET outcome = turned.outcome
      FROM (SELECT id, CASE
                WHEN NOT processed THEN 'failed'
                WHEN error_message = 'duplicate' THEN 'duplicate'
                WHEN error_message LIKE 'ignored: %%' THEN 'ignored'
                WHEN error_message LIKE 'not believed: its client_key%%' THEN 'refused'
                WHEN error_message LIKE 'not believed: Appmax says%%' THEN 'refuted'
                WHEN error_message LIKE 'not believed: %%' OR error_message = 'order not found' THEN 'closed'
                WHEN error_message IS NOT NULL OR lower(replace(event, '_', '')) = ANY(%(acknowledged)s)
                THEN 'acknowledged'
                ELSE 'applied' END AS outcome
              FROM webhook_events WHERE id > %(after)s AND id <= %(until)s) turned
     WHERE webhook_events.id = turned.id AND webhook_events.outcome <> turned.outcome
"""
# The rule for duplicates was kept by locks. Should it have been broken once, the later event is a duplicate.
_DUPLICATES = """
    UPDATE webhook_events SET outcome = 'duplicate'
     WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY appmax_order_id, event ORDER BY id) AS place
                                    FROM webhook_events
                                   WHERE processed AND appmax_order_id IS NOT NULL
                                     AND NOT outcome IN ('duplicate', 'refused', 'refuted', 'superseded', 'closed')) handled
                   WHERE place > 1)
"""
ACKNOWLEDGED = [
    "customercreated", "customerinterested", "customercontacted", "orderpartialrefund", "subscriptioncancellationevent",
    "subscriptiondelayedevent", "canceledsubscription", "chargesuccess", "chargefailed", "subscriptioncreated",
    "subscriptioncancelation", "subscriptioncancellation", "subscriptiondelayed", "subscriptionchargesuccess",
    "subscriptionchargefailed",
]  # fmt: skip


def _first_and_last(cursor, after):
    """The ids between which the events lie that come after this id."""
    cursor.execute("SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM webhook_events WHERE id > %s", [after])
    return cursor.fetchone()


def turn(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        after, last = _first_and_last(cursor, 0)
        while after <= last:  # events that the old web inserts meanwhile are turned too
            cursor.execute(_TURN, {"after": after - 1, "until": after - 1 + BATCH, "acknowledged": ACKNOWLEDGED})
            after, last = _first_and_last(cursor, after - 1 + BATCH)
        cursor.execute(_DUPLICATES)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("webhooks", "0005_outcome")]

    operations = [migrations.RunPython(turn, migrations.RunPython.noop, elidable=True)]
