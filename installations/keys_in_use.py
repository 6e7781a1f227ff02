"""Which keys the running processes write with. Secrets that are encrypted with a key which the web doesn't have could
be read by nobody, so the commands that rotate keys look here first."""

import hashlib
import hmac

import structlog
from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection, models

log = structlog.stdlib.get_logger(__name__)

SETTINGS = ("FIELD_ENCRYPTION_KEYS", "SEARCH_HASH_KEYS")


class KeyInUse(models.Model):
    """The first key of a setting, as the processes of a kind that started last have it."""

    process = models.CharField(max_length=16, db_comment="Which kind of process: web or worker")
    setting = models.CharField(max_length=32, db_comment="FIELD_ENCRYPTION_KEYS or SEARCH_HASH_KEYS")
    fingerprint = models.CharField(max_length=64, db_comment="A hash, keyed with the first key itself")

    class Meta:
        db_table = "keys_in_use"
        db_table_comment = "The first key of each setting that has several, as the running processes have it"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["process", "setting"], name="keys_in_use_once")]

    def __str__(self) -> str:
        return f"{self.setting} of the {self.process}"


def note(process: str) -> None:
    """Note this process's first keys, when it starts. A process that finds no database starts all the same, and what
    was noted before stays."""
    rows = [KeyInUse(process=process, setting=name, fingerprint=_fingerprint(name)) for name in SETTINGS]
    try:
        KeyInUse.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["process", "setting"],
            update_fields=["fingerprint"],
        )
    except DatabaseFailure as error:
        log.warning("keys.not_noted", process=process, error=type(error).__name__)
    finally:
        connection.close()


def others_than_ours(setting: str) -> list[str]:
    """The kinds of processes whose first key of this setting is not this process's."""
    noted = KeyInUse.objects.filter(setting=setting).exclude(fingerprint=_fingerprint(setting))
    return sorted(noted.values_list("process", flat=True))


def refusal(setting: str) -> str:
    """Why a command must not rotate this setting's keys now; "" if it may."""
    others = others_than_ours(setting)
    if not others:
        return ""
    return (
        f"the first of {setting} here is not that of the running {' and '.join(others)}, which could not read what "
        "this command writes; nothing was changed: start them anew with these keys first (SECURITY.md)"
    )


def _fingerprint(setting: str) -> str:
    """Tells keys apart, and nothing about them."""
    first: str = getattr(settings, setting)[0]
    return hmac.new(first.encode(), b"keys_in_use", hashlib.sha256).hexdigest()
