"""The rule of the column that is new. The table stays in use while its rows are looked at."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0015_order_status")]

    operations = [ValidateConstraint("webhookevent", "webhook_events_known_order_status")]
