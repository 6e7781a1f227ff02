"""Django's PostgreSQL backend with a pool that recovers from a restart of the server without failing a request."""

import select
import time
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Replaces all connections of the pool as soon as one is found broken.

    The pool's own check (CONN_HEALTH_CHECKS) takes broken connections out one by one, with growing pauses between them.
    After a restart of PostgreSQL each request would meet two broken ones and fail.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that works. Raises django.db.OperationalError if there is none in time.

        1. Take a connection from the pool.
        2. Test it with a statement, but only if the server has sent something unasked or the connection has lain idle
           for more than a second. Testing each one would cost a round trip a request.
        3. If it is broken, have the pool replace all its connections, and take a new one.
        """
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

    def _set_autocommit(self, autocommit: bool) -> None:
        """A connection of the pool has autocommit from its last request. To set the same again, psycopg would take a
        lock and ask the connection for its state."""
        if self.connection.autocommit != autocommit:
            super()._set_autocommit(autocommit)  # type: ignore[misc] # not in the stubs

    def _close(self) -> None:
        """Give the connection back to the pool. After an error it is closed first, because the fault may be its own: a
        migration may have changed the type of a column that its prepared statements read."""
        if self.connection is not None and self.pool:
            self.connection.given_back = time.monotonic()
            if self.errors_occurred:
                self.connection.close()
        super()._close()  # type: ignore[misc] # not in the stubs

    def close_if_unusable_or_obsolete(self) -> None:
        """Django calls this at the end of each request. Its own version would test a failed connection with SELECT 1,
        and forget the error. `self.pool` is evaluated late because that makes the pool, and tests change the database's
        name first."""
        if self.connection is not None and self.errors_occurred and self.pool and not self.in_atomic_block:
            self.close()
        else:
            super().close_if_unusable_or_obsolete()


def _has_news(connection: psycopg.Connection) -> bool:
    """Whether the server has sent something unasked, which is usually that it closes the connection. Looking costs no
    round trip. Raises psycopg.OperationalError if the connection is closed on our side."""
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    return bool(look.poll(0))


def _has_lain_idle(connection: psycopg.Connection) -> bool:
    """Whether the connection was unused for more than a second. In a failover the server may have vanished meanwhile
    without closing the connection."""
    return time.monotonic() - getattr(connection, "given_back", 0.0) > 1
