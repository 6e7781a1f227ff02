"""Appmax for benchmarks: answers at once, or after a delay, and is never what limits the figures. It checks nothing.

`python -m benchmarks.stub PORT`; GET /delay?200 makes every later answer take 200 ms.
"""

import asyncio
import itertools
import json
import sys
from functools import partial

_numbers = itertools.count(10_000_000)
_PIX = {"payment": {"pix_qrcode": "aWNvbg==", "pix_emv": "00020126580014br.gov.bcb.pix"}}
_INSTALLMENTS = {"installments": {str(n): {"total": 10_000} for n in range(1, 13)}}
_delay = 0.0


def _body(path: str) -> object:
    if path.startswith("/oauth2/token"):
        return {"access_token": "token", "token_type": "Bearer", "expires_in": 3600}
    match path:
        case "/v1/customers":
            data: object = {"customer": {"id": next(_numbers)}}
        case "/v1/orders":
            data = {"order": {"id": next(_numbers), "status": "pendente"}}
        case "/v1/payments/pix":
            data = _PIX
        case "/v1/payments/installments":
            data = _INSTALLMENTS
        case _:
            data = {}
    return {"data": data}


class _Server(asyncio.Protocol):
    """One connection: requests one after another, each with its Content-Length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """Called by asyncio; a request may come in pieces."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/delay?"):
            global _delay
            _delay = int(path.partition("?")[2]) / 1000
        text = json.dumps(_body(path)).encode()
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            len(text),
            text,
        )
        if _delay:
            asyncio.get_running_loop().call_later(_delay, partial(self._write, answer))
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def main(port: int) -> None:
    """Serves until the process is ended."""
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
