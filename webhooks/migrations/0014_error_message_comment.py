"""The column's comment says whom its text is for: the back office shows it in the reader's language.

Django would set the column's type again beside the comment, which locks the table, so the comment is written by itself.
"""

from django.db import migrations, models

COMMENT = "Details if processing failed, or why the event changed nothing: prose for people"


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0013_called_merchants"),
    ]

    operations = [
        migrations.RunSQL(
            f"COMMENT ON COLUMN webhook_events.error_message IS '{COMMENT}'",
            migrations.RunSQL.noop,
            state_operations=[
                migrations.AlterField(
                    model_name="webhookevent",
                    name="error_message",
                    field=models.TextField(blank=True, db_comment=COMMENT, null=True, verbose_name="error message"),
                ),
            ],
        ),
    ]
