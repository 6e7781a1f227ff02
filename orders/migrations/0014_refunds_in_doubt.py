"""An index for the refunds of which it isn't known whether Appmax took them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0013_called_merchants")]

    operations = [
        AddIndexConcurrently(
            model_name="refund",
            index=models.Index(fields=["order"], condition=models.Q(state="unknown"), name="refunds_unknown"),
        ),
    ]
