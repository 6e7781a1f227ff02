"""Where PostgreSQL is, by `DATABASE_URL` or by the variables of its parts, and which options a session begins with."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from checkout_project.environment import Environment

# Longer waits would use up the pool's connections.
LOCK_TIMEOUT, STATEMENT_TIMEOUT = 3000, 15000  # milliseconds

# A server that has vanished without closing its connections is given up after so long. With the kernel's own settings
# that takes a quarter of an hour for what was sent, and two hours for an answer that is waited for.
GIVEN_UP = {
    "tcp_user_timeout": 5000,  # milliseconds without an acknowledgement of what was sent
    "keepalives_idle": 3,  # seconds of silence until the server is asked whether it is there
    "keepalives_interval": 1,
    "keepalives_count": 3,
}

_VERIFYING = ("verify-ca", "verify-full")
_SSL_MODES = ("disable", "allow", "prefer", "require", *_VERIFYING)


def address(env: Environment) -> dict[str, Any]:
    """HOST, PORT, NAME, USER, PASSWORD and OPTIONS of Django's setting. libpq tries several hosts in turn.

    Raises ImproperlyConfigured, which names the wrong variable and the one to use instead.
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
    # With several hosts, one is the primary and the others are standbys, which take no writes.
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
    """Each session's first settings, in the form of PostgreSQL's `options`: the schema is quoted as an identifier, and
    then each space and backslash is escaped."""
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
    """The parts of the URL, as libpq reads it. libpq's error is not quoted, as it may hold the password."""
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
    """The variable's value, or that of the URL's parameter. Raises ImproperlyConfigured if both are given."""
    parameter = name.lower().removeprefix("db_")
    in_url = str(parts.get(parameter, ""))
    if value and in_url:
        raise ImproperlyConfigured(f"DATABASE_URL has {parameter}, and {name} is set; keep one")
    return value or in_url
