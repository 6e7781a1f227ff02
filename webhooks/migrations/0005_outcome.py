"""What became of an event is a column. The rows that are there get `applied` by adding it, which rewrites none of them;
the next migration turns those that are something else."""

from django.db import migrations, models

OUTCOMES = [
    ("applied", "Applied"),
    ("ignored", "Ignored"),
    ("acknowledged", "Acknowledged"),
    ("duplicate", "Duplicate"),
    ("refused", "Refused"),
    ("refuted", "Not believed"),
    ("superseded", "Of an earlier payment attempt"),
    ("waiting", "Waiting"),
    ("closed", "Order not found"),
    ("failed", "Failed"),
]


def outcome(default):
    return models.CharField(choices=OUTCOMES, db_default=default, editable=False, max_length=16, verbose_name="outcome")


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0004_webhook_url")]

    operations = [
        migrations.AddField("webhookevent", "outcome", outcome("applied")),
        migrations.AlterField("webhookevent", "outcome", outcome("waiting")),
        migrations.AddField(
            "webhookevent",
            "source",
            models.GenericIPAddressField(blank=True, editable=False, null=True, verbose_name="sent from"),
        ),
        migrations.CreateModel(
            name="ClaimSource",
            fields=[
                ("address", models.GenericIPAddressField(primary_key=True, serialize=False)),
                ("refuted", models.IntegerField()),
                ("refuted_at", models.DateTimeField()),
            ],
            options={"db_table": "webhook_claim_sources"},
        ),
    ]
