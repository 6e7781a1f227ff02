"""From /app/authorize to the merchant's credentials."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.simulator.conftest import Appmax, Receiver


def test_salvar_posts_the_health_check_and_sends_the_browser_back(appmax: Appmax, receiver: Receiver) -> None:
    token = appmax.authorize("shop-1")
    page = appmax.call("GET", f"/appstore/integration/{token}")
    assert page.status_code == 200
    assert "Salvar" in page.text
    assert "shop-1" in page.text
    back = appmax.call("POST", f"/appstore/integration/{token}")
    assert back.status_code == 302
    assert back.headers["Location"] == f"{appmax.callback_url}?token={token}"
    [check] = receiver.wait_for(1)
    assert check.path == "/callback"
    assert check.body["app_id"] == "4242"
    assert check.body["external_key"] == check.body["client_key"] == "shop-1"
    assert appmax.ask_token(check.body["client_id"], check.body["client_secret"]).status_code == 200


@pytest.mark.parametrize("status", [201, 302, 404, 500])
def test_salvar_shows_an_answer_that_is_not_exactly_200(appmax: Appmax, receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    page = appmax.call("POST", f"/appstore/integration/{appmax.authorize()}")
    assert page.status_code == 502
    assert f"Respondeu {status}" in page.text


def test_salvar_shows_that_nobody_answered(appmax: Appmax, receiver: Receiver) -> None:
    appmax.callback_url = "http://127.0.0.1:1/callback"
    page = appmax.call("POST", f"/appstore/integration/{appmax.authorize()}")
    assert "Não respondeu" in page.text


def test_generate_posts_the_health_check_while_it_is_open(appmax: Appmax, receiver: Receiver) -> None:
    """The app can ask Appmax something before it answers the health check."""
    token = appmax.authorize()
    statuses: list[int] = []
    receiver.when_called = lambda: statuses.append(appmax.ask_token("app-client", "app-secret").status_code)
    client = appmax.generate(token).json()["data"]["client"]
    assert statuses == [200]
    [check] = receiver.wait_for(1)
    assert client == {"client_id": check.body["client_id"], "client_secret": check.body["client_secret"]}


def test_both_health_checks_carry_the_same_credentials(appmax: Appmax, receiver: Receiver) -> None:
    token = appmax.authorize()
    appmax.call("POST", f"/appstore/integration/{token}")
    appmax.generate(token)
    first, second = receiver.wait_for(2)
    assert first == second


def test_a_hash_serves_once(appmax: Appmax) -> None:
    token = appmax.authorize()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: appmax.generate(token).status_code, range(4)))
    assert sorted(answers) == [200, 404, 404, 404]


def test_a_failed_health_check_leaves_the_hash_unused(appmax: Appmax, receiver: Receiver) -> None:
    token = appmax.authorize()
    receiver.statuses = [500]
    assert appmax.generate(token).status_code == 422
    assert appmax.generate(token).status_code == 200


def test_unknown_hashes_are_refused(appmax: Appmax) -> None:
    assert appmax.generate("made-up").status_code == 404
    assert appmax.call("GET", "/appstore/integration/made-up").status_code == 404


def test_authorize_wants_the_uuid(appmax: Appmax) -> None:
    body = {"app_id": "4242", "external_key": "shop", "url_callback": appmax.callback_url}
    answer = appmax.call("POST", "/app/authorize", appmax.app_token(), json=body)
    assert answer.status_code == 404
    assert "UUID" in answer.json()["error"]["message"]


def test_authorize_names_the_fields_that_lack(appmax: Appmax) -> None:
    answer = appmax.call("POST", "/app/authorize", appmax.app_token(), json=[])
    assert answer.status_code == 422
    assert set(answer.json()["errors"]["message"]) == {"app_id", "external_key", "url_callback"}


def test_the_installations_page_tells_of_the_health_checks(appmax: Appmax, receiver: Receiver) -> None:
    receiver.statuses = [503]
    appmax.call("POST", f"/appstore/integration/{appmax.authorize('shop-7')}")
    page = appmax.call("GET", "/installations").text
    assert "shop-7" in page
    assert "503" in page


def test_whoever_presses_salvar_decides_whose_credentials_the_app_gets(appmax: Appmax, receiver: Receiver) -> None:
    token = appmax.authorize("shop-1")
    appmax.call("POST", "/login", data={"token": token, "account": "Zoë's"})
    appmax.call("POST", f"/appstore/integration/{token}")

    client = appmax.generate(token).json()["data"]["client"]

    own = appmax.state.merchant_credentials("Zoë's")
    assert (client["client_id"], client["client_secret"]) == own != appmax.state.merchant_credentials("shop-1")
    assert [check.body["client_id"] for check in receiver.wait_for(2)] == [own[0]] * 2


def test_a_webhook_names_the_external_key_that_the_account_installed_with(appmax: Appmax, receiver: Receiver) -> None:
    token = appmax.authorize("shop-1")
    appmax.call("POST", "/login", data={"token": token, "account": "zoe"})
    appmax.call("POST", f"/appstore/integration/{token}")
    merchant = appmax.token(*appmax.state.merchant_credentials("zoe"))
    receiver.received.clear()

    appmax.pix(merchant, appmax.new_order(merchant))

    assert receiver.wait_for(1)[0].body["external_key"] == "shop-1"


@pytest.mark.parametrize(
    ("says", "fields"),
    [
        ("credentials", {"app_id", "client_key", "external_key", "client_id", "client_secret"}),
        ("external_key", {"app_id", "client_key", "external_key"}),
        ("app_id", {"app_id"}),
    ],
)
def test_what_a_health_check_says_is_a_switch(appmax: Appmax, receiver: Receiver, says: str, fields: set[str]) -> None:
    appmax.control("POST", "settings", json={"health_check": says})
    appmax.generate(appmax.authorize())

    assert set(receiver.wait_for(1)[0].body) == fields


def test_an_external_id_that_appmax_has_seen_is_dropped_and_cards_cannot_be_tokenised(
    appmax: Appmax, receiver: Receiver
) -> None:
    """As Appmax does: it must be new for each installation; a repeat of the same installation's is fine."""
    receiver.external_id = "8a3ae441-146b-4879-90c4-7d58504b8157"
    token = appmax.authorize()
    appmax.call("POST", f"/appstore/integration/{token}")
    appmax.generate(token)
    merchant = appmax.token(*appmax.state.merchant_credentials("shop"))
    assert appmax.tokenize(merchant).status_code == 201

    appmax.generate(appmax.authorize())

    refused = appmax.tokenize(merchant)
    assert (refused.status_code, refused.json()) == (404, {"message": "Merchant not found"})
    receiver.external_id = "d1a92588-73f6-43c0-b9a6-c5d32be6f9f6"
    appmax.generate(appmax.authorize())
    assert appmax.tokenize(merchant).status_code == 201
