"""A believable boleto: a digitable line with right check digits, and a PDF to print it from."""

from datetime import date, datetime, timedelta

from simulator.records import BRAZIL

DAYS_TO_PAY = 3
BANK = "999"  # no bank has this number, so no bank would take the money
_FACTOR_1000 = date(2025, 2, 22)  # when Brazil's banks last began to count due dates at 1000


def due_date() -> date:
    """The day until which a boleto made today can be paid."""
    return datetime.now(BRAZIL).date() + timedelta(days=DAYS_TO_PAY)


def digitable_line(order_id: int, total_cents: int, due: date) -> str:
    """The 47 digits that a shopper types."""
    factor = 1000 + (due - _FACTOR_1000).days % 9000
    return with_check_digits(f"{BANK}9", f"{order_id:025}", f"{factor:04}{total_cents:010}")


def with_check_digits(bank: str, free: str, dues: str) -> str:
    """The line of these 4, 25 and 14 digits: three fields with a check digit each, one of the whole, and the dues."""
    fields = [bank + free[:5], free[5:15], free[15:]]
    return "".join(field + _mod10(field) for field in fields) + _mod11(bank + dues + free) + dues


def pdf(lines: list[str]) -> bytes:
    """One page with these lines (ASCII)."""
    shown = " ".join(f"({_escaped(line)}) '" for line in lines)
    content = f"BT /F1 11 Tf 50 800 Td 20 TL {shown} ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    text, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(text))
        text += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(text)}\n%%EOF\n"
    return f"{text}xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _mod10(digits: str) -> str:
    products = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits)))
    return str(-sum(product // 10 + product % 10 for product in products) % 10)


def _mod11(digits: str) -> str:
    rest = 11 - sum(int(digit) * (2 + place % 8) for place, digit in enumerate(reversed(digits))) % 11
    return str(rest if rest < 10 else 1)
