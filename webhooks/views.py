"""HTTP of the inbox: what Appmax posts, and the page that helps to register the URL."""

from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from web.address import client_ip
from web.pages import public_url
from webhooks import inbox, openapi, payload
from webhooks.decide import Outcome
from webhooks.models import WebhookEvent

WEBHOOK_PATH = "/webhooks/appmax"


class InvalidToken(PermissionDenied):
    """403: the URL doesn't carry WEBHOOK_SECRET."""

    default_detail = "invalid or missing token"


class WebhookViewSet(ViewSet):
    """`/webhooks/appmax`"""

    has_pages = True

    @openapi.setup_page
    def setup_page(self, request: Request) -> HttpResponse:
        """The URL to register in Appmax's panel, which events to choose there, and whether any have come. The URL's
        token is shown to staff only."""
        user = get_user(request._request)
        is_staff = user.is_authenticated and user.is_staff
        url = public_url(request._request) + WEBHOOK_PATH
        if settings.WEBHOOK_SECRET:
            url += f"?token={quote(settings.WEBHOOK_SECRET[0], safe='')}" if is_staff else "?token=••••••••"
        last_event = WebhookEvent.objects.latest_received()
        since = _whole_number(request.query_params.get("since", ""))
        context = {
            "webhook_url": url,
            "is_token_hidden": bool(settings.WEBHOOK_SECRET) and not is_staff,
            "apphook_url": f"{settings.APPMAX_ADMIN_URL}/v2/apphook",
            "last_event": last_event,
            "since": last_event.pk if since is None and last_event else since or 0,
            "events": payload.names_by_status(),
        }
        response = render(request._request, "webhooks/setup.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @openapi.receive
    def receive(self, request: Request) -> Response:
        """Any 2xx ends Appmax's tries, so 200 means: kept. An event we don't know is kept too; only what isn't an event
        at all is 400. Without the token nothing of it is even read."""
        _check_token(request)
        try:
            event = payload.read(request.data)
        except payload.InvalidPayload:
            raise ParseError from None
        outcome = inbox.receive(event, _address(request))
        return Response({"message": "already processed" if outcome is Outcome.DUPLICATE else "ok"})


def _address(request: Request) -> str | None:
    """Who has sent it. IPv6 addresses count by their first 64 bits, as one sender has all the others."""
    text = client_ip(request._request)
    address = ip_address(text) if text else None
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False).network_address)
    return None if address is None else str(address)


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _check_token(request: Request) -> None:
    """Raises InvalidToken. Every secret is compared, in constant time."""
    if not settings.WEBHOOK_SECRET:
        return
    given = request.query_params.get("token", "")
    matches = [constant_time_compare(given, secret) for secret in settings.WEBHOOK_SECRET]
    if not any(matches):
        raise InvalidToken
