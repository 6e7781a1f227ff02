"""Events that are there get the merchant of their order, or without an order the one that their envelope names. Rows are
filled a batch at a time, each in a transaction of its own, so that no lock lasts; if it is stopped, it may be started
again. The index is built afterwards, so that the fill needn't keep it up."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

BATCH = 20_000  # ids

_FILL = """
    UPDATE webhook_events SET installation_id = owned.installation_id
      FROM (SELECT event.id,
                   coalesce(orders.installation_id,
                            (SELECT id FROM installations
                              WHERE external_key IN (event.payload->>'client_key', event.payload->>'external_key')
                              LIMIT 1)) AS installation_id
              FROM webhook_events event
              LEFT JOIN orders ON orders.appmax_order_id = event.appmax_order_id
             WHERE event.id > %(after)s AND event.id <= %(until)s AND event.installation_id IS NULL) owned
     WHERE webhook_events.id = owned.id AND owned.installation_id IS NOT NULL
"""


def _first_and_last(cursor, after):
    """The ids between which the events lie that come after this id."""
    cursor.execute("SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM webhook_events WHERE id > %s", [after])
    return cursor.fetchone()


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        after, last = _first_and_last(cursor, 0)
        while after <= last:  # events that the old web inserts meanwhile are filled too
            cursor.execute(_FILL, {"after": after - 1, "until": after - 1 + BATCH})
            after, last = _first_and_last(cursor, after - 1 + BATCH)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("webhooks", "0010_merchant"), ("orders", "0005_questions")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS webhook_events_of_merchant", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "webhookevent", models.Index(fields=["installation", "created_at"], name="webhook_events_of_merchant")
        ),
    ]
