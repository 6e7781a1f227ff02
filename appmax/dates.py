"""Reads Appmax's dates, which carry no zone."""

import re
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from appmax.wording import text_of

_DAY = re.compile(r"(\d{2})/(\d{2})/(\d{4})", re.ASCII)


def moment(value: Any, zone: tzinfo) -> datetime | None:
    """A date with a time ("2026-05-21 05:34:30", or one that names its offset) in UTC; None for anything else."""
    text = text_of(value).strip()
    if len(text) <= len("2026-05-21"):
        return None  # A day without a time is not enough.
    return _read_date(text, zone)


def day(value: Any, zone: tzinfo) -> date | None:
    """The day, in this zone, of a date with or without a time; None for anything else."""
    found = _read_date(text_of(value).strip(), zone)
    return found.astimezone(zone).date() if found else None


def beginning(value: Any, zone: tzinfo) -> datetime | None:
    """The moment in UTC of a date with or without a time, whose day may be written dd/mm/yyyy; without a time it is the
    day's beginning in this zone. None for anything else."""
    text = text_of(value).strip()
    found = _DAY.fullmatch(text)
    return _read_date(f"{found[3]}-{found[2]}-{found[1]}" if found else text, zone)


def _read_date(text: str, zone: tzinfo) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        moment = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):  # The text is no date, or the date lies beyond the calendar's end.
        return None
    # Some languages write 0001-01-01T00:00:00Z where there is no date. West of Greenwich no calendar has that moment.
    return moment if moment.year > 1 else None
