"""Django's migrate, without the limit of a statement's time."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """An index of a large table takes longer to build than any request may wait; locks still give up in time."""

    def handle(self, *args: Any, **options: Any) -> None:
        """As Django's; the limit counts again afterwards, for whoever goes on with this connection."""
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            [limit] = cursor.fetchone()
            cursor.execute("SET statement_timeout = 0")
        super().handle(*args, **options)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", [limit])
