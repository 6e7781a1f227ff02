"""What staff have Appmax do with an order, against a simulated Appmax over HTTP."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import translation

from appmax import errors
from backoffice.kit.words import history, told
from backoffice.orders import REFUND_FAILED
from installations import clients
from installations.models import Installation
from orders.models import IdempotentRequest, Order, Question
from orders.status import OrderStatus
from simulator.orders import Order as RemoteOrder
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.backoffice.conftest import hidden, history_of, messages_of, on
from tests.support.factories import OrderFactory, api_key

pytestmark = pytest.mark.django_db(transaction=True)

TOTAL = 200_000
REFUND = "/v1/orders/refund-request"


@pytest.fixture
def ana(staff: Callable[..., Client]) -> Client:
    """Works in finance."""
    return staff("Finance")


@pytest.fixture
def known(shop: Installation, simulator: SimulatorServer) -> Callable[..., Order]:
    """Makes an order with one status at Appmax and perhaps another here."""

    def make(at_appmax: str = "aprovado", here: str = "") -> Any:
        amounts = {"products_value": TOTAL, "discount_value": 0, "shipping_value": 0}
        customer_id = simulator.state.upsert_customer("shop", {"email": "bia@example.com"})
        order_id = simulator.state.add_order("shop", customer_id, amounts, []).id
        simulator.state.orders[order_id].status = at_appmax
        simulator.state.orders[order_id].total_paid = TOTAL if at_appmax == "aprovado" else 0
        return OrderFactory.create(
            installation=shop, appmax_order_id=order_id, status=here or at_appmax, total_cents=TOTAL
        )

    return make


@pytest.fixture
def paid(known: Callable[..., Order]) -> Order:
    """R$ 2.000,00 that Appmax has taken."""
    return known()


def remote(simulator: SimulatorServer, order: Order) -> RemoteOrder:
    """The order as Appmax has it."""
    found: RemoteOrder | None = simulator.state.order(order.appmax_order_id)
    assert found is not None
    return found


def once(client: Client, order: Order) -> str:
    """What makes one form of the refund page different from another."""
    return hidden(client.get(on(order, "refund")), "once")


def refund(client: Client, order: Order, form: str = "", **data: str) -> Any:
    """Press the page's button; `form` is what `once` told."""
    body = {"kind": "total", "once": form or once(client, order), **data}
    return client.post(on(order, "refund"), body, follow=True)


# --- refund: what is asked for ---


def test_a_total_refund_arrives_at_appmax(ana: Client, paid: Order, simulator: SimulatorServer) -> None:
    answer = refund(ana, paid)

    assert remote(simulator, paid).refunded == TOTAL
    assert "Appmax accepted the refund of R$2,000.00" in messages_of(answer)


def test_accepted_is_not_done_so_the_order_stays_as_it_is_until_a_webhook_tells(ana: Client, paid: Order) -> None:
    refund(ana, paid)

    paid.refresh_from_db()
    assert paid.status == "aprovado"


@pytest.mark.parametrize(
    ("language", "text", "cents"),
    [
        ("pt-BR", "12,34", 1234),
        ("pt-BR", "1234,5", 123450),
        ("pt-BR", "1.234,56", 123456),
        ("pt-BR", " 0,01 ", 1),
        ("pt-BR", "1999,99", 199_999),
        ("en", "12.34", 1234),
        ("en", "1,234.56", 123456),
        ("en", "1.234,56", 123456),
        ("en", "1,5", 150),
        ("pt-BR", "R$ 1234.56", 123456),
    ],
)
def test_a_part_arrives_in_cents_however_the_language_writes_amounts(
    staff: Callable[..., Client], paid: Order, simulator: SimulatorServer, language: str, text: str, cents: int
) -> None:
    refund(staff("Finance", language=language), paid, kind="partial", amount=text)

    assert remote(simulator, paid).refunded == cents


@pytest.mark.parametrize(
    "amount",
    [
        *("", "0", "0.00", "-1", "0.001", "2000", "2000.00", "2000.01", "99999999999999", "1e400", "1e999999"),
        *("1e-999999", "abc", "NaN", "Infinity", "US$ 5", "5 reais", "\0", "12.34.56", "1.234", "1,23.45"),
    ],
)
def test_an_odd_part_is_told_and_nothing_is_asked(
    ana: Client, paid: Order, simulator: SimulatorServer, amount: str
) -> None:
    answer = refund(ana, paid, kind="partial", amount=amount)

    assert answer.status_code == 200
    assert answer.context["form"].errors["amount"]
    assert remote(simulator, paid).refunded == 0
    assert history_of(paid) == []


@pytest.mark.parametrize("changes", [{"kind": "half"}, {"kind": ""}, {"once": "x" * 65}, {"amount": "5.00"}])
def test_a_form_that_contradicts_itself_is_told_and_nothing_is_asked(
    ana: Client, paid: Order, simulator: SimulatorServer, changes: dict[str, str]
) -> None:
    answer = refund(ana, paid, **changes)

    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert remote(simulator, paid).refunded == 0


def test_it_is_asked_first_and_asking_changes_nothing(ana: Client, paid: Order, simulator: SimulatorServer) -> None:
    page = ana.get(on(paid, "refund"))

    assert page.status_code == 200
    assert f"Refund order {paid.appmax_order_id}?" in page.content.decode()
    assert "R$2,000.00" in page.content.decode()
    assert remote(simulator, paid).refunded == 0
    assert history_of(paid) == []
    assert not IdempotentRequest.objects.exists()


def test_a_form_without_its_token_is_403(paid: Order, ana: Client, simulator: SimulatorServer) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = ana.cookies

    answer = strict.post(on(paid, "refund"), {"kind": "total", "once": "x"})

    assert answer.status_code == 403
    assert remote(simulator, paid).refunded == 0


# --- refund: what is kept ---


def test_what_was_asked_and_what_came_of_it_are_in_the_history(ana: Client, paid: Order) -> None:
    refund(ana, paid, kind="partial", amount="5.00")

    assert history_of(paid) == ["Refund asked of Appmax: R$5.00", "Refund accepted by Appmax: R$5.00"]


def test_the_timeline_tells_a_refund_by_its_row_and_not_twice(ana: Client, paid: Order) -> None:
    refund(ana, paid, kind="partial", amount="5.00", reason="parcel lost")

    told = [f"{each.title} ({each.detail})" for each in ana.get(on(paid)).context["timeline"]]
    assert [line for line in told if "efund" in line] == [
        "Refund of R$5.00 asked for (ana · parcel lost · Asked: Appmax took it, and has not said that it is done)"
    ]


def test_the_history_speaks_the_language_at_hand(ana: Client, staff: Callable[..., Client], paid: Order) -> None:
    refund(ana, paid)

    page = staff("Support", name="rui", language="pt-BR").get(on(paid, "history")).content.decode()

    assert "Estorno solicitado à Appmax: R$" in page
    assert "Refund" not in page


def test_who_asks_again_sees_what_was_asked_before_and_what_is_left(ana: Client, paid: Order) -> None:
    refund(ana, paid, kind="partial", amount="5.00", reason="parcel lost")

    page = ana.get(on(paid, "refund")).content.decode()

    assert "Can be paid back: R$1,995.00" in page
    assert "R$5.00 · Asked: Appmax took it" in page
    assert "(ana, " in page
    assert "parcel lost" in page


def test_who_asks_is_told_if_a_part_went_back_in_appmaxs_panel(ana: Client, paid: Order) -> None:
    assert "At most" not in ana.get(on(paid, "refund")).content.decode()
    Order.objects.update(refunded_elsewhere_at=paid.created_at)

    assert "At most, as a part went back" in ana.get(on(paid, "refund")).content.decode()


@pytest.mark.parametrize("status", ["estornado", "chargeback_perdido"])
def test_what_the_shopper_has_back_already_is_not_paid_back_again(
    ana: Client, paid: Order, simulator: SimulatorServer, status: str
) -> None:
    form = once(ana, paid)
    Order.objects.update(status=status)

    answer = refund(ana, paid, form)

    assert "There is no money to pay back" in messages_of(answer)
    assert remote(simulator, paid).refunded == 0


def test_staff_and_a_storefront_at_once_do_not_pay_back_more_than_was_paid(
    ana: Client, paid: Order, shop: Installation, simulator: SimulatorServer, race: Callable[..., list[Any]]
) -> None:
    forms = [once(ana, paid) for _ in range(2)]
    key = api_key(shop)
    body = {"order_id": paid.appmax_order_id, "type": "partial", "value": 150_000}

    def press(number: int) -> int:
        if number % 2:
            store = Client(headers={"Authorization": f"Api-Key {key}"})
            path = f"/checkout/{shop.external_key}/refund"
            return int(store.post(path, body, content_type="application/json").status_code)
        client = Client(headers={"Accept-Language": "en"})
        client.cookies["sessionid"] = ana.cookies["sessionid"].value
        return int(refund(client, paid, forms[number // 2], kind="partial", amount="1500.00").status_code)

    answers = race(press, 4)

    assert remote(simulator, paid).refunded == 150_000
    assert [state for state in paid.refunds.values_list("state", flat=True) if state != "refused"] == ["asked"]
    assert sorted(answers) in ([200, 200, 200, 409], [200, 200, 409, 409])  # staff are told in a page


def test_a_refund_is_a_row_with_who_how_much_and_why(ana: Client, paid: Order) -> None:
    refund(ana, paid, kind="partial", amount="5.00", reason="parcel lost")

    row = paid.refunds.get()
    assert (row.amount_cents, row.reason, row.state) == (500, "parcel lost", "asked")
    assert row.asked_by is not None
    assert (row.asked_by.get_username(), row.api_key) == ("ana", None)


# --- refund: never more than was paid ---


@pytest.mark.parametrize(("amount", "is_taken"), [("499.99", True), ("500.00", False), ("500.01", False)])
def test_a_part_is_less_than_what_earlier_refunds_have_left(
    ana: Client, paid: Order, simulator: SimulatorServer, amount: str, is_taken: bool
) -> None:
    refund(ana, paid, kind="partial", amount="1500.00")

    answer = refund(ana, paid, kind="partial", amount=amount)

    assert (remote(simulator, paid).refunded > 150_000) == is_taken
    if not is_taken:
        assert answer.context["form"].errors["amount"] == ["More than nothing and less than R$500.00."]


def test_nothing_is_left_after_a_total_refund_though_appmax_has_not_confirmed_it(
    ana: Client, paid: Order, simulator: SimulatorServer
) -> None:
    refund(ana, paid)

    answer = ana.get(on(paid, "refund"), follow=True)

    assert "There is no money to pay back" in messages_of(answer)


def test_two_of_staff_at_once_do_not_pay_back_more_than_was_paid(
    ana: Client, paid: Order, simulator: SimulatorServer, race: Callable[..., list[Any]]
) -> None:
    forms = [once(ana, paid) for _ in range(4)]

    def press(number: int) -> int:
        client = Client(headers={"Accept-Language": "en"})
        client.cookies["sessionid"] = ana.cookies["sessionid"].value
        return int(refund(client, paid, forms[number], kind="partial", amount="1500.00").status_code)

    assert race(press, 4) == [200] * 4
    assert remote(simulator, paid).refunded == 150_000
    assert sorted(paid.refunds.values_list("state", flat=True)) == ["asked"]


# --- refund: only once ---


def test_one_form_sent_twice_is_one_refund(ana: Client, paid: Order, simulator: SimulatorServer) -> None:
    form = once(ana, paid)

    refund(ana, paid, form, kind="partial", amount="5.00")
    second = refund(ana, paid, form, kind="partial", amount="5.00")

    assert remote(simulator, paid).refunded == 500
    assert "This refund has been asked for already." in messages_of(second)
    assert len(history_of(paid)) == 2


def test_one_form_sent_by_five_browsers_at_once_is_one_refund(
    ana: Client, paid: Order, simulator: SimulatorServer, race: Callable[..., list[Any]]
) -> None:
    form = once(ana, paid)

    def press(number: int) -> int:
        client = Client(headers={"Accept-Language": "en"})
        client.cookies["sessionid"] = ana.cookies["sessionid"].value
        return int(refund(client, paid, form, kind="partial", amount="5.00").status_code)

    assert race(press, 5) == [200] * 5
    assert remote(simulator, paid).refunded == 500
    assert history_of(paid).count("Refund asked of Appmax: R$5.00") == 1


def test_one_form_with_another_amount_is_no_second_refund(ana: Client, paid: Order, simulator: SimulatorServer) -> None:
    form = once(ana, paid)
    refund(ana, paid, form, kind="partial", amount="5.00")

    second = refund(ana, paid, form, kind="partial", amount="6.00")

    assert remote(simulator, paid).refunded == 500
    assert "open it anew" in messages_of(second)


def test_a_form_opened_anew_is_another_refund(ana: Client, paid: Order, simulator: SimulatorServer) -> None:
    refund(ana, paid, kind="partial", amount="5.00")
    refund(ana, paid, kind="partial", amount="5.00")

    assert remote(simulator, paid).refunded == 1000


# --- refund: what goes wrong ---


@pytest.mark.parametrize("status", ["pendente", "cancelado", "recusado_por_risco", "estornado"])
def test_there_is_nothing_to_pay_back_of_an_order_that_is_not_paid(
    ana: Client, known: Callable[..., Order], simulator: SimulatorServer, status: str
) -> None:
    order = known("aprovado", here=status)

    for answer in (ana.get(on(order, "refund"), follow=True), refund(ana, order, "form")):
        assert answer.redirect_chain[-1][0] == on(order)
        assert f"There is no money to pay back: the order is {OrderStatus(status).label}." in messages_of(answer)
    assert remote(simulator, order).refunded == 0
    assert history_of(order) == []


def test_a_refusal_is_told_in_appmaxs_words_and_kept(ana: Client, known: Callable[..., Order]) -> None:
    order = known("pendente", here="aprovado")

    answer = refund(ana, order)

    assert "Appmax refused: Error to refund" in messages_of(answer)
    assert history_of(order) == ["Refund asked of Appmax: R$2,000.00", "Refund not accepted: Rejected"]


ERRORS = [name for name in vars(errors) if name[0].isupper() and name not in ("AppmaxError", "Mapping")]


@pytest.mark.parametrize("name", [*ERRORS, "UnknownStatus"])
def test_a_line_of_the_history_tells_an_error_in_words(name: str) -> None:
    with translation.override("pt-br"):
        line = told(history(REFUND_FAILED, name))

    assert re.fullmatch(r"Estorno não aceito: \S.* .*\.", line)


def test_a_refused_form_is_not_sent_again(ana: Client, paid: Order, simulator: SimulatorServer) -> None:
    simulator.state.add_fault(Fault(REFUND, status=422, body={"message": "no"}))
    form = once(ana, paid)

    refund(ana, paid, form)
    refund(ana, paid, form)

    assert remote(simulator, paid).refunded == 0


@pytest.mark.parametrize("fault", [{"status": 504}, {"reset": True}])
def test_a_refund_that_may_have_happened_is_told_so_and_not_sent_again(
    ana: Client, paid: Order, simulator: SimulatorServer, fault: dict[str, Any]
) -> None:
    simulator.state.add_fault(Fault(REFUND, work=True, **fault))
    form = once(ana, paid)

    first = refund(ana, paid, form, kind="partial", amount="5.00")
    second = refund(ana, paid, form, kind="partial", amount="5.00")

    assert "It may have happened" in messages_of(first)
    assert "asked for already" in messages_of(second)
    assert remote(simulator, paid).refunded == 500
    assert history_of(paid) == ["Refund asked of Appmax: R$5.00", "Refund not accepted: OutcomeUnknown"]


def test_no_answer_in_time_is_told_so_and_not_sent_again(
    ana: Client, paid: Order, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients._transport(), "_read_timeout", 0.3)
    simulator.state.add_fault(Fault(REFUND, work=True, hang=1.5))
    form = once(ana, paid)

    first = refund(ana, paid, form, kind="partial", amount="5.00")
    refund(ana, paid, form, kind="partial", amount="5.00")

    assert "It may have happened" in messages_of(first)
    assert remote(simulator, paid).refunded == 500


def test_a_refund_that_never_arrived_may_be_sent_again(
    ana: Client, paid: Order, simulator: SimulatorServer, settings: Any
) -> None:
    form = once(ana, paid)
    settings.APPMAX_API_URL = "http://127.0.0.1:1"
    first = refund(ana, paid, form)
    settings.APPMAX_API_URL = simulator.url

    second = refund(ana, paid, form)

    assert "nothing was done" in messages_of(first)
    assert "Appmax accepted the refund" in messages_of(second)
    assert remote(simulator, paid).refunded == TOTAL


def test_a_secret_that_cannot_be_decrypted_is_told_and_is_no_500(ana: Client, paid: Order) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE installations SET merchant_client_secret = 'x'")

    for action, body in (("refund", {"kind": "total", "once": "form"}), ("reconcile", {}), ("tracking", {"code": "B"})):
        answer = ana.post(on(paid, action), body, follow=True)
        assert answer.status_code == 200, action
        assert "FIELD_ENCRYPTION_KEYS" in messages_of(answer), action


# --- reconcile ---


def test_a_stale_order_takes_the_status_that_appmax_says(ana: Client, known: Callable[..., Order]) -> None:
    order = known("aprovado", here="pendente")

    answer = ana.post(on(order, "reconcile"), follow=True)

    order.refresh_from_db()
    assert order.status == "aprovado"
    assert "Appmax says Approved; the order was Pending and is Approved." in messages_of(answer)
    assert history_of(order) == ["Reconciled with Appmax: changed, pendente → aprovado"]


def test_even_backwards(ana: Client, known: Callable[..., Order]) -> None:
    order = known("pendente", here="aprovado")

    ana.post(on(order, "reconcile"))

    order.refresh_from_db()
    assert order.status == "pendente"


def test_reconciling_is_asked_first_and_asking_changes_nothing(ana: Client, known: Callable[..., Order]) -> None:
    order = known("aprovado", here="pendente")

    assert ana.get(on(order, "reconcile")).status_code == 200

    order.refresh_from_db()
    assert (order.status, history_of(order)) == ("pendente", [])


@pytest.mark.parametrize("answer", [{"status": 404, "body": {"message": "gone"}}, {"status": 500, "times": 9}])
def test_an_order_that_appmax_cannot_be_asked_about_is_told_to_staff(
    ana: Client, known: Callable[..., Order], simulator: SimulatorServer, answer: dict[str, Any]
) -> None:
    order = known("aprovado", here="pendente")
    simulator.state.add_fault(Fault("/v1/orders/", **answer))

    page = ana.post(on(order, "reconcile"), follow=True)

    order.refresh_from_db()
    assert order.status == "pendente"
    assert not Question.objects.exists()  # staff are told at once
    assert messages_of(page)
    assert history_of(order)[0].startswith("Reconciliation failed: ")
    assert "gone" not in history_of(order)[0]  # Appmax's words may quote the shopper


# --- tracking ---


def test_a_tracking_code_arrives_and_is_in_the_history(ana: Client, paid: Order, simulator: SimulatorServer) -> None:
    answer = ana.post(on(paid, "tracking"), {"code": " BR123456789 "}, follow=True)

    assert remote(simulator, paid).shipping_tracking_code == "BR123456789"
    assert "Appmax took the tracking code." in messages_of(answer)
    assert history_of(paid) == ["Tracking code sent to Appmax: BR123456789"]


@pytest.mark.parametrize("code", ["", "  ", "x" * 256, "\0"])
def test_an_odd_tracking_code_is_told_and_nothing_is_sent(
    ana: Client, paid: Order, simulator: SimulatorServer, code: str
) -> None:
    answer = ana.post(on(paid, "tracking"), {"code": code})

    assert answer.status_code == 200
    assert answer.context["form"].errors["code"]
    assert remote(simulator, paid).shipping_tracking_code == ""
    assert history_of(paid) == []


def test_a_tracking_code_that_appmax_refuses_is_told_and_kept(
    ana: Client, paid: Order, simulator: SimulatorServer
) -> None:
    simulator.state.add_fault(Fault("/v1/orders/shipping-tracking-code", status=422, body={"message": "no carrier"}))

    answer = ana.post(on(paid, "tracking"), {"code": "BR1"}, follow=True)

    assert "Appmax refused: no carrier" in messages_of(answer)
    assert history_of(paid) == ["Tracking code not sent: Rejected"]


# --- Appmax's panel ---


def test_leaving_for_appmaxs_panel_is_asked_first(ana: Client, paid: Order, settings: Any) -> None:
    settings.APPMAX_ADMIN_URL, settings.APPMAX_PANEL_ORDER_PATH = "https://panel.example", "/v2/orders/{order_id}/x"

    page = ana.get(on(paid, "panel"))

    assert page.status_code == 200
    assert f"https://panel.example/v2/orders/{paid.appmax_order_id}/x" in page.content.decode()
    assert history_of(paid) == []


def test_who_goes_to_appmaxs_panel_is_kept(ana: Client, paid: Order, settings: Any) -> None:
    settings.APPMAX_ADMIN_URL, settings.APPMAX_PANEL_ORDER_PATH = "https://panel.example", "/v2/orders/{order_id}/x"

    answer = ana.post(on(paid, "panel"))

    assert answer.status_code == 302
    assert answer["Location"] == f"https://panel.example/v2/orders/{paid.appmax_order_id}/x"
    assert history_of(paid) == ["Opened in Appmax's panel"]


# --- all of them ---


@pytest.mark.parametrize("action", ["refund", "reconcile", "tracking", "panel"])
@pytest.mark.parametrize("key", ["999999", "abc", "99999999999999999999999"])
def test_an_order_that_is_not_there_is_404(ana: Client, action: str, key: str) -> None:
    for method in ("get", "post"):
        answer = getattr(ana, method)(f"/admin/orders/order/{key}/{action}/", {"code": "x", "kind": "total"})
        assert answer.status_code == 404
