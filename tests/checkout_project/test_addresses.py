"""Addresses of sites and servers, as operators write them: understood, or refused in one line that says what to do."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django_redis.cache import RedisCache
from redis.connection import SSLConnection
from redis.sentinel import SentinelManagedConnection

from checkout_project import cache, database
from checkout_project.environment import Environment
from tests.support import fresh_process

SECRETS = (
    "APP_KEY",
    "DATABASE_URL",
    "DB_PASSWORD",
    "REDIS_URL",
    "REDIS_PASSWORD",
    "REDIS_SENTINEL_PASSWORD",
    "FIELD_ENCRYPTION_KEYS",
    "SEARCH_HASH_KEYS",
    "APPMAX_CLIENT_ID",
    "APPMAX_CLIENT_SECRET",
    "WEBHOOK_SECRET",
    "METRICS_TOKEN",
    "SENTRY_DSN",
    "ADMIN_PASSWORD",
    "STOREFRONT_API_KEY",
)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Environment:
    """An environment in which no server is named."""
    for name in ("DB_HOST", "DB_PORT", "DB_DATABASE", "DB_USERNAME", "DB_PASSWORD", "DB_SSLMODE"):
        monkeypatch.setenv(name, "")
    for name in ("REDIS_HOST", "REDIS_PORT", "REDIS_DB"):
        monkeypatch.setenv(name, "")
    return Environment(tmp_path / ".env")


@pytest.fixture
def certificate(tmp_path: Path) -> str:
    (tmp_path / "ca.pem").touch()
    return str(tmp_path / "ca.pem")


def set_all(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


# --- sites -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "ftp://shop.com",
        "https://",
        "https://shop.com:port",
        "https://[::1",
        "https://[shop]",
        "https://user:s3cret@shop.com",
        "https://shop.com/?a=s3cret",
        "https://shop.com#s3cret",
        "https://a b.com",
        "https://-açaí.com",
    ],
)
def test_what_is_no_address_of_a_site_is_refused_and_not_told(
    env: Environment, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("APP_URL", url)

    with pytest.raises(ImproperlyConfigured, match=r"^APP_URL must be an http or https URL, like") as caught:
        env.url("APP_URL", "")

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["APP_URL", "NGROK_URL"])
def test_a_path_is_refused(name: str) -> None:
    result = fresh_process.run(fresh_process.manage, "check", **{"DB_PASSWORD": "x", name: "https://shop.com/checkout"})

    assert (
        result.stderr == f"configuration error: {name} must have no path: the product answers at the root of its host\n"
    )


def test_appmaxs_addresses_may_have_a_path(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPMAX_API_URL", "https://gateway.example.com/appmax/")

    assert env.url("APPMAX_API_URL", "") == "https://gateway.example.com/appmax"


def test_allowed_hosts_are_spelled_as_browsers_spell_them(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "Açaí.com.br, ::1, [2001:db8::2], 10.0.0.1, .shop.com, *, my_host")

    assert env.hosts("ALLOWED_HOSTS") == [
        "xn--aa-4iaz.com.br",
        "[::1]",
        "[2001:db8::2]",
        "10.0.0.1",
        ".shop.com",
        "*",
        "my_host",
    ]


@pytest.mark.parametrize("hosts", ["https://shop.com", "shop.com:8080", "shop.com/", "[::1]:8080"])
def test_allowed_hosts_with_more_than_hosts_are_refused(
    env: Environment, monkeypatch: pytest.MonkeyPatch, hosts: str
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", hosts)

    with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS must be host names without scheme, port and path"):
        env.hosts("ALLOWED_HOSTS")


@pytest.mark.parametrize(
    ("url", "host"), [("https://açaí.com.br", "xn--aa-4iaz.com.br"), ("http://[::1]:8080", "[::1]:8080")]
)
def test_pages_answer_under_the_host_that_a_browser_sends(url: str, host: str) -> None:
    result = fresh_process.run(
        print_first_page, host, APP_URL=url, DB_PASSWORD="x", CACHE_DRIVER="memory", ALLOWED_HOSTS="a.com"
    )

    assert json.loads(result.stdout) == [200, 400], result.stderr


def print_first_page(host: str) -> None:
    """The status of the first page under this host, and under another."""
    import os

    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "checkout_project.settings"
    django.setup()
    from django.test import Client

    statuses = [Client().get("/", headers={"Host": name}).status_code for name in (host, "b.com")]
    sys.stdout.write(json.dumps(statuses))


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def where(env: Environment) -> dict[str, Any]:
    """Host, port and options."""
    address = database.address(env)
    return {"host": address["HOST"], "port": address["PORT"], **address["OPTIONS"]}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {"host": "localhost", "port": 5432, "target_session_attrs": "any"}),
        ({"DB_HOST": "::1"}, {"host": "::1", "port": 5432, "target_session_attrs": "any"}),
        ({"DB_HOST": "[::1]", "DB_PORT": "1"}, {"host": "::1", "port": 1, "target_session_attrs": "any"}),
        ({"DB_HOST": "/run/pg"}, {"host": "/run/pg", "port": 5432, "target_session_attrs": "any"}),
        ({"DB_HOST": "a, b"}, {"host": "a,b", "port": 5432, "target_session_attrs": "read-write"}),
        (
            {"DB_HOST": "a,::1", "DB_PORT": "1, 2"},
            {"host": "a,::1", "port": "1,2", "target_session_attrs": "read-write"},
        ),
        (
            {"DB_HOST": "a,b", "DB_TARGET_SESSION_ATTRS": "primary"},
            {"host": "a,b", "port": 5432, "target_session_attrs": "primary"},
        ),
    ],
)
def test_hosts_of_postgresql(
    env: Environment, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: dict[str, Any]
) -> None:
    set_all(monkeypatch, DB_PASSWORD="x", **variables)

    assert where(env) == {"sslmode": "disable", **expected}


def test_a_url_may_stand_for_the_parts(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://shop:p%40ss@a,[::1]:5433/money?sslmode=require&channel_binding=prefer"
    monkeypatch.setenv("DATABASE_URL", url)

    assert database.address(env) == {
        "HOST": "a,::1",
        "PORT": ",5433",
        "NAME": "money",
        "USER": "shop",
        "PASSWORD": "p@ss",
        "OPTIONS": {"sslmode": "require", "channel_binding": "prefer", "target_session_attrs": "read-write"},
    }


def test_what_the_url_leaves_out_may_be_said_beside_it(
    env: Environment, monkeypatch: pytest.MonkeyPatch, certificate: str
) -> None:
    url = "postgres://shop:p@a/money"
    set_all(monkeypatch, DATABASE_URL=url, DB_SSLMODE="verify-full", DB_SSLROOTCERT=certificate)

    options = database.address(env)["OPTIONS"]

    assert options == {"sslmode": "verify-full", "sslrootcert": certificate, "target_session_attrs": "any"}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"DB_HOST": "a:5433"}, "DB_HOST must be a host alone; a port goes into DB_PORT"),
        ({"DB_HOST": "[::1]:5433"}, "DB_HOST must be a host alone; a port goes into DB_PORT"),
        ({"DB_HOST": "a,b:5433"}, "DB_HOST must be a host alone; a port goes into DB_PORT"),
        (
            {"DB_HOST": "postgres://u:s3cret@a"},
            "DB_HOST must be a host alone; the whole address goes into DATABASE_URL",
        ),
        (
            {"DB_HOST": "a,b", "DB_PORT": "1,2,3"},
            "DB_PORT must be one port for all hosts of DB_HOST, or as many as there",
        ),
        ({"DB_PORT": "70000"}, "DB_PORT must be at most 65535"),
        ({"DB_PORT": "1,x"}, "DB_PORT must be a whole number of at least 1, not 'x'"),
        ({"DB_TARGET_SESSION_ATTRS": "standby"}, "DB_TARGET_SESSION_ATTRS must be one of any, read-write, primary"),
        ({"DB_SSLMODE": "verify-full"}, "DB_SSLMODE and DB_SSLROOTCERT belong together"),
        ({"DB_SSLROOTCERT": "CERTIFICATE"}, "DB_SSLMODE and DB_SSLROOTCERT belong together"),
        ({"DB_SSLMODE": "require", "DB_SSLROOTCERT": "CERTIFICATE"}, "DB_SSLMODE and DB_SSLROOTCERT belong together"),
        (
            {"DB_SSLMODE": "verify-ca", "DB_SSLROOTCERT": "/no"},
            "the file that DB_SSLROOTCERT names can't be read: No such",
        ),
    ],
)
def test_parts_that_say_too_much_or_too_little_are_refused(
    env: Environment, monkeypatch: pytest.MonkeyPatch, certificate: str, variables: dict[str, str], message: str
) -> None:
    variables = {name: certificate if value == "CERTIFICATE" else value for name, value in variables.items()}
    set_all(monkeypatch, DB_PASSWORD="x", **variables)

    with pytest.raises(ImproperlyConfigured) as caught:
        database.address(env)

    assert str(caught.value).startswith(message)
    assert "s3cret" not in str(caught.value)


LIKE = "DATABASE_URL must be like postgresql://user:password@host:5432/database"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://u:s3cret@a/b", LIKE),
        ("host=a user=u password=s3cret dbname=b", LIKE),
        ("postgresql://u:s3 cret@a/b", LIKE),
        ("postgresql://u:s3cret@a", LIKE),
        ("postgresql://a/b", LIKE),
        ("postgresql://u:s3cret@a/b?schema=c", LIKE),
        (
            "postgresql://u:s3cret@a/b?options=-csearch_path%3Dc",
            "DATABASE_URL must not have options; the schema goes into DB_SCHEMA",
        ),
        ("postgresql://u:s3cret@a/b?sslmode=on", "the sslmode of DATABASE_URL must be one of"),
        ("postgresql://u:s3cret@a/b?sslmode=verify-full", "DB_SSLMODE and DB_SSLROOTCERT belong together"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_and_not_told(
    env: Environment, monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    with pytest.raises(ImproperlyConfigured) as caught:
        database.address(env)

    assert str(caught.value).startswith(message)
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize("name", ["DB_HOST", "DB_PORT", "DB_DATABASE", "DB_USERNAME", "DB_PASSWORD"])
def test_the_url_and_a_part_are_never_both_set(env: Environment, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    set_all(monkeypatch, DATABASE_URL="postgresql://u:p@a/b", **{name: "1"})

    with pytest.raises(ImproperlyConfigured, match=f"^DATABASE_URL and {name} are both set; keep one$"):
        database.address(env)


@pytest.mark.parametrize(("name", "value"), [("DB_SSLMODE", "require"), ("DB_TARGET_SESSION_ATTRS", "primary")])
def test_the_url_and_a_variable_never_say_the_same(
    env: Environment, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    url = "postgresql://u:p@a/b?sslmode=prefer&target_session_attrs=any"
    set_all(monkeypatch, DATABASE_URL=url, **{name: value})

    with pytest.raises(
        ImproperlyConfigured, match=f"^DATABASE_URL has {name[3:].lower()}, and {name} is set; keep one$"
    ):
        database.address(env)


# --- Redis -----------------------------------------------------------------------------------------------------------


def redis_of(env: Environment) -> tuple[str, str, str, object]:
    """Location, user, password, the CA's certificate."""
    made = cache.redis(env)
    options = made["OPTIONS"]
    return (
        made["LOCATION"],
        options["USERNAME"],
        options["PASSWORD"],
        options["CONNECTION_POOL_KWARGS"].get("ssl_ca_certs"),
    )


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("redis://localhost:6379/0", "", "", None)),
        ({"REDIS_HOST": "::1", "REDIS_DB": "2"}, ("redis://[::1]:6379/2", "", "", None)),
        ({"REDIS_HOST": "[::1]", "REDIS_PORT": "1"}, ("redis://[::1]:1/0", "", "", None)),
        ({"REDIS_USERNAME": "u", "REDIS_PASSWORD": "p@:/#"}, ("redis://localhost:6379/0", "u", "p@:/#", None)),
        ({"REDIS_HOST": "my_redis", "REDIS_TLS": "true"}, ("rediss://my_redis:6379/0", "", "", None)),
        ({"REDIS_TLS": "true", "REDIS_SSLROOTCERT": "CA"}, ("rediss://localhost:6379/0", "", "", "CA")),
        ({"REDIS_URL": "redis://a"}, ("redis://a:6379/0", "", "", None)),
        ({"REDIS_URL": "redis://[::1]:1/3"}, ("redis://[::1]:1/3", "", "", None)),
        ({"REDIS_URL": "rediss://u:p%40@a:1/", "REDIS_SSLROOTCERT": "CA"}, ("rediss://a:1/0", "u", "p@", "CA")),
        ({"REDIS_URL": "rediss://:p@a"}, ("rediss://a:6379/0", "", "p", None)),
    ],
)
def test_addresses_of_redis(
    env: Environment,
    monkeypatch: pytest.MonkeyPatch,
    certificate: str,
    variables: dict[str, str],
    expected: tuple[str, str, str, object],
) -> None:
    set_all(monkeypatch, **{name: certificate if value == "CA" else value for name, value in variables.items()})

    assert redis_of(env) == tuple(certificate if value == "CA" else value for value in expected)


@pytest.mark.parametrize("is_tls", [True, False])
def test_sentinels_are_asked_where_redis_is_over_tls_if_it_is(
    env: Environment, monkeypatch: pytest.MonkeyPatch, certificate: str, is_tls: bool
) -> None:
    tls = {"REDIS_TLS": "true", "REDIS_SSLROOTCERT": certificate} if is_tls else {}
    theirs = {"REDIS_SENTINELS": "A, b:1,[::1]:2", "REDIS_SENTINEL_MASTER": "Shop", "REDIS_SENTINEL_PASSWORD": "theirs"}
    db = 3 + is_tls  # django-redis has one pool for each LOCATION
    set_all(monkeypatch, REDIS_DB=str(db), REDIS_USERNAME="u", REDIS_PASSWORD="ours", **theirs, **tls)
    made = cache.redis(env)

    pool = RedisCache(made["LOCATION"], made).client.get_client().connection_pool

    sentinels = [sentinel.connection_pool for sentinel in pool.sentinel_manager.sentinels]
    assert [(each.connection_kwargs["host"], each.connection_kwargs["port"]) for each in sentinels] == [
        ("a", 26379),
        ("b", 1),
        ("::1", 2),
    ]
    assert (pool.is_master, pool.service_name, pool.connection_kwargs["db"]) == (True, "Shop", db)
    assert (pool.connection_kwargs["password"], sentinels[0].connection_kwargs["password"]) == ("ours", "theirs")
    assert issubclass(pool.connection_class, SentinelManagedConnection)
    for each in (pool, *sentinels):
        assert issubclass(each.connection_class, SSLConnection) is is_tls
        assert each.connection_kwargs.get("ssl_ca_certs") == (certificate if is_tls else None)
        assert each.connection_kwargs["socket_timeout"] == 0.25
        assert each.connection_kwargs["retry"].get_retries() == 0


LIKE_SENTINELS = "REDIS_SENTINELS must be like sentinel1:26379,sentinel2:26379"
LIKE_REDIS = "REDIS_URL must be like redis://user:password@host:6379/0, or rediss:// for TLS, without parameters"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"REDIS_HOST": "a:6380"}, "REDIS_HOST must be a host alone; a port goes into REDIS_PORT"),
        ({"REDIS_HOST": "a/1"}, "REDIS_HOST must be a host alone; a port goes into REDIS_PORT"),
        ({"REDIS_HOST": "a,b"}, "REDIS_HOST must be a host alone; a port goes into REDIS_PORT"),
        (
            {"REDIS_HOST": "rediss://u:s3cret@a"},
            "REDIS_HOST must be a host alone; the whole address goes into REDIS_URL",
        ),
        ({"REDIS_PORT": "70000"}, "REDIS_PORT must be at most 65535"),
        ({"REDIS_SSLROOTCERT": "/"}, "the file that REDIS_SSLROOTCERT names can't be read: Is a directory"),
        (
            {"REDIS_SSLROOTCERT": "CA"},
            "REDIS_SSLROOTCERT needs REDIS_TLS=true, or a REDIS_URL that begins with rediss://",
        ),
        ({"REDIS_URL": "http://:s3cret@a"}, LIKE_REDIS),
        ({"REDIS_URL": "redis://"}, LIKE_REDIS),
        ({"REDIS_URL": "redis://:s3cret@a:b"}, LIKE_REDIS),
        ({"REDIS_URL": "redis://:s3cret@a/b"}, LIKE_REDIS),
        ({"REDIS_URL": "redis://:s3#cret@a"}, LIKE_REDIS),
        ({"REDIS_URL": "rediss://:s3cret@a?ssl_cert_reqs=none"}, LIKE_REDIS),
        ({"REDIS_URL": "unix:///run/redis.sock"}, LIKE_REDIS),
        ({"REDIS_URL": "redis://a", "REDIS_HOST": "a"}, "REDIS_URL and REDIS_HOST are both set; keep one"),
        ({"REDIS_URL": "redis://a", "REDIS_PASSWORD": "s3cret"}, "REDIS_URL and REDIS_PASSWORD are both set; keep one"),
        ({"REDIS_URL": "redis://a", "REDIS_TLS": "true"}, "REDIS_URL and REDIS_TLS are both set; keep one"),
        ({"REDIS_SENTINELS": "a", "REDIS_HOST": "a"}, "REDIS_SENTINELS and REDIS_HOST are both set; keep one"),
        ({"REDIS_SENTINELS": "a", "REDIS_URL": "redis://a"}, "REDIS_SENTINELS and REDIS_URL are both set; keep one"),
        ({"REDIS_SENTINELS": "a,"}, LIKE_SENTINELS),
        ({"REDIS_SENTINELS": "a:b"}, LIKE_SENTINELS),
        ({"REDIS_SENTINELS": "s3cret@a"}, LIKE_SENTINELS),
        ({"REDIS_SENTINELS": "redis://a"}, LIKE_SENTINELS),
    ],
)
def test_an_address_of_redis_that_cannot_be_meant_is_refused_and_not_told(
    env: Environment, monkeypatch: pytest.MonkeyPatch, certificate: str, variables: dict[str, str], message: str
) -> None:
    set_all(monkeypatch, **{name: certificate if value == "CA" else value for name, value in variables.items()})

    with pytest.raises(ImproperlyConfigured) as caught:
        cache.redis(env)

    assert str(caught.value).startswith(message)
    assert "s3" not in str(caught.value)


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_may_come_from_a_file(
    tmp_path: Path, env: Environment, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    set_all(monkeypatch, **{name: "", f"{name}_FILE": str(tmp_path / "secret")})

    assert env.secret(name, generated_in=None) == "s3cret"
