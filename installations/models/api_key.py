"""ApiKey: what opens a merchant's routes."""

from datetime import timedelta
from typing import Any, ClassVar

from django.db import connection, models
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import AbstractAPIKey, APIKeyManager

from installations.models.installation import Installation

# Requests with one key come at the same time. Only one of them writes, and none of them waits for another.
_USED_NOW = """
    UPDATE api_keys SET last_used_at = clock_timestamp()
     WHERE id = (SELECT id FROM api_keys WHERE prefix = %(prefix)s FOR NO KEY UPDATE SKIP LOCKED)
       AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - %(every)s)
"""


class ApiKeyManager(APIKeyManager):
    """Makes a key's prefix its primary key. The library's own manager adds the key's hash, which would then stand in
    the back office's URLs and history and in access logs."""

    def assign_key(self, obj: AbstractAPIKey) -> str:
        """The key's text, which is shown once."""
        text = str(super().assign_key(obj))
        obj.id = obj.prefix
        return text

    def note_use(self, prefix: str) -> None:
        """Write that the key has been used now, unless that was written less than ApiKey.USE_NOTED_EVERY ago."""
        values: dict[str, Any] = {"prefix": prefix, "every": ApiKey.USE_NOTED_EVERY}
        with connection.cursor() as cursor:
            cursor.execute(_USED_NOW, values)


class ApiKey(AbstractAPIKey):
    """A key for `Authorization: Api-Key …`, of which only the hash is stored. Without an installation it is valid for
    all merchants."""

    USE_NOTED_EVERY = timedelta(minutes=5)

    installation = models.ForeignKey(
        Installation,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="api_keys",
        verbose_name=_("merchant"),
        help_text=_("Empty: a key for every merchant of the platform"),
        db_comment="The merchant whose key it is; null: a key of the whole platform",
    )
    last_used_at = models.DateTimeField(
        _("last used at"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("To within five minutes"),
        db_comment="When a request was last let in with it, to within five minutes; null: not since this is noted",
    )

    objects: ClassVar[ApiKeyManager] = ApiKeyManager()

    text = ""
    """What is sent after `Api-Key`, of a key that was made just now. It is not stored."""

    class Meta(AbstractAPIKey.Meta):
        db_table = "api_keys"
        db_table_comment = "A hashed key of one merchant, or of the platform"
        verbose_name = _("API key")  # type: ignore[assignment] # the library says str
        verbose_name_plural = _("API keys")  # type: ignore[assignment]
