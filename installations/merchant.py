"""Who may act for a merchant: the base of every route that names an installation in its path."""

from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet
from rest_framework_api_key.permissions import KeyParser

from installations.models import ApiKey, Installation, Suspension


class InvalidApiKey(APIException):
    """401: no key, or one that is unknown, revoked or expired; which of them is nobody's business."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = "invalid or missing API key"
    auth_header = KeyParser.keyword


class InstallationNotFound(NotFound):
    """404: unknown, or not the key's own; the two can't be told apart from outside."""

    default_detail = "installation not found"


class InstallationDisabled(APIException):
    """403: staff have disabled this merchant; told only to who holds its key."""

    status_code = status.HTTP_403_FORBIDDEN
    default_detail = "installation disabled"


class OwnKeyRequired(APIException):
    """403: what was asked for is the merchant's alone; a key of the whole platform, or none, won't do."""

    status_code = status.HTTP_403_FORBIDDEN
    default_detail = "an API key of this installation's own is required"


class MerchantViewSet(ViewSet):
    """Checks the API key before anything of the request is read, then finds the path's installation.

    Only the path names the merchant: a `key` in query or body is nothing.
    """

    installation: Installation
    api_key: str | None = None  # the prefix of the key that opened it
    is_disabled: bool
    answers_when_disabled = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Sets self.installation and self.api_key. Raises InvalidApiKey, InstallationNotFound, InstallationDisabled."""
        super().initial(request, *args, **kwargs)
        text = KeyParser().get(request)
        if text is None and not settings.API_KEYS_REQUIRED:
            self.installation, is_disabled = _open_to_anybody(kwargs["key"])
        else:
            self.installation, is_disabled = _found_by_key(text or "", kwargs["key"])
            self.api_key = (text or "").partition(".")[0]
        self.is_disabled = is_disabled
        if is_disabled and not self.answers_when_disabled:
            raise InstallationDisabled

    def require_own_key(self) -> str:
        """The prefix of the key that opened it, which must be this installation's own. Raises OwnKeyRequired."""
        prefix = self.api_key or ""
        if not ApiKey.objects.filter(prefix=prefix, installation=self.installation).exists():
            raise OwnKeyRequired
        return prefix


# Each request begins with this, so it is one plain statement: the key, and beside it the path's installation if the key
# opens it.
_COLUMNS = [field.attname for field in Installation._meta.concrete_fields]
_KEY_AND_MERCHANT = f"""
    SELECT api_keys.hashed_key, api_keys.expiry_date,
           EXISTS (SELECT FROM installation_suspensions WHERE installation_id = installations.id),
           {", ".join(f"installations.{name}" for name in _COLUMNS)}
      FROM api_keys
      LEFT JOIN installations ON installations.external_key = %(external_key)s
                             AND (api_keys.installation_id IS NULL OR api_keys.installation_id = installations.id)
     WHERE api_keys.prefix = %(prefix)s AND NOT api_keys.revoked
"""  # noqa: S608 - names of our own columns # nosec B608


def _found_by_key(text: str, external_key: str) -> tuple[Installation, bool]:
    """The path's installation, if this is a good key that opens it, and whether staff have disabled it.

    Raises InvalidApiKey, InstallationNotFound.
    """
    prefix = text.partition(".")[0]
    # PostgreSQL's text can't hold a NUL, so nobody has such a key or such an external_key.
    parameters = {"prefix": prefix.replace("\0", ""), "external_key": external_key.replace("\0", "")}
    with connection.cursor() as cursor:
        cursor.execute(_KEY_AND_MERCHANT, parameters)
        row = cursor.fetchone()
    if row is None:
        raise InvalidApiKey
    hashed_key, expiry_date, is_disabled, *columns = row
    if not ApiKey.objects.key_generator.verify(text, hashed_key):
        raise InvalidApiKey
    if expiry_date is not None and expiry_date < timezone.now():
        raise InvalidApiKey
    if columns[0] is None or "\0" in external_key:
        raise InstallationNotFound
    return Installation.from_row(dict(zip(_COLUMNS, columns, strict=True))), is_disabled


def _open_to_anybody(external_key: str) -> tuple[Installation, bool]:
    try:
        installation = Installation.objects.get(external_key=external_key.replace("\0", "\ufffd"))
    except Installation.DoesNotExist:
        raise InstallationNotFound from None
    return installation, Suspension.objects.filter(installation=installation).exists()
