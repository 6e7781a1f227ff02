"""HTTP of the inbox: what Appmax posts, and the page that helps to register the URL."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from webhooks import inbox, openapi, payload

WEBHOOK_PATH = "/webhooks/appmax"


class WebhookViewSet(ViewSet):
    """`/webhooks/appmax`"""

    @openapi.setup_page
    def setup_page(self, request: Request) -> HttpResponse:
        """The URL to register in Appmax's panel."""
        context = {
            "webhook_url": settings.PUBLIC_URL + WEBHOOK_PATH,
            "apphook_url": f"{settings.APPMAX_ADMIN_URL}/v2/apphook",
        }
        return render(request._request, "webhooks/setup.html", context)

    @openapi.receive
    def receive(self, request: Request) -> Response:
        """Any 2xx ends Appmax's tries, so 200 means: kept. An event we don't know is kept too; only what isn't an event
        at all is 400."""
        try:
            event = payload.read(request.data)
        except payload.InvalidPayload:
            raise ParseError from None
        outcome = inbox.receive(event)
        return Response({"message": "already processed" if outcome is inbox.Outcome.DUPLICATE else "ok"})
