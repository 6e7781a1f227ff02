from django.db import migrations


class Migration(migrations.Migration):
    """Appmax knows existing installations by the external_id of their row, which they keep."""

    dependencies = [("installations", "0003_told_and_reconnected")]

    operations = [
        migrations.RunSQL(
            """
            INSERT INTO installation_identities (external_id, external_key, installation_id, told_at)
            SELECT external_id, external_key, id, installed_at FROM installations
            ON CONFLICT (external_id) DO NOTHING
            """,
            migrations.RunSQL.noop,
        )
    ]
