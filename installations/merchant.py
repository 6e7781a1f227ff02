"""The base of every route that names an installation in its path."""

from collections.abc import Sequence
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.viewsets import ViewSet

from installations.authentication import Access, ApiKeyAuthentication, IsEnabled, access_of
from installations.errors import ERROR_CODES
from installations.models import Installation


class MerchantViewSet(ViewSet):
    """Checks the API key before it reads the request's body."""

    authentication_classes = (ApiKeyAuthentication,)
    permission_classes: Sequence[type[BasePermission]] = (IsEnabled,)
    error_codes = ERROR_CODES

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
