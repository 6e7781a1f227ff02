"""Pages call an installation a merchant, and an attempt that succeeded accepted. The tables stay as they are."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0009_called_merchants"),
        ("orders", "0012_refunded_elsewhere"),
    ]

    operations = [
        migrations.AlterField(
            model_name="order",
            name="installation",
            field=models.ForeignKey(
                db_comment="Owning installation",
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="orders",
                to="installations.installation",
                verbose_name="merchant",
            ),
        ),
        migrations.AlterField(
            model_name="paymentattempt",
            name="state",
            field=models.CharField(
                choices=[
                    ("started", "Started"),
                    ("unknown", "Outcome unknown"),
                    ("succeeded", "Accepted by Appmax"),
                    ("declined", "Declined"),
                    ("failed", "Failed: nothing was charged"),
                ],
                db_comment="What became of it; started and unknown are open, and the money may have moved",
                db_default="started",
                max_length=16,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="question",
            name="installation",
            field=models.ForeignKey(
                db_comment="With whose credentials Appmax is asked",
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="installations.installation",
                verbose_name="merchant",
            ),
        ),
    ]
