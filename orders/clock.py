"""The database's clock, which all machines share.

Rows get their times from it, so their ages must be counted by it too. A machine whose own clock is wrong would take a
payment that is under way for an abandoned one.
"""

from datetime import datetime

from django.db import connection


def now() -> datetime:
    """The database's time, UTC, to the microsecond. It is plain SQL because the ORM only asks for rows of tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
