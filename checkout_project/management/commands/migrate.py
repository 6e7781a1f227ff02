"""Django's migrate, without the limit of a statement's time, in a schema that is there."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """An index of a large table takes longer to build than any request may wait; locks still give up in time."""

    def handle(self, *args: Any, **options: Any) -> None:
        """As Django's; the limit counts again afterwards, for whoever goes on with this connection. Raises CommandError
        without the schema, which PostgreSQL passes over in silence until a table is made."""
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(%s), to_regnamespace(quote_ident(%s))", [settings.DB_SCHEMA] * 2)
            name, found = cursor.fetchone()
            if not found:
                raise CommandError(f"DB_SCHEMA: {name} is not in the database; make it once: CREATE SCHEMA {name}")
            cursor.execute("SELECT current_setting('statement_timeout')")
            [limit] = cursor.fetchone()
            cursor.execute("SET statement_timeout = 0")
        super().handle(*args, **options)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", [limit])
