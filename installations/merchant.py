"""Who may act for a merchant: the base of every route that names an installation in its path."""

from typing import Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet
from rest_framework_api_key.permissions import KeyParser

from installations.models import ApiKey, Installation


class InvalidApiKey(APIException):
    """401: no key, or one that is unknown, revoked or expired; which of them is nobody's business."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = "invalid or missing API key"
    auth_header = KeyParser.keyword


class InstallationNotFound(NotFound):
    """404: unknown, or not the key's own; the two can't be told apart from outside."""

    default_detail = "installation not found"


class MerchantViewSet(ViewSet):
    """Checks the API key before anything of the request is read, then finds the path's installation.

    Only the path names the merchant: a `key` in query or body is nothing.
    """

    installation: Installation

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Sets self.installation. Raises InvalidApiKey, InstallationNotFound."""
        super().initial(request, *args, **kwargs)
        self.installation = _installation(kwargs["key"], _api_key(request))


def _api_key(request: Request) -> ApiKey | None:
    """The request's valid key; None where keys aren't required and none was sent. Raises InvalidApiKey."""
    text = KeyParser().get(request)
    if text is None and not settings.API_KEYS_REQUIRED:
        return None
    try:
        key = ApiKey.objects.get_from_key(text or "")
    except ApiKey.DoesNotExist:
        raise InvalidApiKey from None
    if not isinstance(key, ApiKey) or key.has_expired:
        raise InvalidApiKey
    return key


def _installation(external_key: str, api_key: ApiKey | None) -> Installation:
    if api_key is not None and api_key.installation is not None:
        if api_key.installation.external_key != external_key:
            raise InstallationNotFound
        return api_key.installation
    if "\0" in external_key:  # PostgreSQL's text can't hold it, so no merchant has it
        raise InstallationNotFound
    try:
        return Installation.objects.get(external_key=external_key)
    except Installation.DoesNotExist:
        raise InstallationNotFound from None
