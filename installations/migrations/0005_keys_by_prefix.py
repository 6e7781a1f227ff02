"""API keys are known by their prefix: their hash goes out of the primary key, and out of the staff's history."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0004_what_was_told"),
        ("admin", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunSQL(
            [
                "UPDATE api_keys SET id = prefix WHERE id <> prefix",
                """
                UPDATE django_admin_log SET object_id = split_part(object_id, '.', 1)
                 WHERE content_type_id = (SELECT id FROM django_content_type
                                           WHERE app_label = 'installations' AND model = 'apikey')
                """,
            ],
            migrations.RunSQL.noop,
        )
    ]
