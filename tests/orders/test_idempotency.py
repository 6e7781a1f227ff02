"""The Idempotency-Key header: a request sent again is not done again."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from dev.smoke import ORDER
from installations.models import Installation
from orders import idempotency
from orders.models import IdempotentRequest, Order, PaymentAttempt, Refund
from orders.questions import ask
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_card, by_pix, ordered, post, remote
from tests.support.factories import InstallationFactory, api_key
from tests.support.failing import statements_fail
from tests.support.processes import wait_until
from tests.support.statements import before_statements

pytestmark = pytest.mark.django_db(transaction=True)

CARD_CALL = "/v1/payments/credit-card"


def is_replay(answer: Any) -> bool:
    return bool(answer.headers.get("Idempotent-Replayed") == "true")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("order", ORDER),
        ("pay/credit-card", by_card(None)),
        ("pay/credit-card", by_card(None, number="4000000000000028")),
        ("pay/pix", by_pix(None)),
        ("pay/boleto", by_pix(None)),
    ],
)
def test_the_same_key_and_body_get_the_first_answer_again_marked(
    store: Client, simulator: SimulatorServer, path: str, body: Any
) -> None:
    first, second = (post(store, path, body, key="k-1") for _ in range(2))

    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert (is_replay(first), is_replay(second)) == (False, True)
    assert len(simulator.state.orders) == 1
    assert len(simulator.state.latest_orders()[0].payments) <= 1


def test_without_a_key_nothing_is_remembered(store: Client, simulator: SimulatorServer) -> None:
    assert len({post(store, "order", ORDER).json()["order_id"] for _ in range(2)}) == 2
    assert not IdempotentRequest.objects.exists()


def test_the_same_key_with_another_body_or_route_is_422(store: Client) -> None:
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id), key="k-1")

    for path, body in (("pay/pix", by_pix(ordered(store))), ("pay/boleto", by_pix(order_id)), ("order", ORDER)):
        answer = post(store, path, body, key="k-1")
        assert answer.status_code == 422
        assert answer.json() == {
            "code": "idempotency_key_reused",
            "message": "this Idempotency-Key was used for another request",
        }


def test_while_the_first_still_runs_the_others_get_409(store: Client, simulator: SimulatorServer, race: Any) -> None:
    simulator.state.add_fault(Fault("/v1/customers", hang=0.5, times=6))

    answers = race(lambda _: post(store, "pay/credit-card", by_card(None), key="k-1"), times=6)

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert {answer.json()["message"] for answer in answers if answer.status_code == 409} == {
        "a request with this Idempotency-Key is still running"
    }
    assert len(simulator.state.orders) == 1


def test_a_key_belongs_to_one_installation(store: Client, simulator: SimulatorServer) -> None:
    client_id, client_secret = simulator.state.merchant_credentials("other")
    other = InstallationFactory.create(
        external_key="other", merchant_client_id=client_id, merchant_client_secret=client_secret
    )
    first = post(store, "order", ORDER, key="k-1")

    second = Client().post(
        "/checkout/other/order",
        ORDER,
        content_type="application/json",
        headers={"Idempotency-Key": "k-1", "Authorization": f"Api-Key {api_key(other)}"},
    )

    assert second.status_code == 200
    assert second.json() != first.json()


def test_requests_that_began_at_the_same_moment_keep_their_own_answers(store: Client) -> None:
    first = post(store, "order", ORDER, key="k-1")

    def make_their_moments_equal() -> None:
        moment = IdempotentRequest.objects.get(key="k-2").claimed_at
        IdempotentRequest.objects.filter(key="k-1").update(claimed_at=moment)

    with before_statements('UPDATE "idempotent_requests" SET "status_code"', make_their_moments_equal):
        second = post(store, "order", ORDER, key="k-2")
    assert second.status_code == 200
    assert second.json() != first.json()

    assert post(store, "order", ORDER, key="k-1").json() == first.json()


def test_once_it_is_answered_nobody_works_on_it_any_more(store: Client) -> None:
    post(store, "order", ORDER, key="k-1")

    assert IdempotentRequest.objects.get().claimed_at is None


def test_after_24_hours_the_key_is_free_again(store: Client) -> None:
    first = post(store, "order", ORDER, key="k-1")
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))

    second = post(store, "order", {**ORDER, "order": {**ORDER["order"], "shipping_value": 1}}, key="k-1")

    assert second.status_code == 200
    assert second.json() != first.json()
    assert not is_replay(second)
    again = post(store, "order", {**ORDER, "order": {**ORDER["order"], "shipping_value": 1}}, key="k-1")
    assert (again.json(), is_replay(again)) == (second.json(), True)


def test_a_key_that_is_free_again_has_forgotten_its_order(store: Client, simulator: SimulatorServer) -> None:
    first = post(store, "order", ORDER, key="k-1").json()
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))
    simulator.state.add_fault(Fault("/v1/customers", status=429))
    assert post(store, "order", ORDER, key="k-1").status_code == 503

    assert post(store, "order", ORDER, key="k-1").json()["order_id"] != first["order_id"]


def test_expired_keys_are_forgotten(store: Client) -> None:
    post(store, "order", ORDER, key="old")
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))
    post(store, "order", ORDER, key="new")

    assert idempotency.forget_expired() == 1
    assert IdempotentRequest.objects.get().key == "new"


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "a\tb", "ção"])
def test_an_odd_key_is_400(store: Client, key: str) -> None:
    assert post(store, "order", ORDER, key=key).status_code == 400


@pytest.mark.parametrize("key", ["k", '"', "x" * 255])
def test_a_key_has_1_to_255_characters(store: Client, key: str) -> None:
    assert post(store, "order", ORDER, key=key).status_code == 200


@pytest.mark.parametrize("written", ['"k-1"', " k-1 "])
def test_a_key_may_be_quoted_or_have_blanks_around_it(store: Client, written: str) -> None:
    assert post(store, "order", ORDER, key=written).json() == post(store, "order", ORDER, key="k-1").json()


def test_bad_input_uses_no_key_up(store: Client) -> None:
    assert post(store, "order", {}, key="k-1").status_code == 400
    assert post(store, "order", ORDER, key="k-1").status_code == 200


def test_where_nothing_happened_the_key_may_be_used_again_and_no_second_order_is_made(
    store: Client, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault(CARD_CALL, status=429, headers={"Retry-After": "30"}))

    assert post(store, "pay/credit-card", by_card(None), key="k-1").status_code == 503
    answer = post(store, "pay/credit-card", by_card(None), key="k-1")

    assert answer.json()["status"] == "aprovado"
    assert not is_replay(answer)
    assert len(simulator.state.orders) == 1


def test_redis_away_changes_nothing(store: Client, simulator: SimulatorServer, redis_away: None) -> None:
    first, second = (post(store, "pay/credit-card", by_card(None), key="k-1") for _ in range(2))

    assert second.json() == first.json()
    assert is_replay(second)
    assert len(simulator.state.latest_orders()[0].charges) == 1


@pytest.mark.parametrize("fault", [{"status": 504}, {"hang": 1.0}], ids=["unclear", "no answer in time"])
def test_a_repeat_after_an_unknown_outcome_sends_nothing_and_says_the_same(
    store: Client, simulator: SimulatorServer, impatient: None, fault: dict[str, Any]
) -> None:
    simulator.state.add_fault(Fault(CARD_CALL, work=True, **fault))

    first, second = (post(store, "pay/credit-card", by_card(None), key="k-1") for _ in range(2))

    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert is_replay(second)
    [order] = simulator.state.latest_orders()
    assert len(order.charges) == 1


@pytest.mark.parametrize(
    ("state", "status", "answer"),
    [("succeeded", "aprovado", (200, "aprovado")), ("declined", "cancelado", (422, "payment declined"))],
)
def test_once_an_unknown_outcome_is_settled_a_repeat_is_told_what_it_was(
    store: Client, simulator: SimulatorServer, state: str, status: str, answer: tuple[int, str]
) -> None:
    simulator.state.add_fault(Fault(CARD_CALL, status=504))
    post(store, "pay/credit-card", by_card(None), key="k-1")
    PaymentAttempt.objects.update(state=state, settled_at=timezone.now())
    Order.objects.update(status=status)

    told = post(store, "pay/credit-card", by_card(None), key="k-1")

    body = told.json()
    assert (told.status_code, body.get("status") or body["message"]) == answer
    assert is_replay(told)
    assert len(simulator.state.orders) == 1


def test_a_decline_that_appmax_told_only_when_it_was_asked_is_told_without_a_reason(
    store: Client, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault(CARD_CALL, status=504, work=True))
    post(store, "pay/credit-card", by_card(None, number="4000000000000028"), key="k-1")
    ask.ask_by_hand()

    told = post(store, "pay/credit-card", by_card(None, number="4000000000000028"), key="k-1")

    order_id = Order.objects.get().appmax_order_id
    body = {"code": "payment_declined", "message": "payment declined", "order_id": order_id}
    assert (told.status_code, told.json()) == (422, body)


def test_an_unknown_outcome_that_turns_out_as_nothing_may_be_repeated(
    store: Client, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault(CARD_CALL, status=504))
    post(store, "pay/credit-card", by_card(None), key="k-1")
    PaymentAttempt.objects.update(state="failed", settled_at=timezone.now())

    told = post(store, "pay/credit-card", by_card(None), key="k-1")

    assert (told.json()["status"], is_replay(told)) == ("aprovado", False)
    assert len(remote(simulator, told.json()["order_id"]).charges) == 1


def abandoned(seconds: int) -> None:
    """As if the process had been killed this long ago, before it could answer."""
    IdempotentRequest.objects.update(
        status_code=None, body=None, claimed_at=timezone.now() - timedelta(seconds=seconds)
    )


def test_a_request_that_was_killed_goes_on_with_the_order_it_had_made(
    store: Client, simulator: SimulatorServer
) -> None:
    first = post(store, "order", ORDER, key="k-1")
    abandoned(seconds=301)

    second = post(store, "order", ORDER, key="k-1")

    assert (second.json(), is_replay(second)) == (first.json(), True)
    assert len(simulator.state.orders) == 1


def test_of_simultaneous_repeats_of_a_killed_request_one_goes_on(
    store: Client, simulator: SimulatorServer, race: Any
) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault(CARD_CALL, status=429, headers={"Retry-After": "30"}))
    post(store, "pay/credit-card", by_card(order_id), key="k-1")
    abandoned(seconds=301)
    simulator.state.add_fault(Fault(CARD_CALL, hang=0.5, times=6))

    def pay(number: int) -> Any:
        # Between reading and writing the row: without its lock all six would have read it before one writes, and each
        # would have gone on before the next one writes.
        seconds = 0.05 * (number + 1)
        with before_statements('UPDATE "idempotent_requests" SET "claimed_at"', lambda: time.sleep(seconds)):
            return post(store, "pay/credit-card", by_card(order_id), key="k-1")

    answers = race(pay, times=6)

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert {answer.json()["message"] for answer in answers if answer.status_code == 409} == {
        "a request with this Idempotency-Key is still running"
    }


def test_a_try_that_was_taken_for_killed_charges_nothing_beside_the_next_one(
    store: Client, simulator: SimulatorServer
) -> None:
    """A machine that stood still for minutes, or an Appmax slower than any."""
    simulator.state.add_fault(Fault("/v1/customers", hang=3))
    body, answers = by_card(None), []

    def first() -> None:
        answers.append(post(store, "pay/credit-card", body, key="k-1").status_code)
        connection.close()

    stands_still = threading.Thread(target=first)
    stands_still.start()
    wait_until(lambda: not simulator.state.waiting_faults())
    IdempotentRequest.objects.update(claimed_at=timezone.now() - timedelta(seconds=301))
    answers.append(post(store, "pay/credit-card", body, key="k-1").status_code)
    stands_still.join(timeout=20)

    assert answers == [200, 409]
    assert sum(len(order.payments) for order in simulator.state.orders.values()) == 1
    assert post(store, "pay/credit-card", body, key="k-1").status_code == 200


def test_it_counts_as_running_for_as_long_as_it_might(store: Client) -> None:
    post(store, "order", ORDER, key="k-1")
    abandoned(seconds=290)

    assert post(store, "order", ORDER, key="k-1").status_code == 409


def test_a_killed_request_goes_on_only_once_our_keys_open_the_merchants_secret(store: Client) -> None:
    post(store, "pay/pix", by_pix(None), key="k-1")
    PaymentAttempt.objects.all().delete()
    abandoned(seconds=301)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE installations SET merchant_client_secret = 'x'")

    assert post(store, "pay/pix", by_pix(None), key="k-1").json()["code"] == "credentials_unreadable"
    assert PaymentAttempt.objects.get().state == "failed"


def test_a_killed_payment_is_not_sent_again(store: Client, simulator: SimulatorServer) -> None:
    post(store, "pay/credit-card", by_card(None), key="k-1")
    PaymentAttempt.objects.update(state="started", settled_at=None)
    Order.objects.update(status="pendente")
    abandoned(seconds=301)

    answer = post(store, "pay/credit-card", by_card(None), key="k-1")

    assert (answer.status_code, "not known yet" in answer.json()["message"]) == (502, True)
    assert len(simulator.state.latest_orders()[0].charges) == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("pay/credit-card", by_card(None), 200),
        ("pay/credit-card", by_card(None, number="4000000000000028"), 422),
        ("pay/pix", by_pix(None), 200),
    ],
    ids=["charged", "declined", "pix"],
)
def test_a_payment_that_was_killed_after_its_outcome_is_answered_as_it_would_have_been(
    store: Client, simulator: SimulatorServer, path: str, body: Any, status: int
) -> None:
    first = post(store, path, body, key="k-1")
    abandoned(seconds=301)

    second = post(store, path, body, key="k-1")

    assert first.status_code == status
    assert (second.status_code, second.json(), is_replay(second)) == (status, first.json(), True)
    assert [len(order.payments) for order in simulator.state.latest_orders()] == [1]


def test_a_bug_leaves_the_key_free_and_the_order_bound(store: Client, simulator: SimulatorServer) -> None:
    store.raise_request_exception = False
    with statements_fail("INSERT INTO payment_attempts", ZeroDivisionError):
        assert post(store, "pay/credit-card", by_card(None), key="k-1").status_code == 500

    assert post(store, "pay/credit-card", by_card(None), key="k-1").json()["status"] == "aprovado"
    assert len(simulator.state.orders) == 1


def test_neither_card_nor_person_can_be_read_from_what_is_kept(store: Client) -> None:
    post(store, "pay/credit-card", by_card(None), key="k-1")

    with connection.cursor() as cursor:
        cursor.execute("SELECT r::text, a::text FROM idempotent_requests r, payment_attempts a")
        text = str(cursor.fetchall())
    for secret in ("4000000000000010", "0010", "ANA", "Souza", "52998224725", "ana.souza"):
        assert secret not in text


def test_the_fingerprint_ignores_card_data_and_nothing_else(store: Client) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", by_card(order_id, number="4000000000000028"), key="k-1")

    other_card = post(store, "pay/credit-card", by_card(order_id), key="k-1")
    other_rate = post(store, "pay/credit-card", by_card(order_id, installments=2), key="k-1")

    assert (other_card.status_code, is_replay(other_card)) == (422, True)
    assert other_rate.json()["message"] == "this Idempotency-Key was used for another request"


def test_the_next_release_knows_a_request_again_whatever_the_order_of_its_fields(
    shop: Installation, settings: Any
) -> None:
    """A request may be repeated after an update. If this value changes, such a repeat is refused for a day."""
    settings.SECRET_KEY = "of this test"
    known = "d1e2c14d974a64eab9df05ec3fa6a5b0534cb34f9dce216f907da81ca89f27a5"  # pragma: allowlist secret - a hash

    for body in ({"order_id": 1, "document_number": "2"}, {"document_number": "2", "order_id": 1}):
        claim = idempotency.claim(shop, None, route="pay/pix", body=body)
        assert isinstance(claim, idempotency.Claim)
        assert claim.fingerprint == known


def test_a_refund_that_was_killed_before_its_answer_is_not_sent_again(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = post(store, "pay/credit-card", by_card(None)).json()["order_id"]
    body = {"order_id": order_id, "type": "partial", "value": 500}
    assert post(store, "refund", body, key="r-1").status_code == 200
    Refund.objects.update(state="unknown")
    abandoned(seconds=301)

    answers = [post(store, "refund", body, key="r-1") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [502, 502]
    assert is_replay(answers[1])
    assert remote(simulator, order_id).refunded == 500


def test_a_refund_that_was_killed_after_its_answer_is_answered_again(store: Client, simulator: SimulatorServer) -> None:
    order_id = post(store, "pay/credit-card", by_card(None)).json()["order_id"]
    body = {"order_id": order_id, "type": "partial", "value": 500}
    first = post(store, "refund", body, key="r-1")
    abandoned(seconds=301)

    second = post(store, "refund", body, key="r-1")

    assert (second.status_code, second.json(), is_replay(second)) == (200, first.json(), True)
    assert remote(simulator, order_id).refunded == 500


def test_a_refund_that_certainly_did_not_arrive_may_be_sent_again(store: Client, simulator: SimulatorServer) -> None:
    order_id = post(store, "pay/credit-card", by_card(None)).json()["order_id"]
    simulator.state.add_fault(Fault("/v1/orders/refund-request", status=429, headers={"Retry-After": "30"}))
    body = {"order_id": order_id, "type": "partial", "value": 500}

    assert [post(store, "refund", body, key="r-1").status_code for _ in range(2)] == [503, 200]
    assert remote(simulator, order_id).refunded == 500


def test_a_caller_that_accepts_html_gets_json_and_its_key_is_kept(store: Client, simulator: SimulatorServer) -> None:
    body = by_card(ordered(store), number="4000000000000028")
    headers = {"Idempotency-Key": "k-1", "Accept": "text/html, */*; q=.2"}

    first, second = (
        store.post("/checkout/shop/pay/credit-card", body, content_type="application/json", headers=headers)
        for _ in range(2)
    )

    assert first["Content-Type"] == "application/json"
    assert (second.status_code, second.json()) == (422, first.json())
    assert is_replay(second)
