"""Indexes of the request ids, built beside the tables' use. One that was left half built is dropped first, so that this may
be started again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

NAMES = {
    "order": "orders_request_id",
    "paymentattempt": "payment_attempts_request_id",
    "refund": "refunds_request_id",
}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0009_shoppers")]

    operations = [
        operation
        for model, name in NAMES.items()
        for operation in (
            migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop),
            AddIndexConcurrently(
                model,
                models.Index(condition=models.Q(("request_id__isnull", False)), fields=["request_id"], name=name),
            ),
        )
    ]
