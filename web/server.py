"""gunicorn's worker, with what a client that sends nothing, or half of something, could otherwise hold up for good.

gunicorn's own threaded worker was attacked with 400 connections and 16 threads (tests/security/test_stranger.py). It
gives a thread to each new connection for five seconds although nothing comes, and for ever to half a request or to an
answer that nobody reads. And it closes connections in its main loop, where each client that doesn't close its own end
stops everything for two seconds. A proxy that buffers keeps most of this away; a server must not depend on it.
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

# Seconds for a client to send a request's whole head, then its whole body, and to take each piece of the answer.
HEAD_SECONDS, BODY_SECONDS, ANSWER_SECONDS = 5, 15, 10
CLOSING_SECONDS = 2  # for a client to take the last of an answer and to close its end
MOST_IN_CLOSING = 64 * 1024  # bytes that it may still send meanwhile


class InTime(SocketUnreader):
    """Reads a connection against a deadline, where gunicorn's own waits for as long as the client likes."""

    def begin_head(self) -> None:
        """The next bytes are a request's head, and its time begins."""
        self.is_head = True
        self.deadline: float | None = time.monotonic() + HEAD_SECONDS

    def begin_body(self) -> None:
        """The head is whole. The body's time begins when the application starts to read it."""
        self.is_head, self.deadline = False, None

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Raises TimeoutError in a body. A head that takes too long looks as if the client had hung up: there is no
        answer, and no line in the log."""
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
    """A connection waits without a thread until its first byte is there, is then read in time, and is closed without
    anybody waiting for it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.closing: deque[Any] = deque()  # connections, the one whose time is over first at the left

    def accept(self, listener: Any) -> None:
        """A connection wakes every process. Who has many hesitates (0.4 ms at most), so that those that stay open are
        shared out: with all of a client's on one process, half the work is done (docs/capacity.md)."""
        if self.alive:
            time.sleep(min(self.nr_conns, 20) * 0.00002)
        super().accept(listener)

    def enqueue_req(self, conn: Any) -> None:
        """Every request comes through here on its way to a thread, a connection's first as well as later ones."""
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
        """In a thread."""
        conn.parser.unreader.begin_head()
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """In a thread, once the head is there."""
        conn.parser.unreader.begin_body()
        return super().handle_request(req, conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """In the main loop. A connection that is to be closed says so to its client, and is looked after like any
        other until the client has closed its end too. Closed at once, it might lose the end of its answer."""
        if fs.cancelled() or fs.exception() or fs.result():
            super().finish_request(conn, fs)
            return
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:  # the client has gone
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
        with contextlib.suppress(OSError, KeyError, ValueError):  # not in the poller any more
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """gunicorn's name for closing what has waited for too long; the main loop calls it every second."""
        super().murder_pending()
        while self.closing and self.closing[0].timeout < time.monotonic():
            self._close(self.closing.popleft())

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Called with False, and `alive` False, when a stop (TERM) or a reload (HUP) begins. gunicorn's own keeps its
        listening socket while it ends its last requests: the kernel goes on taking connections that nobody will serve,
        and they are cut at the end. This one serves those that wait already, and shuts the door."""
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
        pass  # broken: the thread finds out, and closes it
    return True
