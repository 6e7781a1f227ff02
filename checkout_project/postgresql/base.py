"""Django's PostgreSQL backend, whose pool gets over a restarted server at once."""

import select
import time
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """The pool's own check (CONN_HEALTH_CHECKS) takes broken connections out one by one, with growing pauses between
    them: after a restart each request finds two and fails. Here the first that is found broken has all replaced."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that works; django.db.OperationalError if there is none in time."""
        connection = super().get_new_connection(conn_params)
        if not self.pool:
            return connection
        try:
            if _has_news(connection) or _has_lain_idle(connection):
                ConnectionPool.check_connection(connection)
        except psycopg.Error:
            self.pool.putconn(connection)
            self.pool.drain()
            return super().get_new_connection(conn_params)
        return connection

    def _close(self) -> None:
        """Give it back. One on which something went wrong is not lent again: the fault may be its own, as when a
        migration has changed the type of a column that its prepared statements read."""
        if self.connection is not None and self.pool:
            self.connection.given_back = time.monotonic()
            if self.errors_occurred:
                self.connection.close()
        super()._close()  # type: ignore[misc] # not in the stubs

    def close_if_unusable_or_obsolete(self) -> None:
        """At the end of each request. Django's own would ask SELECT 1, and forget the error. The pool is looked at
        last: that makes one, and tests change the database's name before they use it."""
        if self.connection is not None and self.errors_occurred and self.pool and not self.in_atomic_block:
            self.close()
        else:
            super().close_if_unusable_or_obsolete()


def _has_news(connection: psycopg.Connection) -> bool:
    """Whether anything has come that nobody asked for: the server's goodbye, as a rule. Without it there is nothing to
    find out, which would cost as much as a statement. Raises psycopg.OperationalError if the connection is closed."""
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    return bool(look.poll(0))


def _has_lain_idle(connection: psycopg.Connection) -> bool:
    """For more than a second: long enough for the other side to have vanished without a goodbye, as in a failover."""
    return time.monotonic() - getattr(connection, "given_back", 0.0) > 1
