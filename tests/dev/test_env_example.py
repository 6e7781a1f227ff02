"""`.env.example` is the one list of variables: complete, and harmless when copied to `.env` as it is."""

import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
SECRETS = (
    "APP_KEY",
    "DATABASE_URL",
    "DB_PASSWORD",
    "REDIS_URL",
    "REDIS_PASSWORD",
    "APPMAX_CLIENT_ID",
    "APPMAX_CLIENT_SECRET",
    "WEBHOOK_SECRET",
    "EMAIL_HOST_PASSWORD",
    "FIELD_ENCRYPTION_KEYS",
    "SEARCH_HASH_KEYS",
    "NGROK_AUTHTOKEN",
    "ADMIN_PASSWORD",
    "STOREFRONT_API_KEY",
    "STOREFRONT_SECRET_KEY",
)


@pytest.mark.parametrize(
    "file",
    [f"checkout_project/{name}.py" for name in ("settings", "database", "cache")] + ["dev/run.py"],
)
def test_every_variable_that_is_read_is_named(file: str) -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / file).read_text()))
    named = set(re.findall(r"^#? ?([A-Z_]+)=", EXAMPLE, re.MULTILINE))

    assert read
    assert read - named - {"SIMULATOR_SEED"} == set()


def test_every_variable_has_a_comment_above_it() -> None:
    lines = EXAMPLE.splitlines()
    bare = [line for above, line in itertools.pairwise(lines) if _is_variable(line) and not _is_text(above)]

    assert bare == []


def test_a_copy_sets_nothing() -> None:
    assert re.findall(r"^[A-Z_]+=.+", EXAMPLE, re.MULTILINE) == []


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_has_a_default(name: str) -> None:
    assert re.search(rf"^{name}=$", EXAMPLE, re.MULTILINE)


def _is_variable(line: str) -> bool:
    return re.match(r"#? ?[A-Z_]+=", line) is not None


def _is_text(line: str) -> bool:
    return line.startswith("# ") and not _is_variable(line)
