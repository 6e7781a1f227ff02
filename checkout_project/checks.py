"""System checks: settings that are valid one by one, but wrong together or in this environment."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from redis.exceptions import RedisError

from checkout_project import database
from installations import registration, rotation
from installations.fields import fernet


@register(Tags.security)
def encryption_keys(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """FIELD_ENCRYPTION_KEYS must be usable before the first merchant's secret arrives."""
    try:
        fernet()
    except ImproperlyConfigured as error:
        return [
            Error(
                str(error),
                hint="make key, or `cryptography.fernet.Fernet.generate_key()`, makes one; see .env.example",
                id="checkout.E001",
            )
        ]
    return []


@register(Tags.database)
def keys_of_stored_secrets(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A key that was taken away too early leaves secrets that nobody can read. It is no error, because the key may be
    lost for good, and `migrate`, which runs this check, must work then, too."""
    unread = sorted(
        model._meta.db_table for model in rotation.tables() if databases and not rotation.is_readable(model)
    )
    return [
        Warning(
            f"FIELD_ENCRYPTION_KEYS lacks a key that secrets in {name} are encrypted with",
            hint="put the older key behind the others, start anew, and run manage.py rotate_secrets; see SECURITY.md",
            id="checkout.W003",
        )
        for name in unread
    ]


@register()
def appmax_credentials(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Blank credentials are a warning and no error, as Appmax mails them only after the app's URLs are registered."""
    missing = registration.missing()
    if not missing:
        return []
    return [
        Warning(
            f"{', '.join(missing)} not set: nobody can install the app yet",
            hint="Appmax mails them once the app's URLs are registered: see manage.py show_urls_for_appmax.",
            id="checkout.W001",
        )
    ]


@register()
def app_ids_not_mixed_up(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """The app has two ids, which are often mixed up."""
    found: list[CheckMessage] = []
    if settings.APPMAX_APP_ID_UUID.isdigit():
        found.append(Error("APPMAX_APP_ID_UUID is a number; it must be the app's UUID", id="checkout.E002"))
    if settings.APPMAX_APP_ID_NUMERIC and not settings.APPMAX_APP_ID_NUMERIC.isdigit():
        found.append(Error("APPMAX_APP_ID_NUMERIC must be the app's number", id="checkout.E003"))
    return found


@register(Tags.caches)
def redis_is_no_cluster(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """A node of a Redis Cluster holds some of the keys and refuses the others, which would look like a Redis that
    forgets. One that is away is no fault. HELLO is a command that no ACL forbids."""
    if settings.CACHE_DRIVER != "redis":
        return []
    try:
        said = caches["default"].client.get_client().execute_command("HELLO")  # type: ignore[attr-defined]
    except RedisError:
        return []
    if said.get(b"mode") != b"cluster":
        return []
    hint = "give us a Redis of its own, or one that Sentinels watch (REDIS_SENTINELS); see docs/deploy.md"
    return [Error("Redis is a node of a Redis Cluster, which can't be used", hint=hint, id="checkout.E005")]


_OPEN = "API_KEYS_REQUIRED is off: checkout and merchant tokens are open to anybody"


@register()
def api_keys_off_locally(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without API keys anybody can read a merchant's secret. That is allowed on a developer's machine only."""
    off = settings.IS_LOCAL and not settings.API_KEYS_REQUIRED
    return [Warning(_OPEN, id="checkout.W002")] if off else []


@register(Tags.database)
def sessions_behind_pgbouncer(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """PgBouncer passes no start-up options on, so the time-outs and the schema must be set on the database role. The
    check needs the database, so `migrate` runs it. The ORM can't ask for a session's settings."""
    if not settings.DB_PGBOUNCER or not databases:
        return []
    wanted = {"lock_timeout": str(database.LOCK_TIMEOUT), "statement_timeout": str(database.STATEMENT_TIMEOUT)}
    with connection.cursor() as cursor:
        names = "SELECT quote_ident(%s), quote_ident(current_user), quote_ident(current_database())"
        cursor.execute(names, [settings.DB_SCHEMA])
        schema, role, base = cursor.fetchone()
        if schema != "public":  # PostgreSQL searches "public" by itself.
            wanted["search_path"] = schema
        # reset_val is what a session begins with. `migrate` has lifted the limit of its own session.
        cursor.execute("SELECT name, reset_val FROM pg_settings WHERE name = ANY(%s)", [list(wanted)])
        in_force = dict(cursor.fetchall())
    return [
        Error(
            f"{name} is {in_force[name]!r} behind PgBouncer, not {value!r}",
            hint=f"run once, on PostgreSQL itself: ALTER ROLE {role} IN DATABASE {base} SET {name} = {value}",
            id="checkout.E004",
        )
        for name, value in wanted.items()
        if in_force[name] != value
    ]
