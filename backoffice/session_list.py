"""The list and page of logins: one's own, and for administrators everybody's."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from backoffice import roles, sessions, team_log
from backoffice.kit.lists import OneChoiceFilter, ReadOnlyAdmin, action, display
from backoffice.kit.words import ago, badge, moment, when
from backoffice.models import StaffSession


class OpenFilter(OneChoiceFilter):
    """Sessions that are still logged in."""

    title = _("open")
    parameter_name = "open"
    choice = ("yes", _("Still logged in"))

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(is_open=True)


@admin.register(StaffSession)
class StaffSessionAdmin(ReadOnlyAdmin[StaffSession]):
    """One's own sessions, and for administrators everybody's."""

    list_display = ("began", "user", "state", "last_seen", "address", "browser_name")
    list_filter = (OpenFilter, ("user", AutocompleteSelectFilter))
    list_select_related = ("user", "ended_by")
    search_fields = ("user__username", "address")
    search_help_text = _("Part of a user's name or of an address")
    ordering = ("-seen_at", "-pk")
    fields = (("user", "state"), ("began", "last_seen"), ("address", "browser"), "over")
    readonly_fields = ("user", "state", "began", "last_seen", "address", "browser", "over")
    actions_detail = ("end_session",)
    actions_list = ("end_others",)

    # --- who may ---

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_manage_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody sees their own, as `get_queryset` has no others for them."""
        return obj is None or obj.user_id == request.user.pk or self.has_manage_permission(request)

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("backoffice.manage_staffsession")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffSession]:
        rows = sessions.with_open(super().get_queryset(request)).select_related("user", "ended_by").defer("session_key")
        return rows if self.has_manage_permission(request) else rows.filter(user=request.user.pk)

    # --- columns and fields ---

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Who sees only the own has nobody to choose from."""
        return super().get_list_filter(request) if self.has_manage_permission(request) else (OpenFilter,)

    @display(description=_("began at"))
    def began(self, row: StaffSession) -> str:
        return when(row.began_at)

    @display(description=_("last seen"))
    def last_seen(self, row: StaffSession) -> str:
        return ago(row.seen_at)

    @display(description=_("state"))
    def state(self, row: Any) -> str:
        if row.is_open:
            return badge(gettext("Open"), "success")
        return badge(gettext("Ended") if row.ended_at else gettext("Expired"), "default")

    @display(description=_("browser"))
    def browser_name(self, row: StaffSession) -> str:
        """The browser and the system, as far as the header names known ones."""
        systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
        browsers = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
        named = next((name for mark, name in browsers if mark in row.browser), "")
        system = next((name for name in systems if name in row.browser), "")
        return " · ".join(filter(None, (named, system))) or row.browser[:30] or "-"

    @display(description=_("ended at"))
    def over(self, row: StaffSession) -> str:
        return f"{moment(row.ended_at)} · {row.ended_by}" if row.ended_at else "-"

    # --- what is done ---

    @action(description=_("End session"), url_path="end", icon="logout")
    def end_session(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Log the session's browser out. Nobody ends a session of somebody with more rights."""
        row = self.found(request, object_id)
        lists = reverse("admin:backoffice_staffsession_changelist")
        owner: Any = row.user
        if not roles.outranks(request.user, owner) and owner.pk != request.user.pk:
            messages.error(request, gettext("This user may do more than you, so only a superuser ends the session."))
            return HttpResponseRedirect(lists)
        if request.method != "POST":
            return self.confirm(
                request,
                row,
                title=gettext("End this session?"),
                question=gettext("The browser is logged out at once. What was typed there and not saved is lost."),
                button=gettext("End session"),
                back=lists,
                is_dangerous=True,
            )
        if sessions.end(StaffSession.objects.filter(pk=row.pk), by=request.user):
            team_log.note(request.user, owner, sessions.ENDED, row.address or "")
        messages.success(request, gettext("The session is over."))
        return HttpResponseRedirect(lists)

    @action(description=_("End all my other sessions"), url_path="end-others", icon="logout")
    def end_others(self, request: HttpRequest) -> HttpResponse:
        """Log out all other browsers of the user."""
        user: Any = request.user
        lists = reverse("admin:backoffice_staffsession_changelist")
        if request.method != "POST":
            return self.confirm(
                request,
                StaffSession(user=user),
                row_title=str(user),
                title=gettext("End all your other sessions?"),
                question=gettext("All browsers but this one are logged out at once."),
                button=gettext("End all my other sessions"),
                back=lists,
                is_dangerous=True,
            )
        sessions.end_others(request)
        messages.success(request, gettext("All other sessions are over."))
        return HttpResponseRedirect(lists)
