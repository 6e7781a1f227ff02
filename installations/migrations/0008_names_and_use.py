"""What staff call a merchant, and when an API key was last used."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("installations", "0007_refused_since")]

    operations = [
        migrations.AddField(
            model_name="installation",
            name="name",
            field=models.CharField(
                blank=True,
                db_comment="What staff call the merchant; empty: by its external_key",
                db_default="",
                help_text="What staff call the merchant. Appmax tells no name",
                max_length=100,
                verbose_name="name",
            ),
        ),
        migrations.AlterModelOptions(
            name="installation",
            options={
                "permissions": [
                    ("check_installation", "Can check merchants' credentials with Appmax"),
                    ("disable_installation", "Can disable and enable merchants"),
                    ("reconnect_installation", "Can let merchants replace their credentials"),
                    ("rename_installation", "Can name merchants"),
                ],
                "verbose_name": "installation",
                "verbose_name_plural": "installations",
            },
        ),
        migrations.AddField(
            model_name="apikey",
            name="last_used_at",
            field=models.DateTimeField(
                blank=True,
                db_comment="When a request was last let in with it, to within five minutes; null: not since this is noted",
                editable=False,
                help_text="To within five minutes",
                null=True,
                verbose_name="last used at",
            ),
        ),
    ]
