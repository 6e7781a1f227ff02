"""No database connection, lock or transaction is held while Appmax is waited for; its dates are read as the setting
says."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import responses
from django.db import connection, transaction

from appmax.errors import AppmaxError
from installations import clients
from tests.support.appmax_mock import ADAPTER
from tests.support.factories import InstallationFactory


@pytest.mark.django_db(transaction=True)
def test_the_connection_is_given_back_before_each_wait(settings: Any) -> None:
    settings.APPMAX_AUTH_URL = settings.APPMAX_API_URL = "https://appmax.test"
    installation = InstallationFactory.create()
    held: list[bool] = []

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        held.append(connection.connection is not None)
        return 500, {}, ""

    with responses.RequestsMock(target=ADAPTER) as appmax:
        token = {"access_token": "t", "expires_in": 3600}
        appmax.post("https://appmax.test/oauth2/token", json=token)
        appmax.add_callback("GET", "https://appmax.test/v1/orders/1", answer)
        with pytest.raises(AppmaxError):
            clients.client_for(installation).get_order(1)

    assert held == [False] * len(held)
    assert held


@pytest.mark.django_db(transaction=True)
def test_a_call_inside_a_transaction_is_a_mistake_of_ours() -> None:
    installation = InstallationFactory.create()

    with pytest.raises(RuntimeError, match="inside a database transaction"), transaction.atomic():
        clients.client_for(installation).bearer_token()


@pytest.mark.parametrize(("zone", "hour"), [("America/Sao_Paulo", 8), ("America/Manaus", 9), ("UTC", 5)])
@pytest.mark.django_db(transaction=True)
def test_appmaxs_dates_are_of_the_zone_that_is_set(settings: Any, zone: str, hour: int) -> None:
    settings.APPMAX_AUTH_URL = settings.APPMAX_API_URL = "https://appmax.test"
    settings.APPMAX_TIMEZONE = ZoneInfo(zone)
    payment = {"pix_qrcode": "", "pix_emv": "0002", "pix_expiration_date": "2026-05-21 05:34:30"}

    with responses.RequestsMock(target=ADAPTER) as appmax:
        appmax.post("https://appmax.test/oauth2/token", json={"access_token": "t"})
        appmax.post("https://appmax.test/v1/payments/pix", json={"data": {"payment": payment}})
        pix = clients.client_for(InstallationFactory.create()).create_pix(order_id=1, document_number="1")

    assert pix.expires_at == datetime(2026, 5, 21, hour, 34, 30, tzinfo=UTC)


def test_without_a_setting_they_are_brazils(settings: Any) -> None:
    assert settings.APPMAX_TIMEZONE.key == "America/Sao_Paulo"
