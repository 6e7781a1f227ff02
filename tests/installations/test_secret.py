"""merchant_client_secret: encrypted at rest, under keys that can be changed, and shown by nothing."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.db import connection
from django.forms import modelform_factory

from installations.fields import DecryptionFailed
from installations.models import Installation
from tests.factories import InstallationFactory

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
