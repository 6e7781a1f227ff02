"""An index for the refunds of which it isn't known whether Appmax took them. One that was left half built is dropped
first, so that this may be started again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0013_called_merchants")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS refunds_unknown", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="refund",
            index=models.Index(fields=["order"], condition=models.Q(state="unknown"), name="refunds_unknown"),
        ),
    ]
