"""An index of Appmax's own ids of payment calls, for the admin's search. One that was left half built is dropped first, so
that this may be started again."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.models.fields.json import KeyTransform


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0018_renewal_asked")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS payment_attempts_trace", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="paymentattempt",
            index=GinIndex(KeyTransform("trace", "answer"), name="payment_attempts_trace"),
        ),
    ]
