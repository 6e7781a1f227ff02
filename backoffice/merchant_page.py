"""What a merchant's page says: how things stand, its month by method, what fails today, and what came last."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from babel.dates import format_skeleton
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice import merchant_figures
from backoffice.attempt_words import name_of, said
from backoffice.event_list import OUTCOME_TONES
from backoffice.kit.lists import midnight
from backoffice.kit.words import ago, badge, locale, reais
from backoffice.merchant_figures import FAILING
from backoffice.order_list import STATUS_TONES
from backoffice.overview.charts import Figure, list_url, number, share
from backoffice.overview.lists import by, having, states
from backoffice.rhythm import UNUSUAL_PAYMENTS, UNUSUAL_WEBHOOKS, Rhythm
from installations.models import ApiKey, Installation
from orders.models import AttemptState, Order, PaymentAttempt
from orders.status import BY_CARD, EVER_PAID, PAID_LATER, OrderStatus, PaymentMethod
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

LATEST = 5  # orders and events
MOST_KEYS = 20
MOST_FAILING = 500  # payment attempts of today that are looked at
FAILING_SHOWN = 5


@dataclass(frozen=True)
class Line:
    """A sentence on how things stand. `tone` is good, bad, open or "". `url` leads to the list that it tells of."""

    text: str
    tone: str = ""
    url: str = ""


def context(request: HttpRequest, installation: Installation) -> dict[str, Any]:
    """The page's parts that the user may see."""
    may, now = request.user.has_perm, timezone.localtime()
    kept = getattr(installation, "figures", None)
    lines = [credentials(installation)]
    found: dict[str, Any] = {"lines": lines}
    if may("orders.view_paymentattempt"):
        failing = _failing(installation, now)
        lines.append(failures(len(failing), failing_url(installation)))
        found |= {"failing": [_attempt(row) for row in failing[:FAILING_SHOWN]], "reasons": _reasons(failing)}
    if may("orders.view_order"):
        lines.append(payments(kept and kept.last_payment_at, kept and kept.payments, now))
        orders = Order.objects.filter(installation=installation).defer("pix_qr_code").order_by("-created_at", "-pk")
        found |= {
            "orders": [_order(order) for order in orders[:LATEST]],
            "orders_url": list_url("orders_order", _of(installation)),
            **_month(request, installation, now.date()),
        }
    if may("webhooks.view_webhookevent"):
        events = WebhookEvent.objects.filter(installation=installation).defer("payload").order_by("-created_at", "-pk")
        newest = list(events[:LATEST])
        lines.append(webhooks(newest[0].created_at if newest else None, kept and kept.webhooks, now))
        found |= {
            "events": [_event(event) for event in newest],
            "events_url": list_url("webhooks_webhookevent", _of(installation)),
        }
    if may("installations.view_apikey"):
        keys = ApiKey.objects.filter(installation=installation).order_by("revoked", "-created")
        found |= {
            "keys": [_key(key) for key in keys[:MOST_KEYS]],
            "keys_url": list_url("installations_apikey", _of(installation)),
        }
    return found


# --- how things stand ------------------------------------------------------------------------------------------------


def credentials(installation: Installation) -> Line:
    """Whether the shop can sell."""
    if hasattr(installation, "suspension"):
        since, reason = spoken(installation.suspension.since), installation.suspension.reason
        return Line(
            _("Disabled since %(since)s, so its routes answer 403. Reason: %(reason)s")
            % {"since": since, "reason": reason},
            "bad",
        )
    if installation.refused_since is not None:
        since = spoken(installation.refused_since)
        text = _(
            "Appmax has refused this shop's credentials since %(since)s, so nothing can be sold. The merchant has to "
            "connect the shop again: make a reconnect link."
        )
        return Line(text % {"since": since}, "bad")
    if not installation.is_confirmed:
        return Line(_("Appmax has not said yet whether it accepts the credentials. It is asked every minute."), "open")
    return Line(_("Active: Appmax accepts the shop's credentials."), "good")


def webhooks(last_at: datetime | None, rhythm: Rhythm | None, now: datetime) -> Line:
    """When the last webhook came, and whether the silence since then is unusual."""
    if last_at is None:
        return Line(_("No webhook has come yet."), "open")
    usual = _usual(rhythm)
    missed = merchant_figures.missed(rhythm, last_at, now) or 0
    if missed >= UNUSUAL_WEBHOOKS:
        text = _("No webhook since %(when)s: about %(missed)s usually come in that time.")
        return Line(_joined(text % {"when": spoken(last_at), "missed": number(round(missed))}, usual), "bad")
    if timezone.localtime(last_at).date() < now.date():
        return Line(_joined(_("No webhook since %(when)s.") % {"when": spoken(last_at)}, usual))
    return Line(_joined(_("Last webhook: %(when)s.") % {"when": spoken(last_at)}, usual), "good")


def payments(last_at: datetime | None, rhythm: Rhythm | None, now: datetime) -> Line:
    """When a payment was last known to be made, and whether the silence since then is unusual."""
    if last_at is None:
        return Line(_("No payment in the last four weeks."))
    usual = _usual(rhythm)
    missed = merchant_figures.missed(rhythm, last_at, now) or 0
    if missed >= UNUSUAL_PAYMENTS:
        text = _("No payment since %(when)s: about %(missed)s are usually made in that time.")
        return Line(_joined(text % {"when": spoken(last_at), "missed": number(round(missed))}, usual), "bad")
    if timezone.localtime(last_at).date() < now.date():
        return Line(_joined(_("No payment since %(when)s.") % {"when": spoken(last_at)}, usual))
    return Line(_joined(_("Last payment: %(when)s.") % {"when": spoken(last_at)}, usual), "good")


def failures(count: int, url: str) -> Line:
    """How many payment attempts of today are failing."""
    if not count:
        return Line(_("No payment attempt has failed today."), "good")
    if count >= MOST_FAILING:
        return Line(_("More than %(count)s payment attempts have failed today.") % {"count": number(count)}, "bad", url)
    text = ngettext(
        "%(count)s payment attempt has failed today.", "%(count)s payment attempts have failed today.", count
    )
    return Line(text % {"count": number(count)}, "bad", url)


def _usual(rhythm: Rhythm | None) -> str:
    if rhythm is None:
        return ""
    per_day = round(rhythm.per_day)
    if per_day < 1:
        return _("Less than one a day is usual.")
    return ngettext("About %(count)s a day is usual.", "About %(count)s a day are usual.", per_day) % {
        "count": number(per_day)
    }


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def spoken(at: datetime) -> str:
    """A time within a sentence: today at 14:32, yesterday at 18:40, or the date and the time."""
    at = timezone.localtime(at)
    time = f"{at:%H:%M}"
    days = (timezone.localdate() - at.date()).days
    if days == 0:
        return _("today at %(time)s") % {"time": time}
    if days == 1:
        return _("yesterday at %(time)s") % {"time": time}
    return _("%(date)s at %(time)s") % {"date": date_format(at, "SHORT_DATE_FORMAT"), "time": time}


# --- payments that fail ----------------------------------------------------------------------------------------------


def _failing(installation: Installation, now: datetime) -> list[PaymentAttempt]:
    attempts = PaymentAttempt.objects.filter(
        order__installation=installation, started_at__gte=midnight(now.date()), state__in=FAILING
    )
    wanted = attempts.select_related("order").only(
        "method", "state", "answer", "started_at", "order__appmax_order_id", "order__status", "order__total_cents"
    )
    return list(wanted.order_by("-started_at", "-pk")[:MOST_FAILING])


def _reason(attempt: PaymentAttempt) -> str:
    return said(attempt) or name_of(attempt, attempt.order.status).words


def _reasons(failing: Iterable[PaymentAttempt]) -> list[tuple[str, int]]:
    return Counter(map(_reason, failing)).most_common(3)


def _attempt(row: PaymentAttempt) -> dict[str, Any]:
    return {
        "url": reverse("admin:orders_paymentattempt_change", args=[row.pk]),
        "order": row.order,
        "order_url": reverse("admin:orders_order_change", args=[row.order_id]),
        "method": row.get_method_display(),
        "amount": reais(row.order.total_cents),
        "state": badge(*astuple(name_of(row, row.order.status))),
        "said": _reason(row),
        "when": ago(row.started_at),
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "url": reverse("admin:orders_order_change", args=[order.pk]),
        "order": order,
        "status": badge(order.get_status_display(), STATUS_TONES[OrderStatus(order.status)]),
        "method": order.get_payment_method_display() or "-",
        "amount": reais(order.total_cents),
        "when": ago(order.created_at),
    }


def _event(event: WebhookEvent) -> dict[str, Any]:
    return {
        "url": reverse("admin:webhooks_webhookevent_change", args=[event.pk]),
        "event": event.event,
        "outcome": badge(event.get_outcome_display(), OUTCOME_TONES[Outcome(event.outcome)]),
        "order": event.appmax_order_id or "-",
        "when": ago(event.created_at),
    }


def _key(key: ApiKey) -> dict[str, Any]:
    return {
        "url": reverse("admin:installations_apikey_change", args=[key.pk]),
        "name": key.name,
        "prefix": key.prefix,
        "usable": _usable(key),
        "last_used": ago(key.last_used_at) if key.last_used_at else _("not yet"),
        "made": ago(key.created),
    }


def _usable(key: ApiKey) -> str:
    if key.revoked:
        return badge(_("Revoked"), "default")
    return badge(_("Expired"), "default") if key.has_expired else badge(_("Usable"), "success")


# --- a month by method -----------------------------------------------------------------------------------------------


def _month(request: HttpRequest, installation: Installation, today: date) -> dict[str, Any]:
    """The table of the month that the URL names, or of this month."""
    this = today.replace(day=1)
    oldest = timezone.localtime(installation.created_at).date().replace(day=1)
    first = min(max(_first_day(request.GET.get("month", "")) or this, oldest), this)
    last = merchant_figures.following(first) - timedelta(days=1)
    period = {"created_at_from": first.isoformat(), "created_at_to": last.isoformat()}
    orders = partial(list_url, "orders_order", _of(installation), period)
    rows = merchant_figures.month(installation.pk, first)
    names = ("orders", "paid", "paid_cents", "net_cents", "approved", "declined")
    whole = {"method": None, **{name: sum(row[name] for row in rows) for name in names}}
    may_export = request.user.has_perm("orders.export_order")
    query = urlencode({**_of(installation), **period})
    return {
        "month_name": str(format_skeleton("yMMMM", first, locale=locale())),
        "month_before": f"?month={first - timedelta(days=1):%Y-%m}" if first > oldest else "",
        "month_after": f"?month={merchant_figures.following(first):%Y-%m}" if first < this else "",
        "month_rows": [_method_row(row, installation, first, last, orders) for row in [*rows, whole]],
        "month_files": {
            form: reverse("admin:orders_order_export", args=[form]) + f"?{query}"
            for form in ("csv", "xlsx")
            if may_export
        },
    }


def _first_day(text: str) -> date | None:
    """The first day of a month that is written as 2026-11; None for any other text."""
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


def _method_row(row: dict[str, Any], installation: Installation, first: date, last: date, orders: Any) -> Any:
    """The row's name and its figures. A card is approved or declined at once; a Pix or boleto is paid later."""
    method = row["method"]
    of_method = {} if method is None else by(method)
    all_url, paid_url = orders(of_method), orders(of_method, having(EVER_PAID))
    if method in BY_CARD:
        tried = {
            "order__installation__id__exact": installation.pk,
            "method__exact": method,
            **states(AttemptState.SUCCEEDED, AttemptState.DECLINED),
            "started_at_from": first.isoformat(),
            "started_at_to": last.isoformat(),
        }
        approval = share(row["approved"], row["approved"] + row["declined"])
        approved = Figure(_("approval"), approval, list_url("orders_paymentattempt", tried))
    else:
        is_rate = method in PAID_LATER
        approved = Figure(_("approval"), share(row["paid"], row["orders"]) if is_rate else "–", paid_url)
    back = row["paid_cents"] - row["net_cents"]
    label = _("Total") if method is None else str(PaymentMethod(method).label) if method else _("No method")
    return label, [
        Figure(_("orders"), number(row["orders"]), all_url),
        Figure(_("paid orders"), number(row["paid"]), paid_url),
        approved,
        Figure(_("paid amount"), reais(row["paid_cents"]), paid_url),
        Figure(_("back or disputed"), reais(back), paid_url),
        Figure(_("net"), reais(row["net_cents"]), paid_url),
    ]


# --- lists -----------------------------------------------------------------------------------------------------------


def _of(installation: Installation) -> dict[str, Any]:
    return {"installation__id__exact": installation.pk}


def failing_url(installation: Installation) -> str:
    """The list of the merchant's payment attempts of today that fail."""
    today = timezone.localdate().isoformat()
    theirs = {"order__installation__id__exact": installation.pk, "started_at_from": today, "started_at_to": today}
    return list_url("orders_paymentattempt", theirs, states(*FAILING))
