"""Where PostgreSQL is, from `DATABASE_URL` or from the parts, and what a session begins with."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from checkout_project.environment import Environment

# A wait that takes too long must not use up the pool: locks give up after 3 s, statements after 15 s.
LOCK_TIMEOUT, STATEMENT_TIMEOUT = 3000, 15000  # milliseconds

_VERIFYING = ("verify-ca", "verify-full")
_SSL_MODES = ("disable", "allow", "prefer", "require", *_VERIFYING)


def address(env: Environment) -> dict[str, Any]:
    """HOST, PORT, NAME, USER, PASSWORD and OPTIONS of Django's setting. Several hosts are tried in turn.

    Raises ImproperlyConfigured, which names the variable that is wrong and the one to use instead.
    """
    url = env.address("DATABASE_URL", ("DB_HOST", "DB_PORT", "DB_DATABASE", "DB_USERNAME", "DB_PASSWORD"))
    parts = _parts_of(url) if url else _parts(env)
    parts["sslmode"] = _said_once("DB_SSLMODE", env.choice("DB_SSLMODE", "", _SSL_MODES), parts) or "disable"
    if parts["sslmode"] not in _SSL_MODES:
        raise ImproperlyConfigured(f"the sslmode of DATABASE_URL must be one of {', '.join(_SSL_MODES)}")
    parts["sslrootcert"] = _said_once("DB_SSLROOTCERT", env.file("DB_SSLROOTCERT"), parts)
    if bool(parts["sslrootcert"]) != (parts["sslmode"] in _VERIFYING):
        raise ImproperlyConfigured(
            "DB_SSLMODE and DB_SSLROOTCERT belong together: verify-ca and verify-full need the CA's certificate, "
            "and no other mode looks at it"
        )
    # Of a primary and its standbys only the first takes what the product writes.
    wanted = env.choice("DB_TARGET_SESSION_ATTRS", "", ("any", "read-write", "primary"))
    wanted = _said_once("DB_TARGET_SESSION_ATTRS", wanted, parts)
    parts["target_session_attrs"] = wanted or ("read-write" if "," in parts["host"] else "any")
    return {
        "HOST": parts.pop("host"),
        "PORT": parts.pop("port", ""),
        "NAME": parts.pop("dbname"),
        "USER": parts.pop("user"),
        "PASSWORD": parts.pop("password", ""),
        "OPTIONS": {name: value for name, value in parts.items() if value},
    }


def session_options(schema: str) -> str:
    """What each session begins with, as PostgreSQL's `options` take it: the schema is quoted as a name, then each space
    and backslash is escaped."""
    name = '"' + schema.replace('"', '""') + '"'
    escaped = name.replace("\\", "\\\\").replace(" ", "\\ ")
    return f"-c search_path={escaped} -c lock_timeout={LOCK_TIMEOUT} -c statement_timeout={STATEMENT_TIMEOUT}"


def _parts(env: Environment) -> dict[str, Any]:
    hosts = env.servers("DB_HOST", "localhost", port="DB_PORT", url="DATABASE_URL")
    ports = env.numbers("DB_PORT", 5432, minimum=1, maximum=65535)
    if len(ports) not in (1, len(hosts)):
        raise ImproperlyConfigured("DB_PORT must be one port for all hosts of DB_HOST, or as many as there are")
    return {
        "host": ",".join(hosts),
        "port": ports[0] if len(ports) == 1 else ",".join(map(str, ports)),
        "dbname": env.text("DB_DATABASE", "appmax_checkout"),
        "user": env.text("DB_USERNAME", "appmax"),
        "password": env.text("DB_PASSWORD"),
    }


def _parts_of(url: str) -> dict[str, Any]:
    """As libpq reads the URL; whatever it says is wrong may hold the password, and isn't repeated."""
    try:
        parts: dict[str, Any] = conninfo_to_dict(url) if url.startswith(("postgres://", "postgresql://")) else {}
    except ProgrammingError:
        parts = {}
    if not all(parts.get(name) for name in ("host", "dbname", "user")):
        raise ImproperlyConfigured("DATABASE_URL must be like postgresql://user:password@host:5432/database")
    if "options" in parts:
        raise ImproperlyConfigured("DATABASE_URL must not have options; the schema goes into DB_SCHEMA")
    return parts


def _said_once(name: str, value: str, parts: dict[str, Any]) -> str:
    """The variable's value, or what the URL says instead."""
    parameter = name.lower().removeprefix("db_")
    in_url = str(parts.get(parameter, ""))
    if value and in_url:
        raise ImproperlyConfigured(f"DATABASE_URL has {parameter}, and {name} is set; keep one")
    return value or in_url
