"""How often handling an event failed, for staff. Rows that are there get 0 by adding the column, which rewrites none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0011_merchants_of_old_events")]

    operations = [
        migrations.AddField(
            "webhookevent",
            "tries",
            models.IntegerField(
                db_comment="How often handling it failed with an error of ours",
                db_default=0,
                editable=False,
                verbose_name="failed tries",
            ),
        ),
    ]
