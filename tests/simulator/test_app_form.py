"""Appmax's app-store form: the probe of the callback URL."""

import pytest

from tests.simulator.conftest import Appmax, Receiver


def test_the_form_is_filled_in_from_the_webhook_url(appmax: Appmax, receiver: Receiver) -> None:
    page = appmax.call("GET", "/appstore/app").text
    for path in ("/install/start", "/", "/integrations/appmax/callback/install"):
        assert f'value="{receiver.url}{path}"' in page
    assert "Este é um simulador da Appmax" in page


@pytest.mark.parametrize(("status", "passed"), [(200, True), (201, False), (204, False), (302, False), (500, False)])
def test_only_exactly_200_passes(appmax: Appmax, receiver: Receiver, status: int, passed: bool) -> None:
    receiver.statuses = [status, status]
    url = f"{receiver.url}/callback"
    answer = appmax.control("POST", "probe", json={"url": url})
    assert (answer["status"], answer["passed"]) == (status, passed)
    form = {"host": receiver.url, "system": receiver.url, "validation": url}
    page = appmax.call("POST", "/appstore/app", data=form).text
    assert ("URL validada." in page) is passed
    assert f"Respondeu {status}" in page
    assert [told.body for told in receiver.wait_for(2)] == [{"app_id": "DEMO_APP_ID"}] * 2


def test_nobody_there_does_not_pass(appmax: Appmax) -> None:
    answer = appmax.control("POST", "probe", json={"url": "http://127.0.0.1:1/callback"})
    assert (answer["status"], answer["passed"], answer["text"]) == (None, False, "ConnectionError")


@pytest.mark.parametrize("url", ["", "callback", "ftp://127.0.0.1/x", 5])
def test_only_web_addresses_are_probed(appmax: Appmax, url: object) -> None:
    assert appmax.call("POST", "/simulator/api/probe", json={"url": url}).status_code == 422
    form = {"host": "http://127.0.0.1:1/", "system": "http://127.0.0.1:1/", "validation": str(url)}
    answer = appmax.call("POST", "/appstore/app", data=form)
    assert answer.status_code == 422
    assert "Não é um endereço" in answer.text
