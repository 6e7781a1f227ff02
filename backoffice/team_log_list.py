"""The team's log: who logged in, who changed what. Its rows are Django's LogEntry, which all pages write."""

from operator import attrgetter
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from backoffice.kit.export import ExportableAdmin
from backoffice.kit.lists import DateRangeFilter, display
from backoffice.kit.tables import Column, Kind, Table
from backoffice.kit.words import when
from backoffice.team_log import message

LogEntry._meta.verbose_name = _("entry of the team log")
LogEntry._meta.verbose_name_plural = _("team log")


def _kind(entry: LogEntry) -> str:
    return str(entry.content_type.name) if entry.content_type else "-"


_WHO = Column(_("user"), Kind.TEXT, lambda entry: entry.user.get_username())
_KIND = Column(_("kind"), Kind.TEXT, _kind)
EXPORTED = Table(
    columns=(
        Column(_("when"), Kind.MOMENT, attrgetter("action_time")),
        _WHO,
        Column(_("what was done"), Kind.TEXT, message),
        _KIND,
        Column(_("thing"), Kind.TEXT, attrgetter("object_repr")),
        Column(_("id"), Kind.TEXT, attrgetter("object_id")),
    ),
    groups=(_WHO, _KIND),
    rows=lambda: LogEntry.objects.select_related("user", "content_type"),
)


@admin.register(LogEntry)
class LogEntryAdmin(ExportableAdmin[LogEntry]):
    """Everything that staff did, newest first. Nobody can change or delete it here."""

    list_display = ("at", "user", "what", "kind", "thing")
    list_display_links = None
    list_filter: ClassVar[Any] = (
        ("action_time", DateRangeFilter),
        ("user", AutocompleteSelectFilter),
        "action_flag",
    )
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "change_message", "user__username")
    search_help_text = _("Part of a user's name, of what was changed, or of what was done")
    ordering = ("-action_time", "-pk")
    fields = (("at", "user"), "what", ("kind", "thing"))
    readonly_fields = ("at", "user", "what", "kind", "thing")
    exported = EXPORTED

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Who sees the log may take it along, for whoever audits it."""
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        return super().get_queryset(request).select_related("user", "content_type")

    @display(description=_("when"))
    def at(self, entry: LogEntry) -> str:
        return when(entry.action_time)

    @display(description=_("what was done"))
    def what(self, entry: LogEntry) -> str:
        return message(entry)

    @display(description=_("kind"))
    def kind(self, entry: LogEntry) -> str:
        return _kind(entry)

    @display(description=_("thing"))
    def thing(self, entry: LogEntry) -> str:
        """The row that was changed, as a link to its page if there is one."""
        url = entry.get_admin_url()
        if not url or entry.action_flag == DELETION:
            return entry.object_repr
        return format_html('<a href="{}" class="text-link">{}</a>', url, entry.object_repr)
