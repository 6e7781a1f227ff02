"""The back office as a whole: login and second factor, the menu, and the ribbon with the environment's name."""

import base64
import time
from collections.abc import Callable
from typing import Any

import segno
from csp.constants import UNSAFE_EVAL
from csp.decorators import csp_update
from django import forms
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django_otp import login as otp_login
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.sites import UnfoldAdminSite
from unfold.widgets import UnfoldAdminTextInputWidget

from backoffice import refusals, search
from webhooks.models import WebhookEvent

# Unfold's scripts (Alpine) evaluate expressions in the attributes of its pages.
_csp: Any = csp_update({"script-src": ["'self'", UNSAFE_EVAL]})


class BackOffice(UnfoldAdminSite):  # type: ignore[misc] # untyped
    """The admin. After the password it asks for a second factor, if the user has or needs one."""

    index_title = _("Overview")

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the user is active staff, and has proven the second factor if one is asked for."""
        return super().has_permission(request) and not _second_factor_missing(request)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django's view, with the content security policy that Unfold's scripts need. Who may not see it is told which
        role may."""
        return _csp(super().admin_view(refusals.explained(self, view), cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirects a user who has given the password to the second factor."""
        if super().has_permission(request) and _second_factor_missing(request):
            return redirect_to_login(_wanted(request), reverse("admin:two_factor"), REDIRECT_FIELD_NAME)
        response: HttpResponse = _csp(super().login)(request, extra_context)
        return response

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [
            path("two-factor/", _csp(never_cache(self.two_factor)), name="two_factor"),
            path("logout/", self.logout, name="logout"),  # This must also work before the second factor is proven.
            path("unprocessed/", self.admin_view(unprocessed), name="unprocessed"),
            *super().get_urls(),
        ]

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page of results, or for Ctrl-K the list in the palette. If there is one result, the page redirects there.

        Unfold's own view keeps results in the cache, where names and e-mails don't belong.
        """
        is_palette = "extended" in request.GET
        started = time.perf_counter()
        term = request.GET.get("s" if is_palette else "q", "")
        results = search.find(request.user, term)
        if not is_palette:
            if len(results) == 1:
                return HttpResponseRedirect(results[0].link)
            context = {
                **self.each_context(request),
                "title": _("Search"),
                "term": term,
                "results": results,
                "most": search.MOST,
                "orders_url": f"{reverse('admin:orders_order_changelist')}?{urlencode({'q': term})}",
            }
            return render(request, "backoffice/search.html", context)
        entries = [*results, *search.pages(self.get_sidebar_list(request), term)]
        page = Paginator(entries, max(len(entries), 1)).page(1)
        seconds = time.perf_counter() - started
        context = {"results": page, "page_obj": page.paginator, "page_counter": 0, "execution_time": seconds}
        return render(request, "backoffice/palette.html", context)

    def two_factor(self, request: HttpRequest) -> HttpResponse:
        """Lets staff whose password was right set up an authenticator app, or type the code that theirs shows."""
        if not super().has_permission(request):
            return redirect_to_login(_wanted(request), reverse("admin:login"), REDIRECT_FIELD_NAME)
        user: Any = request.user
        device = _device_of(user)
        is_new = not device.confirmed
        form = TokenForm(device, request.POST or None)
        if request.method == "POST" and form.is_valid():
            otp_login(request, device)
            return HttpResponseRedirect(_wanted(request))
        context = {
            **self.each_context(request),
            "title": _("Two-factor authentication"),
            "form": form,
            "is_proven": not is_new and user.is_verified(),
            "qr_code": segno.make(device.config_url).svg_data_uri(scale=5) if is_new else "",
            "secret": _key_to_type(device) if is_new else "",
            "index_url": reverse("admin:index"),
        }
        return render(request, "admin/two_factor.html", context)


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
        if not allowed:
            raise forms.ValidationError(_("Too many wrong codes; wait a little and try again."))
        if not is_right:
            raise forms.ValidationError(_("This code is not right, or has been used."))
        return token


def _device_of(user: Any) -> TOTPDevice:
    """The user's authenticator app, or a new one that is still to be confirmed. Two windows at once get the same new
    one."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        device = TOTPDevice.objects.filter(user=user).order_by("-confirmed", "pk").first()
        return device or TOTPDevice.objects.create(user=user, confirmed=False, name="app")


def _second_factor_missing(request: HttpRequest) -> bool:
    user: Any = request.user
    if user.is_verified():
        return False
    if not hasattr(user, "has_device"):  # A page asks this several times.
        user.has_device = TOTPDevice.objects.filter(user=user, confirmed=True).exists()
    return settings.ADMIN_OTP_REQUIRED or user.has_device


def _key_to_type(device: TOTPDevice) -> str:
    """The secret in the form that people type into an app: base32, in groups of four."""
    text = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _wanted(request: HttpRequest) -> str:
    """The page that the user wanted, if it is on this site."""
    wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
    is_safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_safe else reverse("admin:index")


# --- the frame of every page -----------------------------------------------------------------------------------------


def ribbon(request: HttpRequest) -> list[Any]:
    """The environment's name and colour. Production is red, as money is real there."""
    return {
        "production": [_("Production: real money"), "danger"],
        "sandbox": [_("Sandbox: no real money"), "warning"],
        "simulator": [_("Simulator: no real money"), "info"],
    }[settings.APPMAX_ENVIRONMENT]


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """What the user menu has besides light or dark, the language and the way out."""
    user: Any = request.user
    password = {"title": _("Change password"), "link": reverse("admin:password_change")}
    second_factor = {"title": _("Two-factor authentication"), "link": reverse("admin:two_factor")}
    has_password = user.is_authenticated and user.has_usable_password()
    return [password, second_factor] if has_password else [second_factor]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu, with the most used entries first. Each user sees the entries that permissions allow."""
    events = reverse("admin:webhooks_webhookevent_changelist")
    on_unprocessed = request.path == events and request.GET.get("outcome") == "unprocessed"
    return [
        {
            "items": [
                {"title": _("Overview"), "icon": "monitoring", "link": reverse("admin:index")},
                _entry(_("Orders"), "receipt_long", "orders.order"),
                {
                    **_entry(_("Unprocessed events"), "notification_important", "webhooks.webhookevent"),
                    "link": f"{events}?outcome=unprocessed",
                    "badge": "backoffice.site.unprocessed_badge",
                    "badge_variant": "warning",
                    "active": on_unprocessed,
                },
                {
                    **_entry(_("Webhook events"), "webhook", "webhooks.webhookevent"),
                    "active": request.path.startswith(events) and not on_unprocessed,
                },
                _entry(_("Merchants"), "store", "installations.installation"),
            ]
        },
        {
            "title": _("Payments"),
            "separator": True,
            "items": [
                _entry(_("Payment attempts"), "credit_card", "orders.paymentattempt"),
                _entry(_("Questions to Appmax"), "rule", "orders.question"),
                _entry(_("Messages to storefronts"), "outgoing_mail", "notifications.notification"),
                _entry(_("Alerts"), "campaign", "backoffice.alert"),
            ],
        },
        {
            "title": _("Administration"),
            "separator": True,
            "items": [
                _entry(_("API keys"), "key", "installations.apikey"),
                _entry(_("Endpoints of storefronts"), "notifications", "notifications.endpoint"),
                _entry(_("Alert rules"), "add_alert", "backoffice.alertrule"),
                _entry(_("Jobs"), "schedule", "procrastinate.procrastinatejob"),
                _entry(_("Users"), "person", "auth.user"),
                _entry(_("Roles"), "group", "auth.group"),
                _entry(_("Authenticator apps"), "phonelink_lock", "otp_totp.totpdevice"),
                _entry(_("Failed logins"), "lock_clock", "axes.accessattempt"),
            ],
        },
    ]


def _entry(title: Any, icon: str, model: str) -> dict[str, Any]:
    app, name = model.split(".")
    may_view: Callable[[HttpRequest], bool] = lambda request: request.user.has_perm(f"{app}.view_{name}")  # noqa: E731
    return {
        "title": capfirst(title),
        "icon": icon,
        "link": reverse(f"admin:{app}_{name}_changelist"),
        "permission": may_view,
    }


MANY_EVENTS = 999


def unprocessed_badge(request: HttpRequest) -> str:
    """The number of events that wait to be handled, such as "7" or "999+". The page's script asks for it regularly."""
    count = WebhookEvent.objects.waiting().order_by()[: MANY_EVENTS + 1].count()
    return f"{MANY_EVENTS}+" if count > MANY_EVENTS else str(count)


def unprocessed(request: HttpRequest) -> HttpResponse:
    """Answers the badge alone to the page's script."""
    if not request.user.has_perm("webhooks.view_webhookevent"):
        return HttpResponse(status=403)
    return HttpResponse(unprocessed_badge(request), content_type="text/plain")
