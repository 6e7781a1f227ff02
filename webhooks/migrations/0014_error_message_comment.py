"""The column's comment says whom its text is for: the back office shows it in the reader's language."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0013_called_merchants"),
    ]

    operations = [
        migrations.AlterField(
            model_name="webhookevent",
            name="error_message",
            field=models.TextField(
                blank=True,
                db_comment="Details if processing failed, or why the event changed nothing: prose for people",
                null=True,
                verbose_name="error message",
            ),
        ),
    ]
