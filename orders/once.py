"""The base of the viewsets whose requests may carry an Idempotency-Key."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from installations.merchant import MerchantViewSet
from orders import idempotency
from orders.errors import ERROR_CODES
from orders.idempotency import Claim, Replay


class OnceViewSet(MerchantViewSet):
    """Does a request once, and keeps its answer."""

    error_codes = ERROR_CODES
    claim: Claim | None = None

    def once(
        self, request: Request, body: Serializer[Any], work: Callable[[Claim], dict[str, Any]], **path: int
    ) -> Response:
        """Do the work, unless a request with the same Idempotency-Key has done it before. `path` is what the path names
        beside the merchant, which makes it another request."""
        body.is_valid(raise_exception=True)
        claim = idempotency.claim(
            self.installation,
            request.META.get(idempotency.IN_META),
            route=str(self.action),
            body={**body.validated_data, **path},
        )
        if isinstance(claim, Replay):
            return Response(claim.body, status=claim.status, headers=idempotency.REPLAYED)
        self.claim = claim
        answer = work(claim)
        claim.finish(200, answer)
        return Response(answer, headers=idempotency.REPLAYED if claim.is_replay else None)

    def handle_exception(self, exc: Exception) -> Response:
        """The answer to an error, which the claim keeps if need be. If an order was made, the answer names it, so that
        the caller can ask for its status or try again."""
        try:
            response = super().handle_exception(exc)
        except Exception:  # This is a bug, which is answered with 500.
            if self.claim is not None:
                self.claim.release()
            raise
        if self.claim is not None and isinstance(response, Response):
            sent = self.request.data
            if self.claim.order is not None and not (isinstance(sent, dict) and sent.get("order_id")):
                response.data["order_id"] = self.claim.order.appmax_order_id
            self.claim.fail(exc, response.status_code, response.data)
            if self.claim.is_replay:
                for name, value in idempotency.REPLAYED.items():
                    response[name] = value
        return response
