"""No database connection, lock or transaction is held while Appmax is waited for."""

from typing import Any

import pytest
from django.db import connection, transaction

from appmax.errors import AppmaxError
from installations import gateway
from tests.factories import InstallationFactory


@pytest.mark.django_db(transaction=True)
def test_the_connection_is_given_back_before_each_wait(settings: Any) -> None:
    import responses

    settings.APPMAX_AUTH_URL = settings.APPMAX_API_URL = "https://appmax.test"
    installation = InstallationFactory.create()
    held: list[bool] = []

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        held.append(connection.connection is not None)
        return 500, {}, ""

    with responses.RequestsMock() as appmax:
        token = {"access_token": "t", "expires_in": 3600}
        appmax.post("https://appmax.test/oauth2/token", json=token)
        appmax.add_callback("GET", "https://appmax.test/v1/orders/1", answer)
        with pytest.raises(AppmaxError):
            gateway.client_for(installation).get_order(1)

    assert held == [False] * len(held)
    assert held


@pytest.mark.django_db(transaction=True)
def test_a_call_inside_a_transaction_is_a_mistake_of_ours() -> None:
    installation = InstallationFactory.create()

    with pytest.raises(RuntimeError, match="inside a database transaction"), transaction.atomic():
        gateway.client_for(installation).bearer_token()
