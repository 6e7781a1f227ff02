"""Users, roles, authenticator apps and failed logins: other packages' models, in the look of the rest."""

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

# Importing a library's admin registers it; ours take their places.
for model in (User, Group, TOTPDevice):
    admin.site.unregister(model)


# The library has no words for people.
TOTPDevice._meta.verbose_name = _("authenticator app")
TOTPDevice._meta.verbose_name_plural = _("authenticator apps")


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ModelAdmin[User]):
    """Staff. Who isn't a superuser can neither make one nor change one."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "groups")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Superuser is a box that only a superuser may tick."""
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "is_superuser")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """As usual, superusers aside."""
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody: what they did would go with them. Who leaves is deactivated."""
        return False

    @staticmethod
    def _may_touch(request: HttpRequest, obj: User | None) -> bool:
        return obj is None or not obj.is_superuser or bool(request.user.is_superuser)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin[Group]):
    """The roles that the migrations made, and others."""


@admin.register(TOTPDevice)
class DeviceAdmin(ReadOnlyAdmin[TOTPDevice]):
    """Authenticator apps, which their owners set up themselves. A lost one is deleted here; its secret isn't shown."""

    list_display = ("user", "is_set_up", "made", "used")
    list_select_related = ("user",)
    readonly_fields = ("is_set_up", "made", "used")
    fields = (("user", "is_set_up"), ("made", "used"))

    @display(description=_("set up"), boolean=True)
    def is_set_up(self, device: TOTPDevice) -> bool:
        """Whether its first code was right."""
        return bool(device.confirmed)

    @display(description=_("created"))
    def made(self, device: TOTPDevice) -> str:
        """How long ago."""
        return ago(device.created_at) if device.created_at else "-"

    @display(description=_("last used"))
    def used(self, device: TOTPDevice) -> str:
        """How long ago."""
        return ago(device.last_used_at) if device.last_used_at else "-"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For who lost the phone; a superuser's only by a superuser."""
        may = request.user.has_perm("otp_totp.delete_totpdevice")
        return may and (obj is None or not obj.user.is_superuser or bool(request.user.is_superuser))


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin[AccessAttempt]):
    """Failed logins; deleting one lets its user try again at once."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    fields = ("attempt_time", "username", "ip_address", "user_agent", "failures_since_start")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Unlocks."""
        return request.user.has_perm("axes.delete_accessattempt")
