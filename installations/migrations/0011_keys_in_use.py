"""Which keys the running processes write with."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0010_domains"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeyInUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("process", models.CharField(db_comment="Which kind of process: web or worker", max_length=16)),
                ("setting", models.CharField(db_comment="FIELD_ENCRYPTION_KEYS or SEARCH_HASH_KEYS", max_length=32)),
                ("fingerprint", models.CharField(db_comment="A hash, keyed with the first key itself", max_length=64)),
            ],
            options={
                "db_table": "keys_in_use",
                "db_table_comment": "The first key of each setting that has several, as the running processes have it",
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("process", "setting"), name="keys_in_use_once")],
            },
        ),
    ]
