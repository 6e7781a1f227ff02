from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("installations", "0006_comments")]

    operations = [
        migrations.AddField(
            model_name="installation",
            name="refused_since",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Since when Appmax refuses the credentials; empty while it accepts them",
                db_comment="Since when Appmax refuses the credentials; null: it accepts them",
                null=True,
                verbose_name="refused since",
            ),
        ),
    ]
