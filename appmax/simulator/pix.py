"""A believable Pix: a BR Code with a right checksum, and a picture that looks like its QR code."""

import base64
import hashlib
import struct
import zlib


def br_code(order_id: int, total_cents: int) -> str:
    """An EMV text of the Pix standard; nobody's key, so no bank would pay it."""
    account = _field("00", "br.gov.bcb.pix") + _field("25", f"simulator.invalid/pix/{order_id}")
    text = (
        _field("00", "01") + _field("01", "12") + _field("26", account) + _field("52", "0000") + _field("53", "986")
        + _field("54", f"{total_cents / 100:.2f}") + _field("58", "BR") + _field("59", "APPMAX SIMULATOR")
        + _field("60", "PORTO ALEGRE") + _field("62", _field("05", str(order_id))) + "6304"
    )  # fmt: skip
    return text + f"{_crc16(text.encode()):04X}"


def qr_picture(text: str) -> str:
    """A base64 PNG, the same for the same text: a QR code's look, not its content."""
    size, scale = 25, 8
    bits = int.from_bytes(hashlib.shake_128(text.encode()).digest(size * size // 8 + 1), "big")
    rows = [[bool(_finder(x, y, size, bits >> (y * size + x) & 1)) for x in range(size)] for y in range(size)]
    raw = b"".join((b"\0" + b"".join((b"\0" if dark else b"\xff") * scale for dark in row)) * scale for row in rows)
    header = struct.pack(">IIBBBBB", size * scale, size * scale, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(raw)) + _chunk(b"IEND", b"")
    return base64.b64encode(png).decode()


def _finder(x: int, y: int, size: int, otherwise: int) -> int:
    """The three squares in the corners."""
    for left, top in ((0, 0), (size - 7, 0), (0, size - 7)):
        if left - 1 <= x <= left + 7 and top - 1 <= y <= top + 7:
            ring = max(abs(x - left - 3), abs(y - top - 3))
            return int(ring in (0, 1, 3))
    return otherwise


def _field(name: str, value: str) -> str:
    return f"{name}{len(value):02}{value}"


def _crc16(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
