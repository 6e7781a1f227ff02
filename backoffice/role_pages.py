"""The list and page of roles, and what keeps somebody who can look after users."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldBooleanSwitchWidget

from backoffice import roles
from backoffice.kit.lists import ModelAdmin, display
from backoffice.models import RoleSettings

admin.site.unregister(Group)  # Ours replaces Django's page.


class NobodyLeft(Exception):
    """The change would leave nobody who can log in and change users."""


def keeping_somebody(request: HttpRequest, change: Callable[[], Any]) -> Any:
    """Make the change, unless afterwards nobody could look after users. Those who can are locked, so that two who
    take each other's rights away do so one after the other."""
    if request.method != "POST":
        return change()
    try:
        with transaction.atomic():
            list(roles.keepers().order_by("pk").select_for_update(of=("self",)))
            response = change()
            if not roles.keepers().exists():
                raise NobodyLeft
    except NobodyLeft:
        text = gettext("Nobody would be left who can look after users, so nothing was changed.")
        messages.error(request, text)
        return HttpResponseRedirect(request.get_full_path())
    return response


class RoleForm(forms.ModelForm[Group]):
    """A role with its permissions, and whether it needs a second factor."""

    needs_second_factor = forms.BooleanField(
        label=_("Needs a second factor"),
        required=False,
        help_text=_("Who has this role is asked for an authenticator app at login, and sets one up the first time."),
        widget=UnfoldBooleanSwitchWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = RoleSettings.objects.filter(pk=self.instance.pk).first()
        self.fields["needs_second_factor"].initial = bool(found and found.needs_second_factor)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin[Group]):
    """Roles: those that the migrations made, and any others. Nobody changes a role that allows more than they may, or
    puts into one what they may not do themselves."""

    form = RoleForm
    fields = ("name", "needs_second_factor", "permissions")
    list_display = ("shown_name", "second_factor", "members")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        rows = super().get_queryset(request).select_related("settings")
        return rows.annotate(count=Count("user", filter=Q(user__is_active=True)))

    @display(description=_("name"), ordering="name")
    def shown_name(self, group: Group) -> str:
        return str(group)

    @display(description=_("needs a second factor"), boolean=True)
    def second_factor(self, group: Group) -> bool:
        found = getattr(group, "settings", None)
        return bool(found and found.needs_second_factor)

    @display(description=_("active users"))
    def members(self, group: Any) -> int:
        return int(group.count)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may_touch(request, obj)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        if db_field.name == "permissions" and request is not None:
            kwargs["queryset"] = roles.may_give(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any = None, change: bool = False) -> None:
        super().save_model(request, obj, form, change)
        needs = form.cleaned_data["needs_second_factor"]
        RoleSettings.objects.update_or_create(group=obj, defaults={"needs_second_factor": needs})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return keeping_somebody(
            request, lambda: super(GroupAdmin, self).changeform_view(request, object_id, form_url, extra_context)
        )

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        return keeping_somebody(request, lambda: super(GroupAdmin, self).delete_view(request, object_id, extra_context))

    def get_actions(self, request: HttpRequest) -> Any:
        """Roles are deleted one at a time, on their pages."""
        return {}

    @staticmethod
    def _may_touch(request: HttpRequest, obj: Group | None) -> bool:
        return obj is None or roles.givable(request.user).filter(pk=obj.pk).exists()
