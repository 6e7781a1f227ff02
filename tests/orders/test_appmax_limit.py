"""Appmax takes five calls a second of a merchant, and fifty at once. What comes faster waits or is refused, by us."""

import time
from contextlib import suppress
from typing import Any

import pytest
import requests
from django.db import connection
from django.test import Client
from django.utils import translation

from appmax.errors import TooFast
from backoffice.kit import words
from dev.smoke import ORDER
from installations import clients, limits
from installations.models import Installation
from orders.models import Order, PaymentAttempt, Question, Quota
from orders.questions import ask
from orders.questions.ask import Answer
from orders.questions.why import Why
from simulator.server import SimulatorServer
from tests.orders.conftest import by_card, by_pix, ordered, post
from tests.support.factories import InstallationFactory, OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE, WAITING = 35, 10  # the other five of Appmax's fifty are for questions
PRICES = "/checkout/shop/installments?total_value=10000&installments=3"


def use_up(shop: Installation, calls: int) -> None:
    """So many calls of this merchant have just been made."""
    limits.admit(shop, calls=calls, is_question=True)


@pytest.fixture
def exhausted(shop: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The merchant has no call left for more than a minute."""
    with monkeypatch.context() as patch:
        patch.setattr(limits, "APPMAX_SECONDS", 100)
        use_up(shop, 500)


def loop(shop: Installation) -> list[float]:
    """A storefront's calls until one is refused: the seconds that each has to wait."""
    waits: list[float] = []
    with suppress(TooFast):
        while len(waits) < 100:
            waits.append(limits.admit(shop, calls=1, is_question=False).wait)
    return waits


def calls_of(simulator: SimulatorServer) -> list[Any]:
    calls: list[Any] = requests.get(f"{simulator.url}/simulator/api/log", timeout=5).json()
    return [call for call in calls if call["route"].startswith("/v1/")]


def test_a_loop_is_refused_before_anything_is_sent(store: Client, exhausted: None, simulator: SimulatorServer) -> None:
    answer = store.get(PRICES)

    assert (answer.status_code, answer.json()["code"]) == (429, "appmax_limit_reached")
    assert 0 < int(answer["Retry-After"]) <= 100
    assert calls_of(simulator) == []


def test_a_little_too_fast_is_slowed_down(store: Client, shop: Installation) -> None:
    started = time.monotonic()
    use_up(shop, AT_ONCE + 4)

    assert store.get(PRICES).status_code == 200

    assert time.monotonic() - started > 0.95  # Five calls come back in a second.


def test_nobody_waits_for_longer_than_two_seconds(shop: Installation) -> None:
    waits = loop(shop)

    assert len(waits) >= AT_ONCE + WAITING
    assert 1.7 < max(waits) <= 2


def test_no_connection_is_held_meanwhile(shop: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[Any] = []
    monkeypatch.setattr(clients, "time", type("", (), {"sleep": lambda _: held.append(connection.connection)}))
    use_up(shop, AT_ONCE + WAITING - 1)
    Order.objects.count()

    clients.client_for(shop)

    assert held == [None]


def test_a_payment_with_its_order_is_done_whole_or_not_at_all(
    store: Client, shop: Installation, simulator: SimulatorServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.APPMAX_RATE = 0.05  # so that none comes back while this test runs
    monkeypatch.setattr(limits, "APPMAX_SECONDS", 1000)
    use_up(shop, 47)
    assert limits.admit(shop, calls=1, is_question=False).wait == 0  # of the last three

    assert post(store, "pay/pix", by_pix(None)).status_code == 429
    assert calls_of(simulator) == []
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "calls"),
    [
        ("order", ORDER, 2),
        ("pay/pix", by_pix(None), 3),
        ("pay/boleto", by_pix(None), 3),
        ("pay/credit-card", by_card(None), 3),
    ],
)
def test_a_new_order_takes_as_many_calls_as_it_makes(
    store: Client, shop: Installation, settings: Any, monkeypatch: pytest.MonkeyPatch, path: str, body: Any, calls: int
) -> None:
    settings.APPMAX_RATE = 0.05  # so that none comes back while this test runs
    monkeypatch.setattr(limits, "APPMAX_SECONDS", 1000)

    assert post(store, path, body).status_code == 200

    assert len(loop(shop)) == len(loop(InstallationFactory.create())) - calls


def test_the_same_request_may_be_sent_again(store: Client, exhausted: None, settings: Any) -> None:
    assert post(store, "pay/pix", by_pix(None), key="k").status_code == 429

    settings.APPMAX_RATE = 0
    assert post(store, "pay/pix", by_pix(None), key="k").status_code == 200


def test_a_payment_that_was_refused_has_failed_and_can_be_tried_again(
    store: Client, shop: Installation, exhausted: None, settings: Any
) -> None:
    order_id = OrderFactory.create(installation=shop).appmax_order_id

    assert post(store, "pay/pix", by_pix(order_id)).status_code == 429
    assert PaymentAttempt.objects.get().state == "failed"
    settings.APPMAX_RATE = 0
    answer = post(store, "pay/pix", by_pix(order_id))
    assert (answer.status_code, answer.json()["code"]) == (404, "appmax_refused"), "Appmax knows no such order"
    assert PaymentAttempt.objects.count() == 2


def test_a_loop_leaves_some_calls_to_questions(store: Client, shop: Installation, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    loop(shop)
    Question.objects.put(order_id, shop.pk, Why.MONEY)

    assert ask.ask_due() == {Answer.UNCHANGED: 1}


def test_questions_leave_most_calls_to_storefronts(store: Client, shop: Installation) -> None:
    use_up(shop, 36)  # what the questions' own quota allows at once

    assert store.get(PRICES).status_code == 200


def test_a_question_that_would_be_too_fast_is_asked_later(shop: Installation, exhausted: None) -> None:
    Question.objects.put(OrderFactory.create(installation=shop).appmax_order_id, shop.pk, Why.MONEY)

    started = time.monotonic()
    assert ask.ask_due() == {Answer.FAILED: 1}

    assert time.monotonic() - started < 1  # it didn't wait
    assert Question.objects.get().error == "TooFast"
    assert Quota.objects.get().paused_until is not None


def test_all_installations_of_one_account_share_its_calls(shop: Installation, exhausted: None) -> None:
    twin = InstallationFactory.create(merchant_client_id=shop.merchant_client_id)

    with pytest.raises(TooFast):
        clients.client_for(twin)
    clients.client_for(InstallationFactory.create())


def test_the_token_alone_takes_nothing(store: Client, exhausted: None) -> None:
    assert store.get("/installations/shop/merchant/token").status_code == 200


def test_staff_are_told_why_nothing_was_sent() -> None:
    with translation.override("pt-br"):
        assert "mais rápido do que a Appmax permite" in words.explained(TooFast(retry_after=1))
        assert "mais rápido do que a Appmax permite" in words.failure("TooFast")


def test_a_race_of_a_hundred_lets_appmaxs_fifty_through(shop: Installation, race: Any) -> None:
    def one(number: int) -> Any:
        try:
            return limits.admit(shop, calls=1, is_question=number % 2 == 0).wait
        except TooFast:
            return "refused"

    started = time.monotonic()
    answers = race(one, 100)

    came_back = 5 * (time.monotonic() - started) + 1
    at_once = sum(answer == 0 for answer in answers)
    assert at_once <= 50 + came_back
    assert len(answers) - answers.count("refused") <= 50 + came_back


def test_it_can_be_left_to_appmax(store: Client, exhausted: None, settings: Any) -> None:
    settings.APPMAX_RATE = 0

    assert post(store, "order", ORDER).status_code == 200
