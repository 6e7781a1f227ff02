"""Settings with which production refuses to start."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, MultiFernet
from django.core.exceptions import ImproperlyConfigured

APP_KEY_LENGTH = 50  # characters
SEARCH_KEY_LENGTH = 32
WEBHOOK_SECRET_LENGTH = 20


def refuse_weak_settings(
    *,
    debug: bool,
    secret_key: str,
    allowed_hosts: Sequence[str],
    public_url: str,
    url_variable: str,
    encryption_keys: Sequence[str],
    search_keys: Sequence[str],
    api_keys_required: bool,
    cache_driver: str,
    webhook_secrets: Sequence[str],
) -> None:
    """Raises ImproperlyConfigured, which names the variable and what it must be. `url_variable` names the variable that
    the public URL comes from."""
    for is_wrong, reason in (
        (debug, "APP_DEBUG must be off in production: it shows the product's inside to whoever asks"),
        (
            len(secret_key) < APP_KEY_LENGTH or len(set(secret_key)) < 10 or "insecure" in secret_key,
            f"APP_KEY must be at least {APP_KEY_LENGTH} random characters in production",
        ),
        (
            any(host.startswith(("*", ".")) for host in allowed_hosts),
            "ALLOWED_HOSTS must name each host in production, without * or a leading dot",
        ),
        (
            not public_url.startswith("https://"),
            f"{url_variable} must begin with https:// in production: cookies need it",
        ),
        (not _are_fernet_keys(encryption_keys), "FIELD_ENCRYPTION_KEYS must be Fernet keys, separated by commas"),
        (
            not search_keys or any(len(key) < SEARCH_KEY_LENGTH for key in search_keys),
            f"SEARCH_HASH_KEYS must be keys of at least {SEARCH_KEY_LENGTH} random characters in production",
        ),
        (not api_keys_required, "API_KEYS_REQUIRED must be true in production: merchants' secrets are behind it"),
        (cache_driver == "memory", "CACHE_DRIVER must be redis in production: its processes share tokens"),
        (
            not webhook_secrets or any(len(secret) < WEBHOOK_SECRET_LENGTH for secret in webhook_secrets),
            f"WEBHOOK_SECRET must be at least {WEBHOOK_SECRET_LENGTH} random characters in production: "
            "without it anybody can say that an order is paid",
        ),
    ):
        if is_wrong:
            raise ImproperlyConfigured(reason)


def _are_fernet_keys(keys: Sequence[str]) -> bool:
    try:
        MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        return False
    return True
