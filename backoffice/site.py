"""The back office as a whole: login and second factor, the menu, and the ribbon with the environment's name."""

import time
from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any

from csp.constants import UNSAFE_EVAL
from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from backoffice import passwords, refusals, search, second_factor, sessions
from webhooks.models import WebhookEvent

# Unfold's scripts (Alpine) evaluate expressions in the attributes of its pages.
_csp: Any = csp_update({"script-src": ["'self'", UNSAFE_EVAL]})


def _open(view: Any) -> Any:
    """A page that opens before the login is complete, and that no cache keeps."""
    return _csp(never_cache(view))


class BackOffice(UnfoldAdminSite):  # type: ignore[misc] # untyped
    """The admin. After the password it asks for a second factor, if the user has or needs one."""

    index_title = _("Overview")

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the user is active staff, and has proven the second factor if one is asked for."""
        return self.knows_password(request) and not second_factor.missing(request)

    def knows_password(self, request: HttpRequest) -> bool:
        """Whether the user is active staff, with or without the second factor."""
        return bool(super().has_permission(request))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django's view, with the content security policy that Unfold's scripts need. Who may not see it is told which
        role may."""

        @wraps(view)
        def seen(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            sessions.seen(request)
            return view(request, *args, **kwargs)

        return _csp(super().admin_view(refusals.explained(self, seen), cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirects a user who has given the password to the second factor."""
        if self.knows_password(request) and second_factor.missing(request):
            return redirect_to_login(second_factor.wanted(request), reverse("admin:two_factor"), REDIRECT_FIELD_NAME)
        response: HttpResponse = _csp(super().login)(request, extra_context)
        if response.status_code == HTTPStatus.FOUND and request.method == "POST" and self.knows_password(request):
            sessions.begin(request)
        return response

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's, and the session is over in our list too."""
        if request.method == "POST" and request.user.is_authenticated:
            sessions.leave(request)
        response: HttpResponse = super().logout(request, extra_context)
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's. A new password ends all other sessions of the user."""
        response: HttpResponse = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            sessions.keep_only(request)
        return response

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [
            path("two-factor/", _open(partial(second_factor.prove, self)), name="two_factor"),
            path("two-factor/recovery/", _open(partial(second_factor.recover, self)), name="recovery"),
            path("two-factor/codes/", self.admin_view(partial(second_factor.make_codes, self)), name="recovery_codes"),
            path("two-factor/replace/", self.admin_view(second_factor.replace_app), name="replace_app"),
            # Unfold's login page links to this name.
            path("forgot/", _open(partial(passwords.forgot, self)), name="admin_password_reset"),
            path(
                "password/<uidb64>/<token>/",
                _open(passwords.ChoosePassword.as_view(site=self)),
                name="choose_password",
            ),
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
    factor = {"title": _("Two-factor authentication"), "link": reverse("admin:two_factor")}
    sees_all = user.is_authenticated and user.has_perm("backoffice.manage_staffsession")
    own = f"?open=yes&user__id__exact={user.pk}" if sees_all else "?open=yes"
    open_sessions = {"title": _("Your sessions"), "link": reverse("admin:backoffice_staffsession_changelist") + own}
    has_password = user.is_authenticated and user.has_usable_password()
    return [password, factor, open_sessions] if has_password else [factor, open_sessions]


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
                _entry(_("Subscriptions"), "autorenew", "orders.subscription"),
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
                _entry(_("Sessions"), "devices", "backoffice.staffsession", "manage"),
                _entry(_("Team log"), "manage_search", "admin.logentry"),
            ],
        },
    ]


def _entry(title: Any, icon: str, model: str, verb: str = "view") -> dict[str, Any]:
    app, name = model.split(".")
    may_view: Callable[[HttpRequest], bool] = lambda request: request.user.has_perm(f"{app}.{verb}_{name}")  # noqa: E731
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
