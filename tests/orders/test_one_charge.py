"""No failure charges a card twice, and none is told as something that it may not be."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, InterfaceError, connection
from django.test import Client

from backoffice.attempt_words import said
from installations.models import Installation
from orders import attempts
from orders.idempotency import Claim
from orders.models import AttemptMethod, AttemptState, Order, PaymentAttempt, Question
from orders.questions import ask as questions
from orders.questions.why import Why
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_card, by_pix, ordered, post, remote
from tests.support.appmax_mock import ADAPTER
from tests.support.failing import statements_fail
from tests.support.meanwhile import meanwhile
from tests.support.statements import before_statements

pytestmark = pytest.mark.django_db(transaction=True)

CARD_CALL = "/v1/payments/credit-card"
BODIES = {"credit-card": by_card, "pix": by_pix, "boleto": by_pix}
UNDER_WAY = "a payment of this order is under way; ask for the status before trying again"


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 504, "work": True}, 502),
        ({"status": 500}, 502),
        ({"status": 408}, 502),
        ({"reset": True, "work": True}, 502),
        ({"hang": 1.0, "work": True}, 504),
        ({"status": 200, "body": {"odd": True}, "work": True}, 502),
    ],
)
@pytest.mark.parametrize("method", ["credit-card", "pix", "boleto"])
def test_an_unknown_outcome_is_sent_once_said_so_and_blocks_further_payments(
    store: Client, simulator: SimulatorServer, impatient: None, method: str, fault: dict[str, Any], status: int
) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault(f"/v1/payments/{method}", **fault))

    answer = post(store, f"pay/{method}", BODIES[method](order_id))

    assert answer.status_code == status
    assert "not known yet" in answer.json()["message"]
    assert len(remote(simulator, order_id).payments) <= 1
    assert Order.objects.get().status == "pendente"
    assert PaymentAttempt.objects.get().state == "unknown"
    again = post(store, "pay/credit-card", by_card(order_id))
    assert (again.status_code, again.json()) == (409, {"code": "payment_under_way", "message": UNDER_WAY})
    assert len(remote(simulator, order_id).payments) <= 1


def test_appmaxs_ids_of_a_call_stay_with_its_attempt_when_it_is_settled_later(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault(CARD_CALL, status=504, work=True))
    post(store, "pay/credit-card", by_card(order_id))
    attempt = PaymentAttempt.objects.get()
    assert attempt.answer
    told = attempt.answer["trace"]
    assert told["CF-Ray"]

    questions.ask_by_hand()

    attempt.refresh_from_db()
    assert (attempt.state, attempt.answer) == ("succeeded", {"asked_later": "aprovado", "trace": told})


def test_the_order_of_an_unknown_outcome_is_named(store: Client, simulator: SimulatorServer) -> None:
    simulator.state.add_fault(Fault(CARD_CALL, status=504, work=True))

    answer = post(store, "pay/credit-card", by_card(None)).json()

    assert answer["order_id"] == Order.objects.get().appmax_order_id
    assert store.get(f"/checkout/shop/status/{answer['order_id']}").json() == {"status": "pendente"}


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 400, "body": {"message": "bad"}}, 400),
        ({"status": 404}, 404),
        ({"status": 409}, 409),
        ({"status": 422, "body": {"message": "bad"}}, 422),
        ({"status": 429, "headers": {"Retry-After": "30"}}, 503),
        ({"status": 401, "times": 2}, 502),
    ],
)
def test_where_certainly_nothing_happened_the_order_can_be_paid_at_once(
    store: Client, simulator: SimulatorServer, fault: dict[str, Any], status: int
) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault(CARD_CALL, **fault))

    assert post(store, "pay/credit-card", by_card(order_id)).status_code == status
    assert PaymentAttempt.objects.get().state == "failed"
    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "aprovado"
    assert len(remote(simulator, order_id).charges) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 402, "body": {"message": "Saldo insuficiente"}}, "Saldo insuficiente"),
        ({"status": 422, "body": {"message": "CPF inválido"}}, "CPF inválido"),
        ({"status": 429, "headers": {"Retry-After": "30"}}, "Appmax asked us to slow down."),
        ({"hang": 1.0}, "Appmax did not answer in time."),
        ({"status": 504}, "Appmax's answer was not clear."),
    ],
)
def test_support_reads_at_the_attempt_why_nothing_came_of_it(
    store: Client, simulator: SimulatorServer, impatient: None, fault: dict[str, Any], words: str
) -> None:
    simulator.state.add_fault(Fault(CARD_CALL, **fault))

    post(store, "pay/credit-card", by_card(None))

    assert said(PaymentAttempt.objects.get()) == words


@pytest.mark.parametrize("times", [2, 8])
def test_of_simultaneous_payments_of_one_order_one_goes_out(
    store: Client, simulator: SimulatorServer, race: Any, times: int
) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault(CARD_CALL, hang=0.3, times=times))  # all of them could overlap

    answers = race(lambda _: post(store, "pay/credit-card", by_card(order_id)), times=times)

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (times - 1)
    assert len(remote(simulator, order_id).charges) == 1
    assert PaymentAttempt.objects.count() == 1


def test_card_and_pix_at_once_are_one_payment_too(store: Client, simulator: SimulatorServer, race: Any) -> None:
    order_id = ordered(store)
    for method in BODIES:
        simulator.state.add_fault(Fault(f"/v1/payments/{method}", hang=0.3))

    answers = race(lambda number: post(store, f"pay/{(m := list(BODIES)[number])}", BODIES[m](order_id)), times=3)

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert len(remote(simulator, order_id).payments) == 1


@pytest.mark.parametrize("status", ["autorizado", "aprovado", "integrado", "estornado", "chargeback_perdido"])
@pytest.mark.parametrize("method", list(BODIES))
def test_an_order_that_is_paid_is_not_paid_again(
    store: Client, simulator: SimulatorServer, method: str, status: str
) -> None:
    order_id = ordered(store)
    Order.objects.update(status=status)
    simulator.state.orders[order_id].status = status

    answer = post(store, f"pay/{method}", BODIES[method](order_id))

    assert (answer.status_code, answer.json()) == (
        409,
        {"code": "already_paid", "message": f"the order is already paid: {status}"},
    )
    assert remote(simulator, order_id).payments == []


@pytest.mark.parametrize("event", ["order_paid", "order_authorized", "order_refund"])
def test_a_forged_webhook_keeps_nobody_from_paying(store: Client, simulator: SimulatorServer, event: str) -> None:
    """An order that counts as paid because a webhook said so alone is asked about first."""
    order_id = ordered(store)
    body = {"event": event, "event_type": "order", "data": {"order_id": order_id}}
    store.post("/webhooks/appmax", body, content_type="application/json")
    assert Order.objects.get().status != "pendente"

    answer = post(store, "pay/credit-card", by_card(order_id))

    assert (answer.status_code, answer.json()["status"]) == (200, "aprovado")
    assert len(remote(simulator, order_id).charges) == 1


def test_what_appmax_has_confirmed_is_believed_without_asking_again(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    simulator.state.orders[order_id].status = "aprovado"
    questions.ask(Order.objects.get())
    simulator.state.add_fault(Fault("/v1/orders/", status=500, times=9))

    assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409
    assert simulator.state.waiting_faults()[0].times == 9


def test_an_order_that_its_own_card_has_paid_is_not_asked_about(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", by_card(order_id))
    simulator.state.add_fault(Fault("/v1/orders/", status=500, times=9))

    assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409
    assert simulator.state.waiting_faults()[0].times == 9


def test_what_appmax_said_of_another_status_counts_for_nothing(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    questions.ask(Order.objects.get())
    Question.objects.update(due_at=None)
    Order.objects.update(status="aprovado")

    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "aprovado"
    assert len(remote(simulator, order_id).charges) == 1


def test_a_secret_that_cannot_be_read_makes_a_failed_attempt_and_locks_nothing(
    store: Client, simulator: SimulatorServer
) -> None:
    """A key of FIELD_ENCRYPTION_KEYS was lost."""
    order_id = ordered(store)
    secret = Installation.objects.get().merchant_client_secret
    with connection.cursor() as cursor:
        cursor.execute("UPDATE installations SET merchant_client_secret = 'x'")

    for _ in range(2):
        answer = post(store, "pay/credit-card", by_card(order_id))
        assert answer.status_code == 502
        assert "can't be read" in answer.json()["message"]
    assert list(PaymentAttempt.objects.values_list("state", flat=True)) == ["failed"] * 2

    Installation.objects.update(merchant_client_secret=secret)
    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "aprovado"


def test_a_card_that_was_accepted_and_is_being_examined_is_not_charged_again(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    examined = {"data": {"payment": {"pay_reference": "r", "status": "pendente", "upsell_hash": "h"}}}
    simulator.state.add_fault(Fault(CARD_CALL, status=201, body=examined))
    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "pendente"

    for method in BODIES:
        assert post(store, f"pay/{method}", BODIES[method](order_id)).status_code == 409
    assert remote(simulator, order_id).payments == []


def test_a_shopper_with_a_pending_pix_may_still_pay_by_card(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))

    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "aprovado"
    assert len(remote(simulator, order_id).charges) == 1


def webhook(event: str, order_id: int) -> None:
    body = {"event": event, "event_type": "order", "data": {"order_id": order_id}}
    assert Client().post("/webhooks/appmax", body, content_type="application/json").status_code == 200


AUTHORISED = "4000000000000044"


@pytest.mark.parametrize("event", ["order_pix_expired", "payment_not_authorized", "order_refused_by_risk"])
def test_an_authorised_card_is_not_charged_again_because_a_webhook_cancelled_the_order(
    store: Client, simulator: SimulatorServer, event: str
) -> None:
    """It may be of an earlier attempt, or forged: Appmax itself is asked before money is asked for again."""
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))
    post(store, "pay/credit-card", by_card(order_id, number=AUTHORISED))
    webhook(event, order_id)
    assert Order.objects.get().status in ("cancelado", "recusado_por_risco")

    answer = post(store, "pay/credit-card", by_card(order_id))

    assert (answer.status_code, answer.json()) == (
        409,
        {"code": "already_paid", "message": "the order is already paid: autorizado"},
    )
    assert len(remote(simulator, order_id).charges) == 1
    assert Order.objects.get().status == "autorizado"


def test_nor_while_appmax_cannot_be_asked(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", by_card(order_id, number=AUTHORISED))
    webhook("payment_not_authorized", order_id)
    simulator.state.add_fault(Fault("/v1/orders/", status=500, times=9))

    assert post(store, "pay/credit-card", by_card(order_id)).status_code == 502
    assert len(remote(simulator, order_id).charges) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("pay/credit-card", {"number": "4000000000000028"}), ("pay/pix", None)],
    ids=["a declined card", "a Pix that ended"],
)
def test_an_order_of_which_no_card_was_taken_may_be_paid_although_appmax_cannot_be_asked(
    store: Client, simulator: SimulatorServer, path: str, body: dict[str, str] | None
) -> None:
    order_id = ordered(store)
    post(store, path, by_pix(order_id) if body is None else by_card(order_id, **body))
    webhook("order_pix_expired", order_id)
    assert Order.objects.get().status == "cancelado"
    simulator.state.add_fault(Fault("/v1/orders/", status=500, times=9))

    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "aprovado"


def test_nor_if_the_cancellation_arrives_in_the_last_moment(store: Client) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", by_card(order_id, number=AUTHORISED))
    webhook("payment_not_authorized", order_id)

    with pytest.raises(attempts.PaymentUnderWay):
        attempts.begin(Order.objects.get(), AttemptMethod.CREDIT_CARD, Claim(None, ""))


def test_nor_if_somebody_else_pays_while_appmax_is_asked(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", by_card(order_id, number=AUTHORISED))
    voided = simulator.state.orders[order_id]
    voided.status = voided.payments[0].status = "cancelado"
    webhook("payment_not_authorized", order_id)

    def somebody_pays() -> None:
        assert post(store, "pay/credit-card", by_card(order_id, number=AUTHORISED)).status_code == 200
        webhook("order_refused_by_risk", order_id)

    with meanwhile(simulator, f"/v1/orders/{order_id}", somebody_pays):
        assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409
    assert len(remote(simulator, order_id).charges) == 1


def test_nor_if_appmax_says_that_it_is_paid_and_a_webhook_contradicts_at_once(
    store: Client, simulator: SimulatorServer, race: Any
) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", by_card(order_id, number=AUTHORISED))
    webhook("payment_not_authorized", order_id)

    def contradict() -> None:
        """Once the answer is written: before that, the order isn't autorizado."""
        race(lambda _: Order.objects.filter(status="autorizado").update(status="recusado_por_risco"), times=1)

    with before_statements("FOR NO KEY UPDATE", contradict):
        assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409
    assert Order.objects.get().status == "recusado_por_risco"
    assert len(remote(simulator, order_id).charges) == 1


def test_once_appmax_says_itself_that_it_was_cancelled_the_order_may_be_paid(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", by_card(order_id, number=AUTHORISED))
    voided = simulator.state.orders[order_id]
    voided.status = voided.payments[0].status = "cancelado"
    webhook("payment_not_authorized", order_id)

    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "aprovado"
    assert len(remote(simulator, order_id).charges) == 1


def test_a_late_decline_that_arrives_during_the_next_card_is_not_taken_for_it(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    post(store, "pay/credit-card", by_card(order_id, number="4000000000000028"))

    with meanwhile(simulator, CARD_CALL, lambda: webhook("payment_not_authorized", order_id)):
        answer = post(store, "pay/credit-card", by_card(order_id, number=AUTHORISED))

    assert answer.json()["status"] == "autorizado"
    assert Order.objects.get().status == "autorizado"
    assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409
    assert len(remote(simulator, order_id).charges) == 1


@pytest.mark.parametrize(
    ("event", "answered", "status"),
    [("payment_not_authorized", "pendente", "cancelado"), ("order_refund", "aprovado", "estornado")],
)
def test_a_webhook_that_comes_during_a_payment_and_is_further_than_its_answer_counts(
    store: Client, simulator: SimulatorServer, event: str, answered: str, status: str
) -> None:
    order_id = ordered(store)
    taken = {"data": {"payment": {"pay_reference": "r", "status": answered, "upsell_hash": ""}}}

    with meanwhile(simulator, CARD_CALL, lambda: webhook(event, order_id), work=False, status=201, body=taken):
        assert post(store, "pay/credit-card", by_card(order_id)).status_code == 200

    assert Order.objects.get().status == status


def test_an_upsell_does_not_hide_a_card_that_is_being_examined(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    examined = {"data": {"payment": {"pay_reference": "r", "status": "pendente", "upsell_hash": "h"}}}
    simulator.state.add_fault(Fault(CARD_CALL, status=201, body=examined))
    post(store, "pay/credit-card", by_card(order_id))
    sold = {"data": {"message": "ok", "redirect_url": "https://x/y"}}
    simulator.state.add_fault(Fault("/v1/orders/upsell", status=201, body=sold))
    products = [{"sku": "B", "name": "Bone", "quantity": 1, "unit_value": 100}]
    upsell = {"upsell_hash": "h", "products_value": 100, "products": products}
    assert post(store, "upsell", upsell).status_code == 200

    assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409
    assert remote(simulator, order_id).payments == []


def test_an_answer_that_comes_after_reconciliation_gave_up_counts(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    taken = {"data": {"payment": {"pay_reference": "r", "upsell_hash": "h"}}}

    def give_up() -> None:
        PaymentAttempt.objects.get().settle(AttemptState.FAILED, {})

    with meanwhile(simulator, CARD_CALL, give_up, work=False, status=201, body=taken):
        assert post(store, "pay/credit-card", by_card(order_id)).status_code == 200
    assert PaymentAttempt.objects.get().state == "succeeded"
    assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409


@pytest.mark.parametrize("before", ["cancelado", "recusado_por_risco"])
def test_a_new_attempt_restarts_an_order_of_which_nothing_was_paid(store: Client, before: str) -> None:
    order_id = ordered(store)
    Order.objects.update(status=before)

    post(store, "pay/pix", by_pix(order_id))

    assert Order.objects.get().status == "pendente"
    assert PaymentAttempt.objects.get().restarted_from == before


def test_the_code_of_a_cancelled_pix_is_gone_once_another_is_asked_for(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))
    ended = simulator.state.orders[order_id]
    ended.status = ended.payments[0].status = "cancelado"
    Order.objects.update(status="cancelado")

    seen: list[str | None] = []
    with meanwhile(simulator, "/v1/payments/pix", lambda: seen.append(Order.objects.get().pix_emv)):
        assert post(store, "pay/pix", by_pix(order_id)).status_code == 200
    assert seen == [None]


def test_a_code_that_may_have_been_replaced_is_shown_no_more(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    post(store, "pay/pix", by_pix(order_id))
    simulator.state.add_fault(Fault("/v1/payments/pix", status=504))

    assert post(store, "pay/pix", by_pix(order_id)).status_code == 502
    assert Order.objects.get().pix_emv is None


def test_an_attempt_of_which_nothing_came_gives_the_status_back(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    Order.objects.update(status="recusado_por_risco")
    simulator.state.add_fault(Fault("/v1/payments/pix", status=422))

    post(store, "pay/pix", by_pix(order_id))

    assert Order.objects.get().status == "recusado_por_risco"


def test_a_declined_pix_gives_the_status_back_too(store: Client, simulator: SimulatorServer) -> None:
    order_id = ordered(store)
    Order.objects.update(status="cancelado")
    simulator.state.add_fault(Fault("/v1/payments/pix", status=402, body={"message": "recusado"}))

    assert post(store, "pay/pix", by_pix(order_id)).status_code == 422
    assert PaymentAttempt.objects.get().state == "declined"
    assert Order.objects.get().status == "cancelado"


@pytest.mark.parametrize(
    ("fault", "status"),
    [({"status": 402}, 422), ({"status": 422}, 422), ({"status": 504}, 502)],
    ids=["declined", "rejected", "unknown"],
)
def test_a_refusal_that_comes_after_reconciliation_settled_it_changes_nothing(
    store: Client, simulator: SimulatorServer, fault: dict[str, Any], status: int
) -> None:
    order_id = ordered(store)

    def settle() -> None:
        PaymentAttempt.objects.get().settle(AttemptState.SUCCEEDED, {})
        Order.objects.update(status="aprovado")

    with meanwhile(simulator, CARD_CALL, settle, work=False, **fault):
        assert post(store, "pay/credit-card", by_card(order_id)).status_code == status

    assert PaymentAttempt.objects.get().state == "succeeded"
    assert Order.objects.get().status == "aprovado"


def test_what_appmax_refused_is_told_although_it_cannot_be_written_down(
    store: Client, simulator: SimulatorServer
) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault(CARD_CALL, status=422, body={"message": "bad card"}))

    with statements_fail("UPDATE payment_attempts", DatabaseError):
        answer = post(store, "pay/credit-card", by_card(order_id))

    assert (answer.status_code, answer.json()["message"]) == (422, "bad card")
    assert PaymentAttempt.objects.get().state == "started"


def test_a_status_of_appmaxs_that_nobody_knows_is_logged_and_leaves_the_order_as_it_is(
    store: Client, simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    post(store, "pay/credit-card", by_card(None))
    assert "payment.unknown_status" not in caplog.text
    order_id = ordered(store)
    taken = {"data": {"payment": {"pay_reference": "r", "status": "em_orbita", "upsell_hash": ""}}}
    simulator.state.add_fault(Fault(CARD_CALL, status=201, body=taken))

    assert post(store, "pay/credit-card", by_card(order_id)).json()["status"] == "pendente"
    assert PaymentAttempt.objects.latest("pk").state == "succeeded"
    assert "payment.unknown_status" in caplog.text


def test_the_attempt_is_recorded_before_appmax_is_asked(store: Client, simulator: SimulatorServer) -> None:
    import responses

    order_id, seen = ordered(store), []
    with responses.RequestsMock(assert_all_requests_are_fired=False, target=ADAPTER) as appmax:
        appmax.post(f"{simulator.url}/oauth2/token", json={"access_token": "t", "expires_in": 3600})

        def look(request: Any) -> tuple[int, dict[str, str], str]:
            seen.append(PaymentAttempt.objects.values_list("state", "method").get())
            connection.close()
            return 500, {}, ""

        appmax.add_callback("POST", simulator.url + CARD_CALL, look)
        post(store, "pay/credit-card", by_card(order_id))

    assert seen == [("started", "credit_card")]


@pytest.mark.parametrize("failure", [DatabaseError, InterfaceError])
def test_an_outcome_that_cannot_be_written_down_is_not_told(
    store: Client, simulator: SimulatorServer, failure: type[Exception]
) -> None:
    order_id = ordered(store)

    with statements_fail("UPDATE orders", failure):
        answer = post(store, "pay/credit-card", by_card(order_id))

    assert (answer.status_code, "not known yet" in answer.json()["message"]) == (502, True)
    assert PaymentAttempt.objects.get().state == "started"
    assert post(store, "pay/credit-card", by_card(order_id)).status_code == 409
    assert len(remote(simulator, order_id).charges) == 1


def test_the_database_too_allows_one_open_attempt_an_order(store: Client) -> None:
    ordered(store)
    order = Order.objects.get()
    PaymentAttempt.objects.create(order=order, method="pix", fingerprint="")

    with pytest.raises(DatabaseError):
        PaymentAttempt.objects.create(order=order, method="pix", fingerprint="")


def test_settled_is_settled(store: Client) -> None:
    ordered(store)
    attempt = PaymentAttempt.objects.create(order=Order.objects.get(), method="pix", fingerprint="")

    assert attempt.settle(AttemptState.SUCCEEDED, {})
    assert not attempt.settle(AttemptState.DECLINED, {})
    assert PaymentAttempt.objects.get().state == "succeeded"


# --- by hand ---


def open_attempt(store: Client, method: str) -> PaymentAttempt:
    ordered(store)
    attempt: PaymentAttempt = PaymentAttempt.objects.create(
        order=Order.objects.get(), method=method, state="unknown", fingerprint="", restarted_from="cancelado"
    )
    return attempt


@pytest.mark.parametrize(
    ("state", "status", "method"), [("failed", "cancelado", None), ("succeeded", "pendente", "credit_card")]
)
def test_staff_settle_what_nobody_else_can_and_appmax_is_asked_about_the_order(
    store: Client, state: str, status: str, method: str | None
) -> None:
    attempt = open_attempt(store, "credit_card")

    call_command("settle_attempt", str(attempt.pk), state, "--reason", "ana: seen in the panel")

    attempt.refresh_from_db()
    assert (attempt.state, attempt.answer) == (state, {"by_hand": "ana: seen in the panel"})
    order = Order.objects.get()
    assert (order.status, order.payment_method) == (status, method)
    assert Question.objects.open().get().why == Why.SETTLED_BY_HAND


def test_what_is_settled_stays_so(store: Client) -> None:
    attempt = open_attempt(store, "upsell")
    call_command("settle_attempt", str(attempt.pk), "failed", "--reason", "x")

    with pytest.raises(CommandError, match="settled already: failed"):
        call_command("settle_attempt", str(attempt.pk), "succeeded", "--reason", "x")
    with pytest.raises(CommandError, match="no payment attempt"):
        call_command("settle_attempt", "999999", "succeeded", "--reason", "x")
