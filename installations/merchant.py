"""The base of every route that names an installation in its path."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import ViewSet

from installations.authentication import Access, ApiKeyAuthentication, IsEnabled, access_of
from installations.errors import ERROR_CODES
from installations.limits import PerKey
from installations.models import Installation


class MerchantViewSet(ViewSet):
    """Checks the API key before it reads the request's body."""

    authentication_classes = (ApiKeyAuthentication,)
    permission_classes: Sequence[type[BasePermission]] = (IsEnabled,)
    error_codes = ERROR_CODES
    per_key: PerKey | None = None

    def get_throttles(self) -> list[BaseThrottle]:
        """The API key's limit, if there is one."""
        self.per_key = PerKey() if settings.API_KEY_RATE else None
        return [self.per_key] if self.per_key else []

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """REST framework calls this for every answer, errors too."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        for name, value in (self.per_key.headers() if self.per_key else {}).items():
            answer[name] = value
        return answer

    def reads_also(self) -> tuple[str, dict[str, Any]]:
        """A column in SQL that is read in the statement that finds the key and the merchant, and the values for it. It
        becomes `access.also`; without an API key nothing is read."""
        return "NULL", {}

    @property
    def access(self) -> Access:
        return access_of(self.request)

    @property
    def installation(self) -> Installation:
        return self.access.installation
