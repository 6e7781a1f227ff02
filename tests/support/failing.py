"""A database that fails at one kind of statement, so that no function of ours has to be replaced."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def statements_fail(part: str, error: type[Exception] | Exception) -> Iterator[None]:
    """In this thread, statements that contain `part` raise `error` instead of being executed."""

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if part in sql:
            raise error
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield
