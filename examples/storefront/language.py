"""The shop speaks Portuguese and English, as the browser wishes.

After a change of texts:
    cd examples/storefront
    pybabel extract -F locale/babel.cfg -k lazy_gettext -k _ --no-location --omit-header -o /tmp/shop.pot .
    pybabel update -i /tmp/shop.pot -d locale -l pt_BR -w 120 --no-fuzzy-matching --ignore-obsolete
    pybabel compile -d locale
"""

from datetime import UTC, datetime
from decimal import Decimal

from flask import Flask, request
from flask_babel import Babel, format_currency, format_datetime, gettext

PORTUGUESE, ENGLISH = "pt_BR", "en"


def init_app(app: Flask) -> None:
    """Texts, money and dates in the reader's language; times are Brasília's."""
    Babel(
        app,
        default_locale=ENGLISH,
        default_timezone="America/Sao_Paulo",
        default_translation_directories="locale",
        locale_selector=_wanted,
    )
    app.add_template_filter(money)
    app.add_template_filter(moment)


def _wanted() -> str:
    best = request.accept_languages.best_match(["pt-BR", "pt", "en"], default=ENGLISH)
    return PORTUGUESE if str(best).startswith("pt") else ENGLISH


def text(message: str, /, **values: object) -> str:
    """The message in the reader's language, filled in."""
    return str(gettext(message, **values))


def money(cents: int) -> str:
    """R$ 1.234,56 or R$1,234.56."""
    return str(format_currency(Decimal(cents) / 100, "BRL"))


def moment(seconds: int) -> str:
    """The date and the time of these seconds since 1970."""
    return str(format_datetime(datetime.fromtimestamp(seconds, UTC), "short"))
