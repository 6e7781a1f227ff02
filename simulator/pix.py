"""A believable Pix: a BR Code with a right checksum, and its QR code."""

import io
from base64 import b64encode

import segno

PIXELS = 6  # of a module's side


def br_code(order_id: int, total_cents: int) -> str:
    """An EMV text of the Pix standard. Its key is nobody's, so no bank would pay it."""
    account = _field("00", "br.gov.bcb.pix") + _field("25", f"simulator.invalid/pix/{order_id}")
    text = (
        _field("00", "01") + _field("01", "12") + _field("26", account) + _field("52", "0000") + _field("53", "986")
        + _field("54", f"{total_cents / 100:.2f}") + _field("58", "BR") + _field("59", "APPMAX SIMULATOR")
        + _field("60", "PORTO ALEGRE") + _field("62", _field("05", str(order_id))) + "6304"
    )  # fmt: skip
    return text + f"{_crc16(text.encode()):04X}"


def qr_picture(text: str) -> str:
    """A base64 PNG of the QR code, with the quiet zone that scanners need."""
    png = io.BytesIO()
    segno.make_qr(text, error="m").save(png, kind="png", scale=PIXELS)
    return b64encode(png.getvalue()).decode()


def _field(name: str, value: str) -> str:
    return f"{name}{len(value):02}{value}"


def _crc16(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc
