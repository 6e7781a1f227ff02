"""Secrets are encrypted anew only with a key that the running processes have as their first."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from installations import keys_in_use, rotation
from installations.keys_in_use import KeyInUse
from installations.models import Installation
from tests.support.factories import InstallationFactory
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

NEW, OLD = (Fernet.generate_key().decode() for _ in range(2))
COMMANDS = {"FIELD_ENCRYPTION_KEYS": "rotate_secrets", "SEARCH_HASH_KEYS": "rotate_shoppers"}
each_command = pytest.mark.parametrize(("setting", "command"), COMMANDS.items())


@each_command
def test_a_key_that_the_web_does_not_have_first_is_refused(settings: Any, setting: str, command: str) -> None:
    setattr(settings, setting, [OLD, NEW])
    keys_in_use.note("web")
    keys_in_use.note("worker")
    setattr(settings, setting, [NEW, OLD])

    with pytest.raises(CommandError, match=f"first of {setting} here is not that of the running web and worker, .*"):
        call_command(command)


@each_command
def test_once_all_have_started_anew_it_rotates(settings: Any, setting: str, command: str) -> None:
    setattr(settings, setting, [OLD])
    keys_in_use.note("web")
    setattr(settings, setting, [NEW, OLD])
    keys_in_use.note("web")

    call_command(command)


def test_nothing_is_changed_when_it_is_refused(settings: Any) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    row = InstallationFactory.create()
    keys_in_use.note("worker")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    with pytest.raises(CommandError, match="running worker"):
        call_command("rotate_secrets")

    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    assert Installation.objects.get().merchant_client_secret == row.merchant_client_secret


def test_only_the_first_key_counts(settings: Any) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    keys_in_use.note("web")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    assert keys_in_use.refusal("FIELD_ENCRYPTION_KEYS") == ""


def test_where_nothing_runs_nothing_is_refused() -> None:
    assert keys_in_use.refusal("FIELD_ENCRYPTION_KEYS") == ""
    assert rotation.tables()


def test_the_table_does_not_tell_the_key(settings: Any) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    keys_in_use.note("web")

    row = KeyInUse.objects.get(setting="FIELD_ENCRYPTION_KEYS")
    assert len(row.fingerprint) == 64
    assert NEW not in str(row.__dict__)


def test_a_gunicorn_that_starts_notes_its_keys(gunicorn: Any) -> None:
    gunicorn(DB_DATABASE=connection.settings_dict["NAME"], FIELD_ENCRYPTION_KEYS=NEW)

    wait_until(lambda: KeyInUse.objects.filter(process="web").count() == 2)
    assert keys_in_use.others_than_ours("FIELD_ENCRYPTION_KEYS") == ["web"]
    assert keys_in_use.others_than_ours("SEARCH_HASH_KEYS") == []


def test_without_the_table_a_process_starts_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE keys_in_use RENAME TO keys_elsewhere")
    try:
        keys_in_use.note("web")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE keys_elsewhere RENAME TO keys_in_use")

    assert "keys.not_noted" in caplog.text
