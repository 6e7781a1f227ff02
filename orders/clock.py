"""The one clock that all machines share: the database's. Rows get their times from it, so ages are told by it too; a
machine whose own clock is wrong would take a payment under way for one that is over."""

from datetime import datetime

from django.db import connection


def now() -> datetime:
    """The database's time, UTC, to the microsecond."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
