"""The demo shop against the real product: what a shopper does ends where it should, and money moves once."""

import base64
import logging
import re
import time
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from installations.models import Installation
from orders.answers import OrderAnswer
from orders.models import Order
from orders.questions import ask
from orders.status import PAID_LATER
from simulator.server import SimulatorServer
from tests.storefront.server import serving
from tests.storefront.visitor import DECLINED, Visitor, fields, order_id_of, status_of
from tests.support.factories import api_key

pytestmark = pytest.mark.django_db(transaction=True)

CARD_FAULT = "/v1/payments/credit-card"
PIX_FAULT = "/v1/payments/pix"


@pytest.fixture
def key(simulator: SimulatorServer, shop: Installation, live_server: Any) -> str:
    """The product is told by webhook, and has an API key for the whole platform."""
    simulator.state.webhook_url = f"{live_server.url}/webhooks/appmax"
    simulator.state.identities["shop"] = str(shop.external_id)
    return api_key()


@pytest.fixture
def wiring(simulator: SimulatorServer, live_server: Any) -> dict[str, str]:
    """The shop's settings, but for its API key."""
    return {"APP_URL": live_server.url, "SIMULATOR_URL": simulator.url, "SECRET_KEY": "a-key-that-signs-cookies"}


@pytest.fixture
def visit(open_storefront: Callable[..., str], wiring: dict[str, str], key: str) -> Callable[..., Visitor]:
    """Opens the connected shop in a browser of its own."""
    origin = open_storefront(**wiring)
    Visitor(origin).post("/api-key", {"api_key": key})
    return partial(Visitor, origin)


@pytest.fixture
def fail(simulator: SimulatorServer) -> Callable[..., None]:
    """The next call of this path does its work, but is answered 504; no webhook tells of it."""

    def switch_on(path: str) -> None:
        simulator.state.switch(webhook_hold=True)
        fault = {"path": path, "status": 504, "work": True, "body": {"message": "Gateway Timeout"}}
        assert Visitor(simulator.url).http.post(f"{simulator.url}/simulator/api/faults", json=fault).status_code == 201

    return switch_on


def charges(simulator: SimulatorServer) -> list[int]:
    """How often each of Appmax's orders was charged."""
    return [len(order.charges) for order in simulator.state.latest_orders()]


# --- Pix and boleto --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", PAID_LATER)
def test_what_the_shopper_pays_with_is_shown_and_what_is_paid_shows_as_paid(browser: Visitor, method: str) -> None:
    page = browser.buy(method)
    assert status_of(page.text) == ("pendente", "Waiting for payment")
    assert any(str(code) in page.text for code in OrderAnswer(Order.objects.get()).data[method].values() if code)

    browser.post(f"{page.url}/bank", {"act": "pay", "method": method})

    assert browser.wait_for_status(page.url, "aprovado")["label"] == "Paid"
    assert status_of(browser.get(page.url).text) == ("aprovado", "Paid")
    assert 'class="badge good">Paid<' in browser.get("/orders").text


def test_a_pix_that_expires_can_be_paid_by_card(browser: Visitor, simulator: SimulatorServer) -> None:
    page = browser.buy("pix")
    browser.post(f"{page.url}/bank", {"act": "expire", "method": "pix"})
    browser.wait_for_status(page.url, "cancelado")

    form = browser.get(f"{page.url}/pay").text
    paid = browser.post(f"{page.url}/pay", {**fields(form), **browser.card(form)})

    assert paid.url == page.url
    browser.wait_for_status(page.url, "aprovado")
    assert charges(simulator) == [1]


def test_a_boleto_has_its_line_its_pdf_and_its_last_day(browser: Visitor, simulator: SimulatorServer) -> None:
    page = browser.buy("boleto")

    [order] = simulator.state.latest_orders()
    assert order.boleto_digitable_line in page.text
    assert f'href="{order.boleto_link_pdf}"' in page.text
    day = str(int(order.boleto_due_date[-2:]))
    assert f" {day}, {order.boleto_due_date[:4]}." in page.text  # Pay it in any bank by November 28, 2026.


def test_the_bank_pays_once(browser: Visitor, simulator: SimulatorServer) -> None:
    page = browser.buy("pix")
    browser.post(f"{page.url}/bank", {"act": "pay", "method": "pix"})

    again = browser.post(f"{page.url}/bank", {"act": "pay", "method": "pix"})

    assert "There is nothing to pay any more." in again.text
    assert charges(simulator) == [1]


# --- cards -----------------------------------------------------------------------------------------------------------


def test_a_card_pays_in_instalments_that_the_form_prices(browser: Visitor, simulator: SimulatorServer) -> None:
    browser.add("CAN-300", 2)
    form = browser.get("/checkout").text
    assert "3 x R$51.63 = R$154.87" in form  # of 148.90: two mugs and the shipping

    page = browser.post("/checkout", {**fields(form), **browser.card(form), "installments": "3"})

    assert browser.wait_for_status(page.url, "aprovado")
    [order] = simulator.state.latest_orders()
    assert (order.total, order.payments[0].installments) == (14890, 3)


def test_a_declined_card_may_be_followed_by_another_on_the_same_order(
    browser: Visitor, simulator: SimulatorServer
) -> None:
    declined = browser.buy("card", DECLINED)
    assert declined.url.endswith("/pay")
    assert "The payment was declined (Payment not authorized)." in declined.text

    page = browser.post(declined.url, {**fields(declined.text), **browser.card(declined.text)})

    assert status_of(page.text)[0] == "aprovado"
    assert charges(simulator) == [1]
    assert [payment.status for payment in simulator.state.latest_orders()[0].payments] == ["cancelado", "aprovado"]
    assert "It is empty." in browser.get("/cart").text


def test_a_card_that_is_only_authorised_says_so(browser: Visitor) -> None:
    page = browser.buy("card", "4000000000000044")

    assert status_of(page.text) == ("autorizado", "Authorised")


def test_a_refund_shows(browser: Visitor, simulator: SimulatorServer) -> None:
    page = browser.buy("card")

    browser.http.post(f"{simulator.url}/orders/{order_id_of(page.url)}/refund")

    assert browser.wait_for_status(page.url, "estornado")["label"] == "Refunded"


# --- one purchase, one charge ----------------------------------------------------------------------------------------


def test_a_form_sent_several_times_at_once_buys_once(
    browser: Visitor, visit: Callable[..., Visitor], simulator: SimulatorServer, race: Callable[..., list[Any]]
) -> None:
    browser.add()
    page = browser.get("/checkout").text
    form = {**fields(page), **browser.card(page)}

    def send(_: int) -> str:
        copy = visit()
        copy.http.cookies.update(browser.http.cookies)
        return copy.post("/checkout", form).url

    pages = race(send, 4)

    assert len(set(pages)) == 1
    assert charges(simulator) == [1]
    assert order_id_of(pages[0]) == simulator.state.latest_orders()[0].id


def test_a_form_sent_again_later_leads_to_what_it_bought(browser: Visitor, simulator: SimulatorServer) -> None:
    browser.add()
    page = browser.get("/checkout").text
    form = {**fields(page), **browser.card(page)}
    bought = browser.post("/checkout", form)

    again = browser.post("/checkout", form)

    assert again.url == bought.url
    assert charges(simulator) == [1]


def test_a_changed_cart_is_a_new_order_and_an_unchanged_one_is_not(
    browser: Visitor, simulator: SimulatorServer
) -> None:
    first = browser.buy("card", DECLINED)
    page = browser.get("/checkout").text
    assert browser.post("/checkout", {**fields(page), **browser.card(page, DECLINED)}).url == first.url
    assert len(simulator.state.orders) == 1

    browser.buy("card")

    assert charges(simulator) == [1, 0]
    assert [order.products[0]["quantity"] for order in simulator.state.latest_orders()] == [2, 1]


def test_the_same_cart_may_be_bought_again(browser: Visitor, simulator: SimulatorServer) -> None:
    browser.buy("card")
    browser.buy("card")

    assert charges(simulator) == [1, 1]


def test_a_card_whose_outcome_is_unknown_is_being_confirmed_and_never_paid_again(
    browser: Visitor, simulator: SimulatorServer, fail: Callable[[str], None], live_server: Any
) -> None:
    fail(CARD_FAULT)
    page = browser.buy("card")
    assert status_of(page.text) == ("pendente", "Being confirmed")
    assert "Choose how to pay" not in page.text

    assert browser.get(f"{page.url}/pay").url == page.url
    form = {"attempt": "f" * 32, "document_number": "529.982.247-25", "method": "card", "card_token": "t"}
    assert browser.post(f"{page.url}/pay", form).url == page.url
    assert charges(simulator) == [1]

    simulator.state.webhook_url = f"{live_server.url}/webhooks/appmax"
    event = {"event": "order_paid", "order_id": order_id_of(page.url)}
    browser.http.post(f"{simulator.url}/simulator/api/events", json=event)
    assert browser.wait_for_status(page.url, "aprovado")["label"] == "Paid"


def test_a_pix_whose_answer_got_lost_is_asked_for_again(
    browser: Visitor, simulator: SimulatorServer, fail: Callable[[str], None]
) -> None:
    fail(PIX_FAULT)
    page = browser.buy("pix")
    assert status_of(page.text)[1] == "Being confirmed"
    still = browser.post(f"{page.url}/ask-again")
    assert status_of(still.text)[1] == "Being confirmed"

    ask.ask(Order.objects.get(appmax_order_id=order_id_of(page.url)))
    known = browser.post(f"{page.url}/ask-again")

    assert status_of(known.text)[1] == "Waiting for payment"
    [order] = simulator.state.latest_orders()
    assert order.pix_emv in known.text
    assert len(order.payments) == 1


# --- the offer -------------------------------------------------------------------------------------------------------


def test_an_offer_is_bought_with_one_click_and_made_once(browser: Visitor, simulator: SimulatorServer) -> None:
    page = browser.buy("card")
    assert "Add it with one click" in page.text

    sold = browser.post(f"{page.url}/offer", {"answer": "yes"})
    browser.post(f"{page.url}/offer", {"answer": "yes"})

    assert "Added to your order" in sold.text
    assert "Transação efetuada com sucesso" in sold.text
    assert "Add it with one click" not in sold.text
    assert [order.total for order in simulator.state.latest_orders()] == [1490, 5980]
    assert charges(simulator) == [1, 1]


def test_two_clicks_on_the_offer_buy_it_once(
    browser: Visitor, visit: Callable[..., Visitor], simulator: SimulatorServer, race: Callable[..., list[Any]]
) -> None:
    page = browser.buy("card")

    def click(_: int) -> str:
        copy = visit()
        copy.http.cookies.update(browser.http.cookies)
        return copy.post(f"{page.url}/offer", {"answer": "yes"}).text

    assert all("Added to your order" in text for text in race(click, 3))
    assert charges(simulator) == [1, 1]


def test_an_offer_that_is_refused_stays_refused(browser: Visitor, simulator: SimulatorServer) -> None:
    page = browser.buy("card")

    after = browser.post(f"{page.url}/offer", {"answer": "no"})
    browser.post(f"{page.url}/offer", {"answer": "yes"})

    assert "Add it with one click" not in after.text
    assert charges(simulator) == [1]


# --- whose it is, and what nobody sees -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/pay", "/status.json"])
def test_an_order_is_its_browsers_own(browser: Visitor, visit: Callable[..., Visitor], path: str) -> None:
    page = browser.buy("pix")
    stranger = visit()

    assert stranger.get(page.url + path).status_code == 404
    refused = stranger.post(f"{page.url}/bank", {"act": "pay", "method": "pix"}, allow_redirects=False)
    assert refused.status_code == 404


def test_a_cookie_that_somebody_else_signed_is_nobodys(browser: Visitor, visit: Callable[..., Visitor]) -> None:
    page = browser.buy("pix")
    stranger = visit()
    signed = browser.http.cookies["storefront"]
    stranger.http.cookies.set("storefront", f"{signed}x", domain="127.0.0.1", path="/shop")

    assert stranger.get(page.url).status_code == 404


def test_no_page_cookie_or_log_holds_a_card_or_a_key(
    browser: Visitor, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    declined = browser.buy("card", DECLINED)
    browser.post(declined.url, {**fields(declined.text), **browser.card(declined.text)})
    browser.get("/orders")

    # A key refused, too: its page must not repeat it.
    browser.post("/api-key", {"api_key": f"{key[:-1]}-"})
    browser.get()
    cookies = [answer.cookies.get("storefront") for answer in browser.seen]
    tokens = {value for form in (declined.text,) for value in browser.card(form).values() if len(value) > 8}
    everything = "\n".join(
        [*(answer.text for answer in browser.seen), *(opened(each) for each in cookies if each), caplog.text]
    )

    assert len(caplog.records) > 10
    assert len([each for each in cookies if each]) > 5
    for secret in (key, key[:-1], *tokens):
        assert secret not in everything


def opened(cookie: str) -> str:
    """What a signed cookie says: anybody can read it."""
    payload = cookie.strip(".").partition(".")[0]
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    return (zlib.decompress(raw) if cookie.startswith(".") else raw).decode()


def test_a_cookie_stays_small_however_much_is_bought(browser: Visitor) -> None:
    for _ in range(17):
        browser.buy("pix")

    assert max(len(answer.headers.get("Set-Cookie", "")) for answer in browser.seen) < 4000
    assert browser.get("/orders").text.count("badge busy") == 15


def test_after_a_restart_the_status_and_the_pix_are_still_the_products(
    browser: Visitor, wiring: dict[str, str], simulator: SimulatorServer, key: str
) -> None:
    page = browser.buy("pix")
    [order] = simulator.state.latest_orders()
    simulator.state.reset()

    with serving(**wiring, API_KEY=key) as restarted:
        text = browser.get(page.url.replace(browser.origin, restarted)).text

    assert status_of(text) == ("pendente", "Waiting for payment")
    assert order.pix_emv in text
    assert "The simulator was restarted and has forgotten this order" in text


def test_a_pix_has_its_picture_and_says_until_when_it_can_be_paid(browser: Visitor, simulator: SimulatorServer) -> None:
    simulator.state.switch(pix_minutes=90)

    page = browser.buy("pix")

    until = re.search('data-until="([0-9]+)"', page.text)
    assert until
    assert "data:image/png;base64," in page.text
    assert 89 * 60 < int(until[1]) - time.time() <= 90 * 60
