"""Who may act for a merchant: API keys, and the permissions of the routes that name an installation in their path.

Only the path names the merchant. A `key` in the query or body is ignored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, cast

from django.conf import settings
from django.db import connection
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework_api_key.permissions import KeyParser

from installations.models import ApiKey, Installation, Suspension


class InstallationNotFound(Exception):
    """The installation doesn't exist, or the API key is another merchant's. A caller can't tell which."""


class InstallationDisabled(Exception):
    """Staff have disabled this merchant. Only holders of its key learn that."""


class OwnKeyRequired(Exception):
    """Only the merchant's own API key may do this, not one of the whole platform."""


@dataclass(frozen=True)
class Access:
    """The value of `request.auth`: the installation of the path, and the API key that was sent.

    `made` makes the object of the installation, which a status doesn't need. `key_prefix` is that key's prefix, and
    None if API_KEYS_REQUIRED is off and no key was sent. `also` is what the view had read together with the key
    (`MerchantViewSet.reads_also`).
    """

    made: Callable[[], Installation]
    is_disabled: bool
    key_prefix: str | None = None
    also: Any = None

    @cached_property
    def installation(self) -> Installation:
        return self.made()


def access_of(request: Request) -> Access:
    return cast(Access, request.auth)


class ApiKeyAuthentication(BaseAuthentication):
    """Reads `Authorization: Api-Key ...`. The key must be that of the installation in the path, or of the whole
    platform."""

    def authenticate(self, request: Request) -> tuple[None, Access]:
        """No user, as nobody is logged in, and the key's rights.

        Raises AuthenticationFailed if the key is missing, unknown, revoked or expired, without telling which, and
        InstallationNotFound.
        """
        external_key = request.parser_context["kwargs"]["key"]
        text = KeyParser().get(request)
        if text is None and not settings.API_KEYS_REQUIRED:
            return None, _open_to_anybody(external_key)
        return None, _found_by_key(text or "", external_key, *request.parser_context["view"].reads_also())

    def authenticate_header(self, request: Request) -> str:
        return str(KeyParser.keyword)


class IsEnabled(BasePermission):
    """Lets a merchant in unless staff have disabled it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if access_of(request).is_disabled:
            raise InstallationDisabled
        return True


class HasOwnKey(BasePermission):
    """Lets the installation's own key in, and no key of the whole platform."""

    def has_permission(self, request: Request, view: Any) -> bool:
        access = access_of(request)
        if not ApiKey.objects.filter(prefix=access.key_prefix or "", installation=access.installation).exists():
            raise OwnKeyRequired
        return True


# This reads the key, and the path's installation if the key may act for it. Each request begins with it, so it is one
# plain statement: as two through the ORM it took 6.5 times as long, and a status read 2.3 times (500 of each in turns).
# No route of an API key reads these, and to read one time takes as long as to read all the texts.
_UNUSED = ("created_at", "updated_at")
_COLUMNS = [field.attname for field in Installation._meta.concrete_fields if field.attname not in _UNUSED]
_KEY_AND_MERCHANT = f"""
    SELECT api_keys.hashed_key,
           api_keys.last_used_at > clock_timestamp() - interval '{ApiKey.USE_NOTED_EVERY.total_seconds():.0f} seconds',
           EXISTS (SELECT FROM installation_suspensions WHERE installation_id = installations.id),
           {{also}},
           {", ".join(f"installations.{name}" for name in _COLUMNS)}
      FROM api_keys
      LEFT JOIN installations ON installations.external_key = %(external_key)s
                             AND (api_keys.installation_id IS NULL OR api_keys.installation_id = installations.id)
     WHERE api_keys.prefix = %(prefix)s AND NOT api_keys.revoked
       AND (api_keys.expiry_date IS NULL OR api_keys.expiry_date >= clock_timestamp())
"""  # noqa: S608 - names of our own columns # nosec B608


def _found_by_key(text: str, external_key: str, also: str, values: dict[str, Any]) -> Access:
    """The path's installation, for a valid key that may act for it, and the column `also`, which needs the `values`.

    Raises AuthenticationFailed, InstallationNotFound.
    """
    prefix = text.partition(".")[0]
    # PostgreSQL's text can't hold a NUL, so nobody has such a key or such an external_key.
    parameters = values | {"prefix": prefix.replace("\0", ""), "external_key": external_key.replace("\0", "")}
    with connection.cursor() as cursor:
        cursor.execute(_KEY_AND_MERCHANT.format(also=also), parameters)
        row = cursor.fetchone()
    if row is None:
        raise AuthenticationFailed
    hashed_key, is_use_noted, is_disabled, found, *columns = row
    if not ApiKey.objects.key_generator.verify(text, hashed_key):
        raise AuthenticationFailed
    if columns[0] is None or "\0" in external_key:
        raise InstallationNotFound
    if not is_use_noted:
        ApiKey.objects.note_use(prefix)
    made = partial(Installation.from_row, dict(zip(_COLUMNS, columns, strict=True)))
    return Access(made, is_disabled, prefix, found)


def _open_to_anybody(external_key: str) -> Access:
    try:
        installation = Installation.objects.get(external_key=external_key.replace("\0", "\ufffd"))
    except Installation.DoesNotExist:
        raise InstallationNotFound from None
    return Access(lambda: installation, Suspension.objects.filter(installation=installation).exists())
