"""The lists and pages of users, roles, authenticator apps and failed logins, whose models are other packages'."""

from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp import admin as _registers_devices  # noqa: F401
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from backoffice.kit.lists import ModelAdmin, ReadOnlyAdmin, display
from backoffice.kit.words import ago

# Importing a library's admin registers its pages, which ours replace.
for model in (User, Group, TOTPDevice):
    admin.site.unregister(model)


# The library gives its models no readable names.
TOTPDevice._meta.verbose_name = _("authenticator app")
TOTPDevice._meta.verbose_name_plural = _("authenticator apps")


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ModelAdmin[User]):
    """Staff. Only a superuser can make or change superusers."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "groups")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only a superuser may tick the superuser box."""
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "is_superuser")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody may delete a user, because the history of their actions would go too. Somebody who leaves is
        deactivated instead."""
        return False

    @staticmethod
    def _may_touch(request: HttpRequest, obj: User | None) -> bool:
        return obj is None or not obj.is_superuser or bool(request.user.is_superuser)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin[Group]):
    """Roles: those that the migrations made, and any others."""


@admin.register(TOTPDevice)
class DeviceAdmin(ReadOnlyAdmin[TOTPDevice]):
    """Authenticator apps, which their owners set up themselves. Somebody who lost the phone has it deleted here. The
    secret isn't shown."""

    list_display = ("user", "is_set_up", "made", "used")
    list_select_related = ("user",)
    readonly_fields = ("owner", "is_set_up", "made", "used")
    fields = (("owner", "is_set_up"), ("made", "used"))

    @display(description=_("user"))
    def owner(self, device: TOTPDevice) -> str:
        """The user, without the library's English help beside it."""
        return str(device.user.get_username())

    @display(description=_("set up"), boolean=True)
    def is_set_up(self, device: TOTPDevice) -> bool:
        """Whether the owner has typed a right code."""
        return bool(device.confirmed)

    @display(description=_("created"))
    def made(self, device: TOTPDevice) -> str:
        return ago(device.created_at) if device.created_at else "-"

    @display(description=_("last used"))
    def used(self, device: TOTPDevice) -> str:
        return ago(device.last_used_at) if device.last_used_at else "-"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a superuser may delete a superuser's app."""
        may = request.user.has_perm("otp_totp.delete_totpdevice")
        return may and (obj is None or not obj.user.is_superuser or bool(request.user.is_superuser))


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin[AccessAttempt]):
    """Failed logins. Deleting one lets the user try again at once."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    fields = ("attempt_time", "username", "ip_address", "user_agent", "failures_since_start")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("axes.delete_accessattempt")
