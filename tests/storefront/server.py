"""The demo shop as a server in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server

from examples.storefront.app import create_app


@contextmanager
def serving(**settings: str) -> Iterator[str]:
    """Runs a shop with these settings on a free port; its origin. With "own" as
    `OWN_URL` it has the product tell it there."""
    app = create_app(**settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    if settings.get("OWN_URL") == "own":
        app.config["OWN_URL"] = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
