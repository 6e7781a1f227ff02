"""Reading the environment: one clear line for what is wrong, never a traceback, never a secret's value."""

import secrets
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from checkout_project.environment import Environment
from tests.support import fresh_process

KEY = Fernet.generate_key().decode()


def check(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` in an environment of its own; a variable set to "" is blank."""
    return fresh_process.run(fresh_process.manage, "check", *arguments, **{"DB_PASSWORD": "x", **variables})


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"DB_PASSWORD": ""}, "DB_PASSWORD is not set"),
        ({"DB_PORT": "abc"}, "DB_PORT must be a whole number"),
        ({"DB_MAX_OPEN_CONNS": "1"}, "DB_MAX_OPEN_CONNS (1) must be at least 8"),
        ({"APP_ENV": "staging"}, "APP_ENV must be one of local, production"),
        ({"APP_DEBUG": "maybe"}, "APP_DEBUG must be true or false"),
        ({"API_KEYS_REQUIRED": "ture"}, "API_KEYS_REQUIRED must be true or false"),
        ({"CACHE_DRIVER": "memcached"}, "CACHE_DRIVER must be one of redis, memory"),
        ({"DB_CONNECTION": "mysql"}, "DB_CONNECTION must be one of postgres"),
        ({"DB_SSLMODE": "on"}, "DB_SSLMODE must be one of"),
        ({"APPMAX_TIMEOUT": "41"}, "APPMAX_TIMEOUT must be at most 40 seconds"),
        ({"APPMAX_TIMEZONE": "Brasilia"}, "APPMAX_TIMEZONE must be a time zone such as America/Sao_Paulo"),
        ({"APPMAX_TIMEZONE": "../../etc/passwd"}, "APPMAX_TIMEZONE must be a time zone"),
        ({"APPMAX_TIMEZONE": "America"}, "APPMAX_TIMEZONE must be a time zone"),
        ({"APP_ENV": "production"}, "APP_KEY is not set"),
        ({"APP_ENV": "production", "APP_KEY": "k", "APP_URL": "https://x.com"}, "FIELD_ENCRYPTION_KEYS is not set"),
        ({"WORKER_METRICS_PORT": "65536"}, "WORKER_METRICS_PORT must be at most 65535"),
        ({"SENTRY_DSN": "key"}, "SENTRY_DSN must be like"),
        ({"DB_PASSWORD": "", "DB_PASSWORD_FILE": "/nowhere"}, "DB_PASSWORD_FILE can't be read: No such file"),
        ({"DB_PASSWORD": "", "DB_PASSWORD_FILE": "/"}, "DB_PASSWORD_FILE can't be read: Is a directory"),
        ({"DB_PASSWORD_FILE": "/nowhere"}, "DB_PASSWORD and DB_PASSWORD_FILE are both set"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_value_is_one_line_that_names_the_variable(variables: dict[str, str], named: str) -> None:
    result = check(**variables)

    assert result.returncode == 1
    assert result.stderr.startswith("configuration error: ")
    assert named in result.stderr
    assert result.stderr.count("\n") == 1


def test_bad_encryption_keys_are_an_error_of_check_that_does_not_repeat_them() -> None:
    result = check(FIELD_ENCRYPTION_KEYS="not-a-key")

    assert result.returncode == 1
    assert "checkout.E001" in result.stderr
    assert "not-a-key" not in result.stderr
    assert "Traceback" not in result.stderr


def test_blank_appmax_credentials_only_warn() -> None:
    result = check(APPMAX_CLIENT_ID="")

    assert result.returncode == 0
    assert "APPMAX_CLIENT_ID" in result.stderr
    assert "checkout.W001" in result.stderr


PRODUCTION = {
    "APP_ENV": "production",
    "APP_URL": "https://x.com",
    "APP_KEY": secrets.token_urlsafe(50),
    "FIELD_ENCRYPTION_KEYS": KEY,
    "SEARCH_HASH_KEYS": secrets.token_urlsafe(32),
    "WEBHOOK_SECRET": secrets.token_urlsafe(24),
    "TRUSTED_PROXIES": "1",
}


def test_api_keys_may_be_off_locally_with_a_warning() -> None:
    result = check("--deploy", API_KEYS_REQUIRED="false")

    assert result.returncode == 0
    assert "checkout.W002" in result.stderr


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"APP_DEBUG": "true"}, "APP_DEBUG must be off"),
        ({"APP_KEY": "short"}, "APP_KEY must be at least 50 random characters"),
        ({"APP_KEY": "k" * 60}, "APP_KEY must be at least 50 random characters"),
        ({"APP_KEY": "django-insecure-" + "abcdefghijklmnopqrstuvwxyz" * 2}, "APP_KEY must be at least 50"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name each host"),
        ({"ALLOWED_HOSTS": "x.com,.shop.com"}, "ALLOWED_HOSTS must name each host"),
        ({"APP_URL": "http://x.com"}, "APP_URL must begin with https://"),
        ({"NGROK_URL": "http://x.ngrok.app"}, "NGROK_URL must begin with https://"),
        ({"FIELD_ENCRYPTION_KEYS": "k,k"}, "FIELD_ENCRYPTION_KEYS must be Fernet keys"),
        ({"SEARCH_HASH_KEYS": ""}, "SEARCH_HASH_KEYS is not set"),
        ({"SEARCH_HASH_KEYS": f"{KEY},short"}, "SEARCH_HASH_KEYS must be keys of at least 32 random characters"),
        ({"API_KEYS_REQUIRED": "false"}, "API_KEYS_REQUIRED must be true"),
        ({"CACHE_DRIVER": "memory"}, "CACHE_DRIVER must be redis"),
        ({"DB_PASSWORD": ""}, "DB_PASSWORD is not set"),
        ({"WEBHOOK_SECRET": ""}, "WEBHOOK_SECRET must be at least 20 random characters"),
        ({"WEBHOOK_SECRET": "a-long-enough-secret-here,short"}, "WEBHOOK_SECRET must be at least 20 random"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_production_refuses_to_start_in_one_line(variables: dict[str, str], named: str) -> None:
    result = check(**PRODUCTION | variables)

    assert result.returncode == 1
    assert result.stderr.startswith("configuration error: ")
    assert named in result.stderr
    assert result.stderr.count("\n") == 1
    assert PRODUCTION["APP_KEY"] not in result.stderr


def test_a_production_that_is_set_up_has_nothing_for_check_deploy_to_say() -> None:
    appmax = {
        "APPMAX_CLIENT_ID": "id",
        "APPMAX_CLIENT_SECRET": "secret",
        "APPMAX_APP_ID_UUID": "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11",
        "APPMAX_APP_ID_NUMERIC": "4242",
    }

    result = check("--deploy", "--fail-level", "WARNING", **PRODUCTION | appmax)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "System check identified no issues (1 silenced).\n"


def test_a_production_that_waits_for_appmaxs_mail_starts() -> None:
    result = check(**PRODUCTION)

    assert result.returncode == 0
    assert "checkout.W001" in result.stderr


def test_swapped_app_ids_are_an_error_of_check() -> None:
    result = check(APPMAX_APP_ID_UUID="4242", APPMAX_APP_ID_NUMERIC="6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11")

    assert result.returncode == 1
    assert "checkout.E002" in result.stderr
    assert "checkout.E003" in result.stderr


def test_a_dotenv_file_completes_the_environment_and_never_overrides_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REAL", "from the environment")
    for name in ("ONLY_FILE", "BLANK"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)  # set first, so that what the file sets is undone
    (tmp_path / ".env").write_text("REAL=from the file\nONLY_FILE='$dollar#hash'\nBLANK=\n")

    env = Environment(tmp_path / ".env")

    assert env.text("REAL") == "from the environment"
    assert env.text("ONLY_FILE") == "$dollar#hash"
    assert env.text("BLANK", "default") == "default"


@pytest.mark.parametrize(
    ("outside", "inside"), [("DB_PASSWORD", "DB_PASSWORD_FILE"), ("DB_PASSWORD_FILE", "DB_PASSWORD")]
)
def test_a_variable_wins_over_the_other_form_of_it_in_the_dotenv_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outside: str, inside: str
) -> None:
    (tmp_path / "right").write_text("right")
    right = {"DB_PASSWORD": "right", "DB_PASSWORD_FILE": str(tmp_path / "right")}
    monkeypatch.setenv(inside, "")
    monkeypatch.delenv(inside)  # set first, so that what the file sets is undone
    monkeypatch.setenv(outside, right[outside])
    (tmp_path / ".env").write_text(f"{inside}=/wrong\n")

    assert Environment(tmp_path / ".env").text("DB_PASSWORD") == "right"


def test_a_secret_can_be_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    monkeypatch.setenv("DB_PASSWORD", "")
    monkeypatch.setenv("DB_PASSWORD_FILE", str(tmp_path / "password"))

    assert Environment(tmp_path / ".env").text("DB_PASSWORD") == "s3cret"


def test_a_local_secret_is_made_once_and_only_its_owner_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APP_KEY", raising=False)
    env = Environment(tmp_path / ".env")

    first = env.secret("APP_KEY", generated_in=tmp_path / "secrets")

    assert len(first) >= 50
    assert env.secret("APP_KEY", generated_in=tmp_path / "secrets") == first
    assert stat.S_IMODE((tmp_path / "secrets" / "app_key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["app_key"]


def test_a_required_secret_is_named_when_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APP_KEY", raising=False)
    with pytest.raises(ImproperlyConfigured, match="APP_KEY is not set"):
        Environment(tmp_path / ".env").secret("APP_KEY", generated_in=None)
