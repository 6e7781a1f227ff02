"""The inbox over HTTP: the route that Appmax posts to, and the page that helps to register its URL."""

from django.conf import settings
from django.contrib import admin
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from web.address import client_ip
from web.api import WhoIsLoggedIn
from web.codes import Code
from web.errors import ErrorCodes
from web.pages import public_url
from webhooks import body, inbox, openapi, payload, reach, urls_to_register
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent
from webhooks.urls_to_register import WEBHOOK_PATH


class WebhookViewSet(ViewSet):
    """`/webhooks/appmax`"""

    has_pages = True
    error_codes: ErrorCodes = {
        urls_to_register.InvalidToken: Code.INVALID_WEBHOOK_TOKEN,
        payload.InvalidPayload: Code.INVALID_REQUEST_BODY,
    }
    authentication_classes = (WhoIsLoggedIn,)

    @openapi.setup_page
    def setup_page(self, request: Request) -> HttpResponse:
        """The page with the app's webhook URL and the events to choose at Appmax.

        Only staff who may see webhook URLs are shown its token, and with `?check` whether a POST to it arrives. Staff
        who may see events are shown whether they come.
        """
        user = request.user
        is_staff = admin.site.has_permission(request._request)  # This requires the second factor, too.
        is_open = not settings.WEBHOOK_SECRET  # Only a developer's machine may have none, so nothing must be hidden.
        may_see_token = is_open or (is_staff and user.has_perm("webhooks.view_webhook_url"))
        address = public_url(request._request)
        context = {
            "webhook_url": (
                urls_to_register.of_app(address) if may_see_token else f"{address}{WEBHOOK_PATH}?token=••••••••"
            ),
            "is_token_hidden": not may_see_token,
            "is_staff": is_staff,
            "apphook_url": f"{settings.APPMAX_ADMIN_URL}/v2/apphook",
            "events": payload.names_by_status(),
        }
        if may_see_token and "check" in request.query_params:
            context["checked"] = reach.look(address)
        if is_open or (is_staff and user.has_perm("webhooks.view_webhookevent")):
            last_event = WebhookEvent.objects.latest_received()
            since = _whole_number(request.query_params.get("since", ""))
            context |= {
                "sees_arrivals": True,
                "last_event": last_event,
                "since": last_event.pk if since is None and last_event else since or 0,
            }
        response = render(request._request, "webhooks/setup.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @openapi.receive
    def receive(self, request: Request) -> JsonResponse:
        """Keep an event, and handle it.

        Appmax drops an event after any 2xx, so 200 is answered only when it is kept. Unknown events are kept too. A
        body that is no event is answered 400. Without the token the body isn't read.
        """
        query = request.META["QUERY_STRING"].encode("latin-1").decode(errors="replace")  # WSGI decodes it as Latin-1.
        merchant = urls_to_register.proven_merchant(query)
        outcome = inbox.receive(payload.read(body.read(request._request), merchant), client_ip(request._request))
        words = "already processed" if outcome is Outcome.DUPLICATE else "ok"
        return JsonResponse({"message": words})


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
