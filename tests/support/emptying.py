"""How the tables are emptied after a test that commits.

Django truncates every table and makes permissions and content types anew, which takes 100 ms, and leaves the job
queue's rows, which aren't its own. Here rows are deleted where there are any, and what the migrations wrote stays.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import TransactionTestCase

MIGRATED = ("django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions")
_LIST = ", ".join(f"'{name}'" for name in MIGRATED)
_EMPTY = f"""
DO $$
DECLARE
    name regclass;
    is_used boolean;
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    FOR name IN -- in an order that suits the queue's constraints, which can't be deferred
        SELECT oid FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> ALL (ARRAY[{_LIST}])
         ORDER BY relname DESC
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', name) INTO is_used;
        IF is_used THEN
            EXECUTE format('DELETE FROM %s', name);
        END IF;
    END LOOP;
END $$
"""  # noqa: S608 - names from above
_CONTENT = " UNION ALL ".join(
    f"SELECT '{name}', md5(string_agg(r::text, '|' ORDER BY r::text)) FROM {name} r"  # noqa: S608 - names from above
    for name in MIGRATED
)


def _content() -> list[Any]:
    """What the migrations wrote, as a sum for each table."""
    with connection.cursor() as cursor:
        cursor.execute(_CONTENT)
        return list(cursor.fetchall())


@contextmanager
def quick_emptying() -> Iterator[None]:
    """Takes the place of Django's flush. A test that changes what stays, and commits it, fails."""
    migrated = _content()

    def empty(case: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_EMPTY)
        assert _content() == migrated, "a test committed a change of roles, permissions or content types"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield
