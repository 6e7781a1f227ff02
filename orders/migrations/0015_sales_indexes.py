"""The indexes for an order's day and merchant hold what the sums of a period are made of, and that of an attempt's time
what attempts are counted by. Those that were left half built are dropped first, so that this may be started again."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

_SUMMED = ["payment_method", "status", "total_cents"]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0014_refunds_in_doubt")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS orders_sales", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(fields=["created_at"], include=_SUMMED, name="orders_sales"),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS orders_sales_of_merchant", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                fields=["installation", "created_at"], include=[*_SUMMED, "id"], name="orders_sales_of_merchant"
            ),
        ),
        RemoveIndexConcurrently(model_name="order", name="orders_created_at"),
        RemoveIndexConcurrently(model_name="order", name="orders_installation"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS payment_attempts_started", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="paymentattempt",
            index=models.Index(
                fields=["started_at"], include=["state", "method", "order"], name="payment_attempts_started"
            ),
        ),
        RemoveIndexConcurrently(model_name="paymentattempt", name="payment_attempts_started_at"),
    ]
