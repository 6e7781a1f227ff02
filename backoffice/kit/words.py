"""Shows amounts, times, errors and notes to staff in their language."""

from datetime import datetime, timedelta
from decimal import Decimal

from babel.dates import format_timedelta
from babel.numbers import format_currency
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_noop, to_locale
from django.utils.translation import gettext_lazy as _

from appmax.errors import (
    CredentialsRefused,
    CredentialsUnreadable,
    Declined,
    OutcomeUnknown,
    Rejected,
    TooFast,
    Unavailable,
)
from orders.questions import ask
from webhooks.decide import Outcome

_REFUSED = _("Appmax refused it.")
_NO_ANSWER = _("Appmax gave no answer.")
_FAILURES = {
    Declined.__name__: _REFUSED,
    Rejected.__name__: _REFUSED,
    Unavailable.__name__: _NO_ANSWER,
    OutcomeUnknown.__name__: _NO_ANSWER,
    ask.NOT_FOUND: _("Appmax knows no such order of this merchant."),
    ask.UnknownStatus.__name__: _("Appmax's answer could not be understood."),
    CredentialsRefused.__name__: _("Appmax refused this merchant's credentials."),
    CredentialsUnreadable.__name__: _("Our own keys don't open the stored secret: see FIELD_ENCRYPTION_KEYS."),
    TooFast.__name__: _("This merchant's requests came faster than Appmax allows, so this one wasn't sent."),
}
_DETAILS = _FAILURES | {outcome.value: outcome.label for outcome in Outcome}

DISABLED, NAMED = gettext_noop("Disabled"), gettext_noop("Named")
"""After these a line of the history has what one of the staff has typed, which may be any word."""


def reais(cents: int) -> str:
    """An amount as the reader's language writes it: R$ 1.234,56."""
    return format_currency(Decimal(cents) / 100, "BRL", locale=locale())


def ago(at: datetime) -> SafeString:
    """How long ago it was, in words. The exact time appears when the pointer rests on it."""
    return format_html(
        '<time datetime="{}" title="{}" class="whitespace-nowrap">{}</time>',
        at.isoformat(),
        moment(at),
        since(at, timezone.now()),
    )


def since(at: datetime, now: datetime) -> str:
    """How long before `now` it was, within a sentence: há 12 minutos."""
    return format_timedelta(at - now, add_direction=True, locale=locale())


def moment(at: datetime) -> str:
    """A date and time in staff's time zone, as `web.formats` has it: 24/11/2026 14:32."""
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")


def when(at: datetime) -> SafeString:
    """The date and time. How long ago that was appears when the pointer rests on it."""
    return format_html(
        '<time datetime="{}" title="{}" class="whitespace-nowrap">{}</time>',
        at.isoformat(),
        since(at, timezone.now()),
        moment(at),
    )


def lasted(span: timedelta) -> str:
    """A span in words: 3 segundos."""
    return format_timedelta(span, threshold=1.5, locale=locale()) if span.total_seconds() >= 1 else "< 1 s"


def badge(text: str, tone: str) -> SafeString:
    """A coloured label. `tone` is success, info, warning, danger, primary or default."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": tone})


def copyable(element_id: str, text: str | None) -> str:
    """A long code with a button that copies it; "-" if there is no code."""
    if not text:
        return "-"
    return format_html(
        '<span id="{0}" class="code">{1}</span> <button type="button" data-copy="{0}" data-done="{2}" '
        'class="text-primary-600 font-medium cursor-pointer">{3}</button>',
        element_id,
        text,
        gettext("Copied"),
        gettext("Copy"),
    )


def explained(error: Exception) -> str:
    """The message to staff when a call to Appmax failed."""
    match error:
        case Declined() | Rejected():
            return gettext("Appmax refused: %(message)s") % {"message": error.message or "-"}
        case OutcomeUnknown():
            return gettext("Appmax did not confirm. It may have happened: look in Appmax's panel before trying again.")
        case CredentialsUnreadable() | CredentialsRefused():
            return failure(type(error).__name__)
        case TooFast():
            return gettext("This merchant's requests come faster than Appmax allows; nothing was sent. Try again soon.")
        case _:
            return gettext("Appmax is not available; nothing was done. Try again later.")


def failure(kind: str) -> str:
    """Why a question to Appmax failed, by the name of the error that the question keeps."""
    return str(_FAILURES.get(kind, _NO_ANSWER))


def history(what: str, detail: str = "") -> str:
    """A line for a row's history: a fixed English text (marked by `gettext_noop`), then the details."""
    return f"{what}: {detail}" if detail else what


def told(line: str) -> str:
    """A line of `history` in the reader's language, with an error or an event's outcome in words. Any other line is
    returned as it is."""
    what, colon, detail = line.partition(": ")
    if what not in (DISABLED, NAMED):
        detail = str(_DETAILS.get(detail, detail))
    return gettext(what) + colon + detail if what else ""


def locale() -> str:
    """Babel's name of the reader's language."""
    return to_locale(get_language() or "pt-br")
