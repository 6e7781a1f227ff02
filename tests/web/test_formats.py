"""A date and a time are written in one way in each language, wherever they stand."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.formats import date_format

ROOT = Path(settings.BASE_DIR)
AT = datetime(2026, 3, 9, 17, 5, 59, tzinfo=UTC)
ROOMS = ("backoffice", "web", "webhooks", "installations", "notifications", "orders")


@pytest.mark.parametrize(
    ("language", "written"),
    [("pt-br", ("09/03/2026", "14:05", "09/03/2026 14:05")), ("en", ("2026-03-09", "14:05", "2026-03-09 14:05"))],
)
def test_long_and_short_formats_are_the_same(language: str, written: tuple[str, str, str]) -> None:
    day, time, both = written
    with translation.override(language):
        local = timezone.localtime(AT)
        assert {date_format(local, name) for name in ("DATE_FORMAT", "SHORT_DATE_FORMAT")} == {day}
        assert date_format(local, "TIME_FORMAT") == time
        assert {date_format(local, name) for name in ("DATETIME_FORMAT", "SHORT_DATETIME_FORMAT")} == {both}
        page = Template("{{ at }} {{ at|date }} {{ at|time }}").render(Context({"at": AT}))
    assert page == f"{both} {day} {time}"


def test_no_page_has_a_format_of_its_own() -> None:
    """A name of `web.formats` is given to the filters, or nothing. Only a file's name, which can hold no slash, has
    another."""
    own = re.compile(r"""\|(?:date|time):["'](?![A-Z_]*FORMAT["'])|strftime\((?!_style\(\)\.day)""")
    pages = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in {".html", ".py"}]

    assert [str(path.relative_to(ROOT)) for path in pages if own.search(path.read_text())] == []
