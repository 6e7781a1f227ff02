"""gunicorn's threaded worker, made safe against clients that send nothing, or only half a request.

gunicorn's own worker has three weaknesses, which an attack with 400 connections on 16 threads shows
(tests/security/test_stranger.py):
1. It gives a thread to each new connection for five seconds, even if nothing comes.
2. It gives a thread for ever to half a request, and to an answer that the client doesn't read.
3. It closes connections in its main loop, which each client that doesn't close its own end stops for two seconds.

A proxy that buffers requests keeps most of this away, but the server must not depend on one.
"""

import contextlib
import select
import selectors
import socket
import time
from collections import deque
from functools import partial
from typing import Any

from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import ThreadWorker

# Seconds in which a client must send a request's whole head, then its whole body, and take each piece of the answer.
HEAD_SECONDS, BODY_SECONDS, ANSWER_SECONDS = 5, 15, 10
CLOSING_SECONDS = 2  # seconds in which a client must take the rest of an answer and close its end
MOST_IN_CLOSING = 64 * 1024  # bytes that it may still send meanwhile


class InTime(SocketUnreader):
    """Reads a connection with a deadline. gunicorn's own reader waits as long as the client likes."""

    def begin_head(self) -> None:
        """Note that a request's head comes next. Its time begins now."""
        self.is_head = True
        self.deadline: float | None = time.monotonic() + HEAD_SECONDS

    def begin_body(self) -> None:
        """Note that the head is complete. The body's time begins when the application starts to read it."""
        self.is_head, self.deadline = False, None

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes. Raises TimeoutError if the body takes too long. If the head does, it looks as if the client
        had hung up, so that there is no answer and no line in the log."""
        if self.deadline is None:
            self.deadline = time.monotonic() + BODY_SECONDS
        self.sock.settimeout(max(self.deadline - time.monotonic(), 0.001))
        try:
            return bytes(super().chunk(size_hint))  # type: ignore[call-arg] # the stubs are of an older gunicorn
        except TimeoutError:
            if self.is_head:
                return b""
            raise
        finally:
            self.sock.settimeout(ANSWER_SECONDS)


class Worker(ThreadWorker):
    """The life of a connection:

    1. It waits without a thread until its first byte has come.
    2. A thread reads the request against the deadlines of `InTime`, and answers.
    3. It is closed while the main loop goes on: the loop watches it until the client has closed its end, or for
       CLOSING_SECONDS.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.closing: deque[Any] = deque()  # The connection whose time is over first is at the left.

    def accept(self, listener: Any) -> None:
        """Accept a connection.

        Each new connection wakes all processes. A process with many connections waits a little (0.4 ms at most), so
        that one with fewer takes it. If one process had all connections of a client, half as much would be done
        (docs/capacity.md).
        """
        if self.alive:
            time.sleep(min(self.nr_conns, 20) * 0.00002)
        super().accept(listener)

    def enqueue_req(self, conn: Any) -> None:
        """gunicorn calls this for every request before a thread takes it."""
        if conn.parser is None:
            conn.parser = RequestParser(self.cfg, conn.sock, conn.client)
            conn.parser.unreader = InTime(conn.sock)
            if not _has_begun(conn.sock):
                conn.timeout = time.monotonic() + self.cfg.keepalive
                self.pending_conns.append(conn)
                self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))
                return
        conn.data_ready = True
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """A thread calls this before it reads the head."""
        conn.parser.unreader.begin_head()
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """A thread calls this when it has read the head."""
        conn.parser.unreader.begin_body()
        return super().handle_request(req, conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """The main loop calls this after an answer.

        A connection that is to be closed first tells the client so, and is then watched until the client has closed its
        end, too. If it were closed at once, the end of the answer might get lost.
        """
        if fs.cancelled() or fs.exception() or fs.result():
            super().finish_request(conn, fs)
            return
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:  # The client has gone.
            self.nr_conns -= 1
            conn.close()
            return
        conn.timeout = time.monotonic() + CLOSING_SECONDS
        conn.drained = 0
        self.closing.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))

    def _drain(self, conn: Any, client: Any) -> None:
        try:
            size = len(conn.sock.recv(4096))
        except BlockingIOError:
            return
        except OSError:
            size = 0
        conn.drained += size
        if not size or conn.drained > MOST_IN_CLOSING:
            self.closing.remove(conn)
            self._close(conn)

    def _close(self, conn: Any) -> None:
        with contextlib.suppress(OSError, KeyError, ValueError):  # The poller may not have the connection any more.
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Close connections that have waited for too long. The main loop calls this every second."""
        super().murder_pending()
        while self.closing and self.closing[0].timeout < time.monotonic():
            self._close(self.closing.popleft())

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """When a stop (TERM) or a reload (HUP) begins, this is called with False, and `alive` is False.

        gunicorn's own worker keeps the listening socket open while it ends its last requests. The kernel then goes on
        accepting connections that nobody serves, and cuts them at the end. So here the connections that already wait
        are accepted, and the listening socket is closed.
        """
        super().set_accept_enabled(enabled)
        if enabled or self.alive or any(listener.fileno() < 0 for listener in self.sockets):
            return
        while ready := select.select(self.sockets, [], [], 0)[0]:
            for listener in ready:
                self.accept(listener)
        for listener in self.sockets:
            listener.close()


def _has_begun(sock: socket.socket) -> bool:
    """Whether the client has sent something, or hung up."""
    try:
        sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        pass  # The connection is broken, which the thread finds out.
    return True
