"""The demo shop as a server in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server

from examples.storefront.app import create_app


@contextmanager
def serving(**settings: str) -> Iterator[str]:
    """Runs a shop with these settings on a free port; its origin."""
    server = make_server("127.0.0.1", 0, create_app(**settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
