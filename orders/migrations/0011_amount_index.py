"""An index for the back office's amount filter. One that was left half built is dropped first, so that this may be started
again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0010_request_ids")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS orders_total", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(fields=["total_cents", "created_at"], name="orders_total"),
        ),
    ]
