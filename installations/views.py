"""HTTP of the installation: pages for the merchant's browser, JSON for Appmax and storefronts."""

import uuid

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from installations import gateway, install, openapi, registration
from installations.merchant import MerchantViewSet
from installations.serializers import CallbackSerializer, StartSerializer
from web.api import wants_page
from web.pages import public_url


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is, how far its set-up has come, and where to go from here."""
    address = public_url(request)
    context = {
        "missing": registration.missing(),
        "urls": registration.urls(address),
        "variables": registration.VARIABLES,
        "public_url": address,
        "is_reachable": registration.is_reachable(address),
    }
    return render(request, "installations/home.html", context)


class InstallViewSet(ViewSet):
    """`/install/start` and the two sides of the callback."""

    has_pages = True

    @openapi.start
    def start(self, request: Request) -> HttpResponse:
        """Send the merchant to Appmax's authorisation page; a browser that lacks a parameter gets the button."""
        query = StartSerializer(data=request.query_params)
        if not query.is_valid() and wants_page(request):
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
        return HttpResponseRedirect(install.begin(**query.validated_data, public_url=public_url(request._request)))

    @openapi.confirm_by_browser
    def confirm_by_browser(self, request: Request) -> HttpResponse:
        """The merchant comes back from Appmax with `?token=`."""
        token = request.query_params.get("token", "").strip()
        if not token:
            raise install.TokenRequired
        installation = install.confirm_by_browser(token=token)
        if wants_page(request):
            context = {"installation": installation, "demo_shop_url": settings.DEMO_SHOP_URL}
            return render(request._request, "installations/installed.html", context)
        if installation is None:
            return Response({"message": "installation confirmed"})
        return Response({"external_id": str(installation.external_id)})

    @openapi.confirm_by_appmax
    def confirm_by_appmax(self, request: Request) -> Response:
        """Appmax's own POST; it must be answered with exactly 200 within 5 s."""
        body = CallbackSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response({"external_id": str(install.confirm_by_appmax(install.Callback(**body.validated_data)))})


class MerchantTokenViewSet(MerchantViewSet):
    """What a storefront's server needs to talk to Appmax itself."""

    @openapi.merchant_token
    def retrieve(self, request: Request, key: str) -> Response:
        """The merchant's bearer token and credentials; never cached by anyone on the way."""
        answer = {
            "merchant_bearer_token": gateway.client_for(self.installation).bearer_token(),
            "external_key": self.installation.external_key,
            "merchant_client_id": self.installation.merchant_client_id,
            "merchant_client_secret": self.installation.merchant_client_secret,
        }
        return Response(answer, headers={"Cache-Control": "no-store"})
