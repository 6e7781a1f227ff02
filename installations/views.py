"""The installation over HTTP: pages for the merchant's browser, and JSON for Appmax and storefronts."""

import uuid
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import ViewSet

from installations import (
    browser,
    clients,
    domains,
    identities,
    install,
    keys,
    limits,
    openapi,
    reconnect,
    registration,
)
from installations.answers import (
    ApiKeysAnswer,
    ConfirmedAnswer,
    DomainNamesAnswer,
    InstallationAnswer,
    MerchantTokenAnswer,
    NewApiKeyAnswer,
    ReconnectAnswer,
)
from installations.authentication import HasOwnKey, IsEnabled
from installations.errors import ERROR_CODES, ERROR_PAGES
from installations.merchant import MerchantViewSet
from installations.models import Installation
from installations.refusals import InvalidAppId
from installations.serializers import ApiKeySerializer, CallbackSerializer, DomainNamesSerializer, StartSerializer
from web.api import MessageAnswer, wants_page
from web.codes import Code
from web.errors import ErrorAnswer, refusal
from web.pages import public_url


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The first page, which shows what is set up already and what is to do next."""
    address = public_url(request)
    context = {
        "missing": registration.missing(),
        "urls": registration.urls(address),
        "variables": registration.VARIABLES,
        "public_url": address,
        "is_reachable": registration.is_reachable(address),
    }
    return render(request, "installations/home.html", context)


class TokenRequired(Exception):
    """The browser came back from Appmax without the hash."""


class InstallViewSet(ViewSet):
    """`/install/start` and the two sides of the callback."""

    has_pages = True
    error_codes = {**ERROR_CODES, TokenRequired: Code.TOKEN_REQUIRED}
    error_pages = ERROR_PAGES

    def get_throttles(self) -> list[BaseThrottle]:
        """The limits of the routes that anybody can misuse. `confirm_by_browser` needs none, as nobody can guess a
        hash."""
        match self.action:
            case "start":
                return [limits.Starts()]
            case "confirm_by_appmax":
                return [limits.WrongAppIds(), limits.Callbacks()]
        return []

    @openapi.start
    def start(self, request: Request) -> HttpResponse:
        """Send the merchant to Appmax's authorisation page; a browser that lacks a parameter gets the button."""
        query = StartSerializer(data=request.query_params)
        if not query.is_valid() and wants_page(request) and "domain_name" not in query.errors:
            return render(
                request._request,
                "installations/install.html",
                {
                    "app_id": settings.APPMAX_APP_ID_UUID,
                    "external_key": uuid.uuid4(),
                    "missing": registration.missing(),
                },
            )
        query.is_valid(raise_exception=True)
        hash_ = install.begin(**query.validated_data, public_url=public_url(request._request))
        response = HttpResponseRedirect(install.panel_url(hash_))
        if wants_page(request):
            browser.note_begun(response, hash_)
        return response

    @openapi.confirm_by_browser
    def confirm_by_browser(self, request: Request) -> HttpResponse:
        """The merchant comes back from Appmax with `?token=`."""
        token = request.query_params.get("token", "").strip()
        if not token:
            raise TokenRequired
        came_back = install.confirm_by_browser(token=token)
        if wants_page(request):
            return self._installed_page(request._request, token, came_back)
        if came_back.installation is None:
            return Response(MessageAnswer({"message": "installation confirmed"}).data)
        return Response(ConfirmedAnswer({"external_id": identities.told_last(came_back.installation)}).data)

    @staticmethod
    def _installed_page(request: HttpRequest, token: str, came_back: install.CameBack) -> HttpResponse:
        """The last page, which lets the browser that has installed the app make the first API key."""
        installation = came_back.installation or install.already_done(token=token)
        context: dict[str, Any] = {"installation": installation, "demo_shop_url": settings.DEMO_SHOP_URL}
        if installation is None:
            return render(request, "installations/installed.html", context)
        finishes = came_back.is_proven and browser.has_begun(request, token)
        context |= {
            "external_id": identities.told_last(installation),
            "others": install.others_of_this_merchant(installation),
            "has_keys": installation.api_keys.exists(),
            "may_make_key": finishes or browser.has_finished(request, installation),
        }
        response = render(request, "installations/installed.html", context)
        if finishes:
            browser.note_finished(response, installation)
        return response

    @openapi.confirm_by_appmax
    def confirm_by_appmax(self, request: Request) -> Response:
        """Appmax's own POST; it must be answered with exactly 200 within 5 s."""
        body = CallbackSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            told = install.confirm_by_appmax(install.Callback(**body.validated_data))
        except InvalidAppId:
            limits.WrongAppIds().count(request)
            raise
        return Response(ConfirmedAnswer({"external_id": told}).data)


@never_cache
def make_first_key(request: HttpRequest) -> HttpResponse:
    """The first API key of an installation, for the browser that has installed it. The page shows it once.

    A view of Django's own, as REST framework exempts its views from the check of forms (CSRF).
    """
    if request.method != "POST":  # The page was loaded again by its address.
        message = f'Method "{request.method}" not allowed.'
        return refusal(request, ErrorAnswer(Code.METHOD_NOT_ALLOWED, message=message, headers={"Allow": "POST"}))
    installation = Installation.objects.named(request.POST.get("external_key", "").replace("\0", ""))
    try:
        if installation is None or not browser.has_finished(request, installation):
            raise keys.FirstKeyRefused
        api_key = keys.make_first(installation)
    except (keys.FirstKeyRefused, keys.FirstKeyMade) as error:
        code = ERROR_CODES[type(error)]
        return refusal(request, ErrorAnswer(code), ERROR_PAGES[code])
    return render(request, "installations/first_key.html", {"api_key": api_key})


class InstallationViewSet(MerchantViewSet):
    """What is known of an installation, for its own storefront."""

    permission_classes = ()  # A disabled installation may ask too, and learns that it is disabled.

    @openapi.installation
    def retrieve(self, request: Request, key: str) -> Response:
        """What a shop's page needs for Appmax's browser script, whether its routes answer, and whether Appmax does."""
        installation = self.installation
        answer = {
            "external_key": installation.external_key,
            "external_id": identities.told_last(installation),
            "app_id": installation.app_id,
            "environment": settings.APPMAX_ENVIRONMENT,
            "installed_at": installation.installed_at,
            "disabled": self.access.is_disabled,
            "credentials_refused_since": installation.refused_since,
            "domain_names": domains.of(installation),
        }
        return Response(InstallationAnswer(answer).data)


class ReconnectViewSet(MerchantViewSet):
    """A merchant's own way to other credentials, and to what Appmax is told with them."""

    permission_classes = (IsEnabled, HasOwnKey)

    @openapi.domain_names
    def domain_names(self, request: Request, key: str) -> Response:
        """Replace the host names where Apple Pay shall work. The next reconnect link tells Appmax."""
        body = DomainNamesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        kept = domains.replace(self.installation, body.validated_data["domain_names"])
        return Response(DomainNamesAnswer({"domain_names": kept}).data)

    @openapi.reconnect
    def reconnect(self, request: Request, key: str) -> Response:
        """A link for the merchant's browser, good for one hour and one installation."""
        made_by = f"API key {self.access.key_prefix}"
        url = reconnect.make_link(
            self.installation, made_by=made_by, public_url=public_url(request._request), keeps_access=True
        )
        answer = {"url": url, "expires_in": reconnect.GOOD_FOR.total_seconds()}
        return Response(ReconnectAnswer(answer).data)


class ApiKeyViewSet(MerchantViewSet):
    """`/installations/{key}/api-keys`: a merchant's keys, managed by one of them.

    A key of the whole platform is refused. Whoever got hold of one could otherwise leave keys behind that outlive it.
    """

    permission_classes = (IsEnabled, HasOwnKey)

    @openapi.api_key_list
    def api_key_list(self, request: Request, key: str) -> Response:
        """The keys that can be used, oldest first."""
        return Response(ApiKeysAnswer({"api_keys": keys.usable(self.installation)}).data)

    @openapi.make_api_key
    def create(self, request: Request, key: str) -> Response:
        """Make a key, which is shown once."""
        body = ApiKeySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = keys.make(self.installation, name=body.validated_data["name"], by=self.access.key_prefix)
        return Response(NewApiKeyAnswer(made).data, headers={"Cache-Control": "no-store"})

    @openapi.revoke_api_key
    def destroy(self, request: Request, key: str, prefix: str) -> Response:
        """Revoke a key for good."""
        keys.revoke(self.installation, prefix=prefix, by=self.access.key_prefix)
        return Response(ApiKeysAnswer({"api_keys": keys.usable(self.installation)}).data)


class MerchantTokenViewSet(MerchantViewSet):
    """What a storefront's server needs to talk to Appmax itself."""

    @openapi.merchant_token
    def retrieve(self, request: Request, key: str) -> Response:
        """The merchant's bearer token and credentials; never cached by anyone on the way."""
        answer = {
            "merchant_bearer_token": clients.client_for(self.installation, calls=0).bearer_token(),
            "external_key": self.installation.external_key,
            "merchant_client_id": self.installation.merchant_client_id,
            "merchant_client_secret": self.installation.merchant_client_secret,
        }
        return Response(MerchantTokenAnswer(answer).data, headers={"Cache-Control": "no-store"})
