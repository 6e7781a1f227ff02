"""The second factor of staff: an authenticator app, and recovery codes for who has lost it."""

import base64
import hashlib
import secrets
from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _
from django_otp import login as otp_login
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.widgets import UnfoldAdminTextInputWidget

from backoffice import team_log
from backoffice.models import RoleSettings

APP_SET_UP = gettext_noop("Authenticator app set up")
APP_REMOVED = gettext_noop("Authenticator app removed after a recovery code")
CODE_USED = gettext_noop("Logged in with a recovery code")
CODES_MADE = gettext_noop("Recovery codes made")

CODES = 10


def missing(request: HttpRequest) -> bool:
    """Whether the user still has to prove a second factor: who has an app or a role that asks for one must, and
    everybody must if ADMIN_OTP_REQUIRED is set."""
    user: Any = request.user
    if user.is_verified():
        return False
    if settings.ADMIN_OTP_REQUIRED:
        return True
    if not hasattr(user, "needs_second_factor"):  # A page asks this several times.
        has_app = Exists(TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True))
        has_role = Exists(RoleSettings.objects.filter(group__user=OuterRef("pk"), needs_second_factor=True))
        user.needs_second_factor = User.objects.filter(has_app | has_role, pk=user.pk).exists()
    return bool(user.needs_second_factor)


def wanted(request: HttpRequest) -> str:
    """The page that the user wanted, if it is on this site."""
    page = request.GET.get(REDIRECT_FIELD_NAME, "")
    is_safe = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if is_safe else reverse("admin:index")


# --- the app ---------------------------------------------------------------------------------------------------------


class TokenForm(forms.Form):
    """The six digits that an authenticator app shows."""

    token = forms.CharField(
        label=_("Code from your authenticator app"),
        max_length=6,
        widget=UnfoldAdminTextInputWidget(
            {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "pattern": "[0-9]{6}"}
        ),
    )

    def __init__(self, device: TOTPDevice, *args: Any) -> None:
        super().__init__(*args)
        self.device = device

    def clean_token(self) -> str:
        """Compares the code with the device's, which slows guessing down by itself. The device's row is locked, so that
        guesses are compared one at a time. The first right code confirms a new device."""
        token: str = self.cleaned_data["token"]
        with transaction.atomic():
            device = TOTPDevice.objects.select_for_update().get(pk=self.device.pk)
            allowed, _reason = device.verify_is_allowed()
            is_right = allowed and device.verify_token(token)
            if is_right and not device.confirmed:
                device.confirmed = True
                device.save(update_fields=["confirmed"])
        _refuse(allowed, is_right)
        return token


def prove(site: Any, request: HttpRequest) -> HttpResponse:
    """Lets staff whose password was right set up an authenticator app, or type the code that theirs shows."""
    if not site.knows_password(request):
        return redirect_to_login(wanted(request), reverse("admin:login"), REDIRECT_FIELD_NAME)
    user: Any = request.user
    device = _device_of(user)
    is_new = not device.confirmed
    form = TokenForm(device, request.POST or None)
    if request.method == "POST" and form.is_valid():
        otp_login(request, device)
        if not is_new:
            return HttpResponseRedirect(wanted(request))
        team_log.note(user, user, APP_SET_UP)
        return _show_codes(site, request, gettext("Your authenticator app is set up"))
    context = {
        **site.each_context(request),
        "title": _("Two-factor authentication"),
        "form": form,
        "is_proven": not is_new and user.is_verified(),
        "by_code": _by_code(user),
        "codes_left": _codes_left(user),
        "qr_code": segno.make(device.config_url).svg_data_uri(scale=5) if is_new else "",
        "secret": _key_to_type(device) if is_new else "",
        "wanted": wanted(request),
    }
    return render(request, "admin/two_factor.html", context)


def replace_app(request: HttpRequest) -> HttpResponse:
    """Removes the app of who has proven a recovery code, so that another can be set up. An open session alone must not
    be enough for that, so who has the app asks an administrator."""
    user: Any = request.user
    if request.method == "POST" and _by_code(user):
        TOTPDevice.objects.filter(user=user).delete()
        team_log.note(user, user, APP_REMOVED)
    return HttpResponseRedirect(reverse("admin:two_factor"))


def _device_of(user: Any) -> TOTPDevice:
    """The user's authenticator app, or a new one that is still to be confirmed. Two windows at once get the same new
    one."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        device = TOTPDevice.objects.filter(user=user).order_by("-confirmed", "pk").first()
        return device or TOTPDevice.objects.create(user=user, confirmed=False, name="app")


def _key_to_type(device: TOTPDevice) -> str:
    """The secret in the form that people type into an app: base32, in groups of four."""
    return _grouped(base64.b32encode(device.bin_key).decode().rstrip("="), " ")


def _grouped(text: str, between: str) -> str:
    return between.join(text[start : start + 4] for start in range(0, len(text), 4))


def _refuse(allowed: bool, is_right: bool) -> None:
    if not allowed:
        raise forms.ValidationError(_("Too many wrong codes; wait a little and try again."))
    if not is_right:
        raise forms.ValidationError(_("This code is not right, or has been used."))


# --- recovery codes --------------------------------------------------------------------------------------------------


class RecoveryForm(forms.Form):
    """One of the codes that were shown when the app was set up."""

    code = forms.CharField(
        label=_("Recovery code"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off", "autocapitalize": "none", "autofocus": True}),
    )

    def __init__(self, user: Any, *args: Any) -> None:
        super().__init__(*args)
        self.user = user
        self.device: StaticDevice | None = None

    def clean_code(self) -> str:
        """Takes the code away if it is right. The device's row is locked, so that a code serves once."""
        code = "".join(filter(str.isalnum, self.cleaned_data["code"])).lower()
        with transaction.atomic():
            device = StaticDevice.objects.select_for_update().filter(user=self.user).first()
            allowed = device is None or device.verify_is_allowed()[0]
            is_right = device is not None and allowed and device.verify_token(_kept(code))
        _refuse(allowed, is_right)
        self.device = device
        return code


def recover(site: Any, request: HttpRequest) -> HttpResponse:
    """Lets in whose password was right, and who has a recovery code instead of the app."""
    if not site.knows_password(request):
        return redirect_to_login(wanted(request), reverse("admin:login"), REDIRECT_FIELD_NAME)
    user: Any = request.user
    if not TOTPDevice.objects.filter(user=user, confirmed=True).exists():
        return HttpResponseRedirect(reverse("admin:two_factor"))
    form = RecoveryForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        otp_login(request, form.device)
        left = _codes_left(user)
        team_log.note(user, user, CODE_USED)
        text = ngettext("%(count)s recovery code is left.", "%(count)s recovery codes are left.", left)
        messages.warning(request, text % {"count": left})
        return HttpResponseRedirect(reverse("admin:two_factor"))
    context = {**site.each_context(request), "title": _("Recovery code"), "form": form, "wanted": wanted(request)}
    return render(request, "admin/recovery.html", context)


def make_codes(site: Any, request: HttpRequest) -> HttpResponse:
    """Shows new recovery codes, which take the old ones' place."""
    user: Any = request.user
    if request.method != "POST" or not TOTPDevice.objects.filter(user=user, confirmed=True).exists():
        return HttpResponseRedirect(reverse("admin:two_factor"))
    return _show_codes(site, request, gettext("Your recovery codes"))


def _show_codes(site: Any, request: HttpRequest, title: str) -> HttpResponse:
    user: Any = request.user
    codes = new_codes(user)
    team_log.note(user, user, CODES_MADE)
    context = {**site.each_context(request), "title": title, "codes": codes, "wanted": wanted(request)}
    return render(request, "admin/recovery_codes.html", context)


def new_codes(user: Any) -> list[str]:
    """New recovery codes in place of the old ones. The database keeps hashes of them only."""
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _each in range(CODES)]
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        device, _is_new = StaticDevice.objects.get_or_create(user=user, defaults={"name": "recovery"})
        device.token_set.all().delete()
        StaticToken.objects.bulk_create(StaticToken(device=device, token=_kept(code)) for code in codes)
    return [_grouped(code, "-") for code in codes]


def _kept(code: str) -> str:
    """What the database keeps of a code: a hash, in the 16 characters of django-otp's column. A code is 80 random bits,
    so nobody can find it by trying."""
    return base64.b32encode(hashlib.sha256(code.encode()).digest()).decode().lower()[:16]


def _codes_left(user: Any) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def _by_code(user: Any) -> bool:
    """Whether this session's second factor was a recovery code."""
    return isinstance(getattr(user, "otp_device", None), StaticDevice)
