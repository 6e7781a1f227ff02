"""The columns, filters and orders of the list of merchants."""

from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.kit.lists import DateRangeFilter, OneChoiceFilter, display
from backoffice.kit.words import ago, badge, reais
from backoffice.merchant_page import failing_url
from backoffice.models import MerchantFigures
from backoffice.overview.charts import number
from backoffice.rhythm import UNUSUAL_WEBHOOKS
from installations.models import Installation


class DisabledFilter(OneChoiceFilter):
    """Merchants whose routes answer 403."""

    title = _("disabled")
    parameter_name = "disabled"
    choice = ("yes", _("Disabled"))

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(suspension__isnull=False)


class RefusedFilter(OneChoiceFilter):
    """Merchants whose credentials Appmax refuses."""

    title = _("refused by Appmax")
    parameter_name = "refused"
    choice = ("yes", _("Credentials refused"))

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those that nothing can be sold for until they are connected again."""
        return queryset.filter(refused_since__isnull=False)


class InstalledFilter(DateRangeFilter):
    """When a merchant installed the app."""

    def recent(self) -> list[dict[str, Any]]:
        """No links above the list: "today" would be taken for today's figures."""
        return []


@display(description=_("merchant"))
def merchant(installation: Installation) -> str:
    """The name with the external key below it, or only the key."""
    if not installation.name:
        return installation.external_key
    return format_html(
        '{}<br><span class="text-font-subtle-light dark:text-font-subtle-dark">{}</span>',
        installation.name,
        installation.external_key,
    )


@display(description=_("state"))
def state(installation: Installation) -> str:
    if hasattr(installation, "suspension"):
        return badge(gettext("Disabled: %(reason)s") % {"reason": installation.suspension.reason}, "danger")
    if installation.refused_since is not None:
        return badge(gettext("Credentials refused"), "danger")
    if not installation.is_confirmed:
        return badge(gettext("Credentials not verified yet"), "warning")
    return badge(gettext("Active"), "success")


@display(description=_("failing today"), ordering=Coalesce("figures__failed_today", 0))
def failing(installation: Installation) -> str:
    """The payment attempts of today that fail, of how many."""
    kept = _todays(installation)
    if kept is None or not kept.failed_today:
        return "-"
    return format_html(
        '<a href="{}" class="text-link">{}</a>',
        failing_url(installation),
        gettext("%(failed)s of %(tried)s") % {"failed": kept.failed_today, "tried": kept.tried_today},
    )


@display(description=_("last webhook"), ordering=Coalesce("figures__missed_webhooks", -1.0))
def last_webhook(installation: Installation) -> str:
    """When it came, and a warning if such a silence is unusual for this merchant."""
    kept = getattr(installation, "figures", None)
    if kept is None or kept.last_webhook_at is None:
        return "-"
    since = ago(kept.last_webhook_at)
    if (kept.missed_webhooks or 0) < UNUSUAL_WEBHOOKS:
        return since
    warning = gettext("unusual: %(missed)s missing") % {"missed": number(round(kept.missed_webhooks))}
    return format_html("{} {}", since, badge(warning, "danger"))


@display(description=_("net this month"), ordering=Coalesce("figures__month_cents", 0))
def month(installation: Installation) -> str:
    """What was paid, and not paid back, of the orders that were made this month."""
    kept = _todays(installation)
    return reais(kept.month_cents) if kept else "-"


@display(description=_("last payment"))
def last_payment(installation: Installation) -> str:
    kept = getattr(installation, "figures", None)
    return ago(kept.last_payment_at) if kept and kept.last_payment_at else "-"


@display(description=_("installed"))
def installed(installation: Installation) -> str:
    return ago(installation.installed_at)


def _todays(installation: Installation) -> MerchantFigures | None:
    """The merchant's kept figures, if they are of today: a worker that has stopped leaves yesterday's."""
    kept: MerchantFigures | None = getattr(installation, "figures", None)
    return kept if kept and timezone.localtime(kept.refreshed_at).date() == timezone.localdate() else None


FILTERS: Any = (DisabledFilter, RefusedFilter, ("installed_at", InstalledFilter))
COLUMNS: Any = (merchant, state, failing, last_webhook, month, last_payment, installed)
SORTABLE: Any = (failing, last_webhook, month)
"""Thousands of rows are sorted in milliseconds, so these need no index."""


def orders(changelist: Any, chosen: str) -> list[tuple[str, str, bool]]:
    """The links that order the list by what is worst or most first: title, URL, and whether it is `chosen`, the value
    of the URL's `o`."""
    titles = {failing: gettext("Failing today"), last_webhook: gettext("Silent"), month: gettext("Volume")}
    places = {f"-{changelist.list_display.index(column)}": title for column, title in titles.items()}
    return [
        (title, changelist.get_query_string({"o": place} if place else {}, remove=["o", "p"]), place == chosen)
        for place, title in [("", gettext("Newest")), *places.items()]
    ]
