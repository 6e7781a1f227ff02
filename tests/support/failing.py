"""A database that fails at one kind of statement, so that no function of ours has to be replaced."""

from contextlib import AbstractContextManager

from tests.support.statements import before_statements


def statements_fail(part: str, error: type[Exception] | Exception) -> AbstractContextManager[None]:
    """In this thread, statements that contain `part` raise `error` instead of being executed."""

    def fail() -> None:
        raise error

    return before_statements(part, fail)
