"""An index for the back office's amount filter."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0010_request_ids")]

    operations = [
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(fields=["total_cents", "created_at"], name="orders_total"),
        ),
    ]
