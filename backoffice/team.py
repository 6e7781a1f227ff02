"""The lists and pages of users, roles, authenticator apps and failed logins, whose models are other packages'."""

from http import HTTPStatus
from typing import Any, cast

from axes.models import AccessAttempt
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static import admin as _registers_codes  # noqa: F401
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp import admin as _registers_devices  # noqa: F401
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AdminPasswordChangeForm, UserChangeForm
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from backoffice import links, roles, sessions
from backoffice.keys import show_once
from backoffice.kit.lists import ModelAdmin, ReadOnlyAdmin, action, display
from backoffice.kit.words import ago, badge
from backoffice.models import StaffSession
from backoffice.role_pages import keeping_somebody
from web.pages import public_url

# Importing a library's admin registers its pages, which ours replace. Recovery codes have none.
for model in (User, TOTPDevice, StaticDevice):
    admin.site.unregister(model)


class InviteForm(forms.Form):
    """A new colleague. The roles to choose from are those that the inviter may give."""

    email = forms.EmailField(
        label=_("E-mail"), max_length=150, widget=UnfoldAdminEmailInputWidget({"autocomplete": "off"})
    )
    first_name = forms.CharField(label=_("First name"), max_length=150, widget=UnfoldAdminTextInputWidget)
    last_name = forms.CharField(label=_("Last name"), max_length=150, required=False, widget=UnfoldAdminTextInputWidget)
    role = forms.ModelChoiceField(Group.objects.none(), label=_("Role"), widget=UnfoldAdminSelectWidget)

    def __init__(self, inviter: Any, *args: Any) -> None:
        super().__init__(*args)
        cast(forms.ModelChoiceField[Group], self.fields["role"]).queryset = roles.givable(inviter)

    def clean_email(self) -> str:
        """The address becomes the user name, so it must be one, and nobody else's."""
        email: str = self.cleaned_data["email"]
        User.username_validator(email)
        if User.objects.filter(Q(username__iexact=email) | Q(email__iexact=email)).exists():
            raise forms.ValidationError(_("There is a user with this address already."))
        return email


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ModelAdmin[User]):
    """Staff. Nobody changes a user who may do more, or gives what they may not do themselves; somebody who looks after
    users is always left."""

    form = UserChangeForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "role_names", "standing", "second_factor", "last_seen")
    list_filter = ("is_active", "groups")
    actions_list = ("invite",)
    actions_detail = ("new_link",)

    # --- who may ---

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only a superuser may tick the superuser box."""
        fields = (*super().get_readonly_fields(request, obj), "last_login", "date_joined")
        return fields if request.user.is_superuser else (*fields, "is_superuser")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and (obj is None or roles.outranks(request.user, obj))

    def has_link_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whether the button may be there. Unfold asks with the row's id alone, so the view looks at the row."""
        return super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody may delete a user, because the history of their actions would go too. Somebody who leaves is
        deactivated instead."""
        return False

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The roles and permissions that the user who edits may give."""
        if db_field.name == "groups":
            kwargs["queryset"] = roles.givable(request.user)
        if db_field.name == "user_permissions":
            kwargs["queryset"] = roles.may_give(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    # --- columns ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Users with `seen_at`, when they last opened a page, and `has_app`, whether they set up a second factor."""
        seen_at = StaffSession.objects.filter(user=OuterRef("pk")).order_by("-seen_at").values("seen_at")[:1]
        has_app = Exists(TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True))
        return (
            super()
            .get_queryset(request)
            .annotate(seen_at=Subquery(seen_at), has_app=has_app)
            .prefetch_related("groups")
        )

    @display(description=_("name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "-"

    @display(description=_("roles"))
    def role_names(self, user: User) -> str:
        names = [str(group) for group in user.groups.all()]
        return ", ".join([gettext("Superuser"), *names] if user.is_superuser else names) or "-"

    @display(description=_("state"))
    def standing(self, user: User) -> str:
        if not user.is_active:
            return badge(gettext("Deactivated"), "default")
        if not user.has_usable_password():
            return badge(gettext("Invited"), "warning")
        return badge(gettext("Active"), "success")

    @display(description=_("second factor"), boolean=True)
    def second_factor(self, user: Any) -> bool:
        return bool(user.has_app)

    @display(description=_("last seen"))
    def last_seen(self, user: Any) -> str:
        return ago(user.seen_at) if user.seen_at else "-"

    # --- invitations ---

    @action(description=_("Invite a colleague"), url_path="invite", icon="person_add", permissions=["add"])
    def invite(self, request: HttpRequest) -> HttpResponse:
        """Lead to the page that does it."""
        return HttpResponseRedirect(reverse("admin:auth_user_add"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Invites a colleague, who chooses the password."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = InviteForm(request.user, request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                user = links.invite(by=request.user, **form.cleaned_data)
            except IntegrityError:  # Somebody has invited the same address at the same time.
                form.add_error("email", _("There is a user with this address already."))
            else:
                return self._hand_over(request, user)
        context = {
            "opts": self.opts,
            "title": gettext("Invite a colleague"),
            "row": gettext("A new member of the team"),
            "question": self._how(),
            "form": form,
            "button": gettext("Invite"),
            "back": reverse("admin:auth_user_changelist"),
        }
        return render(request, "admin/confirm.html", {**self.admin_site.each_context(request), **context})

    @action(description=_("New link to choose a password"), url_path="new-link", icon="link", permissions=["link"])
    def new_link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the user a link to choose a password: again, if the invitation has expired."""
        user = self.get_object(request, object_id)
        if user is None or not self.has_change_permission(request, user):
            raise PermissionDenied
        page = reverse("admin:auth_user_change", args=[user.pk])
        if not (user.is_active and user.is_staff):
            messages.error(request, gettext("This user is deactivated, or not of the staff."))
            return HttpResponseRedirect(page)
        if request.method != "POST":
            context = {
                "opts": self.opts,
                "title": gettext("Give a new link?"),
                "row": user,
                "question": self._how(),
                "button": gettext("New link"),
                "back": page,
            }
            return render(request, "admin/confirm.html", {**self.admin_site.each_context(request), **context})
        links.renew(user)
        return self._hand_over(request, user)

    @staticmethod
    def _how() -> str:
        if settings.EMAIL_HOST:
            return gettext("A link is sent by e-mail. It lets them choose a password once, within 48 hours.")
        return gettext(
            "No e-mail is set up here, so you are shown a link to hand over. It lets them choose a password once, "
            "within 48 hours."
        )

    def _hand_over(self, request: HttpRequest, user: User) -> HttpResponse:
        page = reverse("admin:auth_user_change", args=[user.pk])
        if user.email or not settings.EMAIL_HOST:
            if link := links.hand_over(user, by=request.user, base=public_url(request)):
                title = gettext("A link for %(user)s") % {"user": user}
                return show_once(request, self, "backoffice/password_link.html", title=title, text=link, back=page)
            messages.success(request, gettext("A link is on its way to %(email)s.") % {"email": user.email})
        else:
            messages.error(request, gettext("This user has no e-mail address."))
        return HttpResponseRedirect(page)

    # --- what else changes a login ---

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return keeping_somebody(
            request, lambda: super(UserAdmin, self).changeform_view(request, object_id, form_url, extra_context)
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any = None, change: bool = False) -> None:
        """Saves the user. The sessions of who is deactivated end."""
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            sessions.end_all(obj, by=request.user)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """Django's page, after which the user's sessions are over."""
        response = super().user_change_password(request, id, form_url)
        user = self.get_object(request, id)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND and user is not None:
            if user.pk == request.user.pk:
                sessions.keep_only(request)
            else:
                sessions.end_all(user, by=request.user)
        return response


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
        """Nobody may delete the app of somebody who may do more."""
        may = request.user.has_perm("otp_totp.delete_totpdevice")
        return may and (obj is None or roles.outranks(request.user, obj.user))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Deletes the app, and the recovery codes that were made for it."""
        StaticDevice.objects.filter(user=obj.user).delete()
        super().delete_model(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """Apps are deleted one at a time, on their pages."""
        return {}


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin[AccessAttempt]):
    """Failed logins. Deleting one lets the user try again at once."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    fields = ("attempt_time", "username", "ip_address", "user_agent", "failures_since_start")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("axes.delete_accessattempt")
