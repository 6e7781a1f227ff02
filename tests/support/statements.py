"""What happens around one kind of statement, so that no function of ours has to be replaced to see or to do it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

_LOCKED = """
SELECT objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND pid = pg_backend_pid()
"""


@contextmanager
def before_statements(part: str, act: Callable[[], Any]) -> Iterator[None]:
    """In this thread, `act` is called before each statement that contains `part`."""

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if part in sql:
            act()
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield


@contextmanager
def orders_locked_before(part: str) -> Iterator[list[int]]:
    """The numbers of the Appmax orders that this thread has locked before a statement that contains `part`."""
    numbers: list[int] = []

    def look() -> None:
        numbers.extend(row[0] for row in connection.connection.execute(_LOCKED))

    with before_statements(part, look):
        yield numbers
