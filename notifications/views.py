"""An installation's endpoints over HTTP. Each method parses the request, calls one use case, and answers."""

from rest_framework.request import Request
from rest_framework.response import Response

from installations.merchant import MerchantViewSet
from notifications import endpoints, openapi, outbox
from notifications.errors import ERROR_CODES
from notifications.models import Endpoint
from notifications.serializers import (
    DeliveriesAnswer,
    DeliveriesQuery,
    DeliveryAnswer,
    EndpointAnswer,
    EndpointsAnswer,
    EndpointSerializer,
    NewEndpointAnswer,
    NewSecretAnswer,
)

_NOT_STORED = {"Cache-Control": "no-store"}


class EndpointViewSet(MerchantViewSet):
    """`/installations/{key}/webhook-endpoints/...`"""

    error_codes = ERROR_CODES

    @openapi.endpoint_list
    def endpoint_list(self, request: Request, key: str) -> Response:
        """The installation's endpoints, oldest first."""
        found = Endpoint.objects.of(self.installation.pk)
        return Response(EndpointsAnswer({"endpoints": found}).data)

    @openapi.create
    def create(self, request: Request, key: str) -> Response:
        """Register an endpoint. Its secret is shown once."""
        body = EndpointSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wish = body.validated_data
        endpoint = endpoints.register(self.installation, url=wish["url"], event_types=wish.get("event_types", []))
        if wish.get("enabled") is False:
            endpoint = endpoints.change(endpoint, enabled=False)
        return Response(NewEndpointAnswer(endpoint).data, headers=_NOT_STORED)

    @openapi.retrieve
    def retrieve(self, request: Request, key: str, endpoint_id: int) -> Response:
        """One endpoint."""
        return Response(EndpointAnswer(self._endpoint(endpoint_id)).data)

    @openapi.change
    def change(self, request: Request, key: str, endpoint_id: int) -> Response:
        """Change an endpoint, or switch it on or off."""
        body = EndpointSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        endpoint = endpoints.change(self._endpoint(endpoint_id), **body.validated_data)
        return Response(EndpointAnswer(endpoint).data)

    @openapi.delete
    def destroy(self, request: Request, key: str, endpoint_id: int) -> Response:
        """Delete an endpoint."""
        endpoints.delete(self._endpoint(endpoint_id))
        return Response(EndpointsAnswer({"endpoints": Endpoint.objects.of(self.installation.pk)}).data)

    @openapi.rotate_secret
    def rotate_secret(self, request: Request, key: str, endpoint_id: int) -> Response:
        """A new secret. For a day messages are signed with both."""
        endpoint = endpoints.rotate_secret(self._endpoint(endpoint_id))
        return Response(NewSecretAnswer(endpoint).data, headers=_NOT_STORED)

    @openapi.test
    def test(self, request: Request, key: str, endpoint_id: int) -> Response:
        """Send a test message, which tells of nothing."""
        return Response(DeliveryAnswer(outbox.put_test(self._endpoint(endpoint_id))).data)

    @openapi.deliveries
    def deliveries(self, request: Request, key: str, endpoint_id: int) -> Response:
        """What was sent to an endpoint and what it answered, the newest first, a page at a time."""
        query = DeliveriesQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wish = query.validated_data
        found, following = endpoints.deliveries(
            self._endpoint(endpoint_id), limit=wish["limit"], before=wish.get("cursor")
        )
        return Response(DeliveriesAnswer({"deliveries": found, "next": following}).data)

    @openapi.send_again
    def send_again(self, request: Request, key: str, endpoint_id: int, delivery_id: int) -> Response:
        """Send a message once more, with the same webhook-id."""
        return Response(DeliveryAnswer(endpoints.send_again(self._endpoint(endpoint_id), delivery_id)).data)

    def _endpoint(self, endpoint_id: int) -> Endpoint:
        return endpoints.find(self.installation, endpoint_id)
