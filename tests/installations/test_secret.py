"""merchant_client_secret: encrypted at rest, under keys that can be changed, and shown by nothing."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import connection
from django.forms import modelform_factory

from checkout_project.checks import keys_of_stored_secrets
from installations import rotation
from installations.fields import DecryptionFailed
from installations.models import Installation
from tests.support.factories import InstallationFactory

pytestmark = pytest.mark.django_db


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT merchant_client_secret FROM installations")
        return str(cursor.fetchone()[0])


def test_the_table_holds_no_plain_text() -> None:
    InstallationFactory.create(merchant_client_secret="plain-secret")

    assert "plain-secret" not in stored()
    assert Installation.objects.get().merchant_client_secret == "plain-secret"


def test_the_first_key_encrypts_and_all_decrypt(settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    InstallationFactory.create(merchant_client_secret="s")
    settings.FIELD_ENCRYPTION_KEYS = [new, old]

    row = Installation.objects.get()
    assert row.merchant_client_secret == "s"
    row.save()
    assert Fernet(new).decrypt(stored().encode()) == b"s"


def test_without_its_key_it_fails_loudly_and_never_gives_the_ciphertext(settings: Any) -> None:
    InstallationFactory.create()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(DecryptionFailed):
        Installation.objects.get()


def test_512_characters_fit_and_513_do_not() -> None:
    InstallationFactory.create(merchant_client_secret="s" * 512)
    assert Installation.objects.get().merchant_client_secret == "s" * 512

    with pytest.raises(ValueError, match="longer than 512"):
        InstallationFactory.create(merchant_client_secret="s" * 513)


def test_it_is_in_no_repr_and_no_form_and_cannot_be_searched_by() -> None:
    row = InstallationFactory.create(merchant_client_secret="plain-secret")

    assert "plain-secret" not in repr(row) + str(row) + repr(row.credentials)
    form = modelform_factory(Installation, fields="__all__")
    assert "merchant_client_secret" not in form.base_fields
    with pytest.raises(FieldError):
        Installation.objects.filter(merchant_client_secret="plain-secret")


def test_a_row_inserted_with_plain_sql_is_complete() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO installations (external_key, app_id, merchant_client_id, merchant_client_secret)"
            " VALUES ('k', '1', 'i', 's') RETURNING external_id, installed_at, created_at, updated_at"
        )
        assert None not in cursor.fetchone()


def rotate(**options: Any) -> str:
    out = StringIO()
    call_command("rotate_secrets", stdout=out, **options)
    return out.getvalue().strip()


@pytest.fixture
def keys(settings: Any) -> list[str]:
    """An old key, with which five rows are encrypted, and a new one."""
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.FIELD_ENCRYPTION_KEYS = [old]
    for number in range(5):
        InstallationFactory.create(merchant_client_secret=f"secret {number}")
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    return [new, old]


def secrets() -> list[str]:
    return [row.merchant_client_secret for row in Installation.objects.order_by("pk")]


def test_after_a_rotation_the_old_key_is_not_needed(settings: Any, keys: list[str]) -> None:
    before = list(Installation.objects.order_by("pk").values_list("pk", "updated_at", "installed_at"))

    assert rotate(batch=2) == "5 encrypted with the newest key"

    settings.FIELD_ENCRYPTION_KEYS = keys[:1]
    assert secrets() == [f"secret {number}" for number in range(5)]
    assert list(Installation.objects.order_by("pk").values_list("pk", "updated_at", "installed_at")) == before


def test_a_rotation_that_was_broken_off_goes_on_where_it_is_needed(settings: Any, keys: list[str]) -> None:
    rotation.rotate(Installation, after=0, size=3)

    assert rotate() == "2 encrypted with the newest key"
    assert rotate() == "0 encrypted with the newest key"


def test_a_secret_that_no_key_opens_is_named_and_stops_no_other(settings: Any, keys: list[str]) -> None:
    lost = Installation.objects.order_by("pk")[1].pk
    with connection.cursor() as cursor:
        cursor.execute("UPDATE installations SET merchant_client_secret = 'broken' WHERE id = %s", [lost])

    with pytest.raises(CommandError, match=f"no key opens the secrets of installations {lost}$"):
        rotate()

    settings.FIELD_ENCRYPTION_KEYS = keys[:1]
    others = Installation.objects.exclude(pk=lost).order_by("pk")
    assert [row.merchant_client_secret for row in others] == ["secret 0", "secret 2", "secret 3", "secret 4"]


@pytest.mark.django_db(transaction=True)
def test_credentials_that_are_replaced_meanwhile_win(race: Callable[..., list[Any]], keys: list[str]) -> None:
    row = Installation.objects.order_by("pk")[0]

    def work(number: int) -> None:
        if number:
            Installation.objects.filter(pk=row.pk).update(merchant_client_secret="replaced")
        else:
            rotation.rotate(Installation, after=0, size=5)

    assert race(work, 2) == [None, None]
    assert Installation.objects.get(pk=row.pk).merchant_client_secret == "replaced"


def warnings() -> list[tuple[str | None, str]]:
    return [(found.id, found.msg) for found in keys_of_stored_secrets(None, databases=["default"])]


def test_check_says_when_stored_secrets_need_a_key_that_is_not_there(settings: Any, keys: list[str]) -> None:
    assert warnings() == []

    settings.FIELD_ENCRYPTION_KEYS = keys[:1]
    lacking = "FIELD_ENCRYPTION_KEYS lacks a key that secrets in installations are encrypted with"
    assert warnings() == [("checkout.W003", lacking)]

    settings.FIELD_ENCRYPTION_KEYS = keys
    rotate()
    settings.FIELD_ENCRYPTION_KEYS = keys[:1]
    assert warnings() == []


def test_check_has_nothing_to_say_of_tables_that_are_not_there_yet() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE installations RENAME TO elsewhere")

    assert warnings() == []
