"""An event's page and row: order and merchant, why it waits and when it is tried next, what a replay would change."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from backoffice import event_notes, event_waits
from installations.models import Installation
from orders.models import Question
from orders.questions.why import Why
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.backoffice.conftest import history_of, messages_of, on
from tests.backoffice.test_lists import found
from tests.support.factories import InstallationFactory, OrderFactory, WebhookEventFactory
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def text_of(client: Client, event: WebhookEvent) -> str:
    return client.get(on(event)).content.decode()


def processed(**columns: Any) -> WebhookEvent:
    event: WebhookEvent = WebhookEventFactory.create(processed=True, processed_at=timezone.now(), **columns)
    return event


def test_an_events_order_and_merchant_are_links(eva: Client) -> None:
    order = OrderFactory.create()
    event = processed(appmax_order_id=order.appmax_order_id, installation=order.installation)

    for page in (text_of(eva, event), eva.get("/admin/webhooks/webhookevent/").content.decode()):
        assert f'href="{on(order)}"' in page
        assert f'href="{on(order.installation)}"' in page


def test_without_our_order_the_named_merchant_is_a_link(eva: Client) -> None:
    shop = InstallationFactory.create()
    event = processed(appmax_order_id=77, installation=shop)

    assert f'href="{on(shop)}"' in text_of(eva, event)


def test_events_are_filtered_by_merchant_and_by_order(eva: Client) -> None:
    order = OrderFactory.create(appmax_order_id=31)
    wanted = [
        WebhookEventFactory.create(appmax_order_id=31, installation=order.installation),
        processed(appmax_order_id=31, installation=order.installation),
    ]
    WebhookEventFactory.create(appmax_order_id=32, installation=InstallationFactory.create())

    assert set(found(eva, WebhookEvent, {"installation__id__exact": str(order.installation_id)})) == set(wanted)
    assert set(found(eva, WebhookEvent, {"order": " #31 "})) == set(wanted)
    assert found(eva, WebhookEvent, {"order": "x"}) == []


# --- why it waits ---


def question(order_id: int, installation: Any, **columns: Any) -> Question:
    Question.objects.put(order_id, installation.pk, Why.MONEY)
    Question.objects.update(**columns)
    return Question.objects.get()


def read(event: WebhookEvent, order: Any = None, asked: Question | None = None) -> event_waits.Wait:
    with translation.override("pt-br"):
        return event_waits.read(event, order, asked, NOW)


def test_an_event_that_failed_says_with_what_how_often_and_that_it_is_tried_soon() -> None:
    wait = read(WebhookEventFactory.create(outcome="failed", error_message="OperationalError", tries=3))

    assert wait.why == "Não pôde ser processado. O banco de dados não respondeu."
    assert (wait.tries, wait.next_try, wait.given_up_at) == (3, "em até 15 segundos", None)


def test_an_event_without_an_order_says_so() -> None:
    wait = read(WebhookEventFactory.create(appmax_order_id=None))

    assert wait.why == "Não diz de qual pedido se trata e, por isso, não pode ser aplicado a nenhum."
    assert wait.next_try == "nenhuma: no fim, é encerrado"


def test_an_event_of_nobody_we_know_waits_for_its_order(settings: Any) -> None:
    event = WebhookEventFactory.create(appmax_order_id=77)
    wait = read(event)

    assert wait.why == "Não temos o pedido, e o evento não indica um lojista nosso."
    assert (wait.tries, wait.next_try) == (0, "quando o pedido for criado aqui")
    assert wait.given_up_at == event.created_at + timedelta(hours=settings.WEBHOOK_WAIT_HOURS)


@pytest.mark.parametrize(
    ("columns", "answer"),
    [
        ({"error": "NotFound"}, "A Appmax não tem esse pedido para este lojista."),
        ({"error": "Unavailable"}, "A Appmax não respondeu."),
        ({"said": "pendente"}, "A Appmax diz: Pendente."),
        ({}, ""),
    ],
)
def test_what_came_of_asking_appmax_is_told(columns: dict[str, str], answer: str) -> None:
    order = OrderFactory.create()
    due = NOW + timedelta(days=2, hours=1)
    asked = question(order.appmax_order_id, order.installation, times=2, due_at=due, **columns)

    wait = read(WebhookEventFactory.create(appmax_order_id=order.appmax_order_id), order, asked)

    assert wait.why == f"Aguarda a confirmação da Appmax. {answer}".strip()
    assert wait.tries == 2
    assert ">em 2 dias<" in wait.next_try


@pytest.mark.parametrize(
    ("due_at", "next_try"),
    [(NOW, "a qualquer momento"), (None, "quando a Appmax enviar outro evento deste pedido")],
)
def test_a_question_that_is_due_or_given_up(due_at: Any, next_try: str) -> None:
    shop = InstallationFactory.create()
    asked = question(77, shop, due_at=due_at)

    wait = read(WebhookEventFactory.create(appmax_order_id=77, installation=shop), None, asked)

    assert wait.why == "Ainda não temos o pedido; vamos consultar a Appmax."
    assert wait.next_try == next_try


def test_the_list_and_the_page_tell_it(eva: Client) -> None:
    order = OrderFactory.create()
    other = InstallationFactory.create()
    question(order.appmax_order_id, order.installation, times=2, due_at=timezone.now())
    Question.objects.put(order.appmax_order_id, other.pk, Why.ORDER_MISSING)  # not the order's merchant
    event = WebhookEventFactory.create(appmax_order_id=order.appmax_order_id)

    for page in (text_of(eva, event), eva.get("/admin/webhooks/webhookevent/").content.decode()):
        assert "It waits until Appmax confirms it." in page
        assert "tried 2 times" in page.lower()
        assert "at any moment" in page


# --- replaying ---


def test_a_handled_event_says_what_a_replay_would_change_and_does_it(eva: Client) -> None:
    order = OrderFactory.create()
    event = processed(appmax_order_id=order.appmax_order_id, outcome="ignored")
    would = "The order is Pending, and would become Approved."

    page = eva.get(on(event))
    assert would in page.content.decode()
    assert [link["path"] for link in page.context["actions_detail"]] == [on(event, "replay")]
    assert would in eva.get(on(event, "replay")).content.decode()
    order.refresh_from_db()
    assert order.status == "pendente"

    answer = eva.post(on(event, "replay"), follow=True)

    assert messages_of(answer) == "The order was Pending, and is Approved now."
    order.refresh_from_db()
    assert order.status == "aprovado"
    assert history_of(event) == ["Replayed: pendente → aprovado"]
    assert answer.context["actions_detail"] == []
    assert "Nothing would change" in answer.content.decode()


def test_an_event_that_is_refused_can_not_be_replayed(eva: Client) -> None:
    order, other = OrderFactory.create(), InstallationFactory.create()
    payload = {"client_key": other.external_key}
    event = processed(appmax_order_id=order.appmax_order_id, outcome="refused", payload=payload)

    assert eva.get(on(event)).context["actions_detail"] == []
    eva.post(on(event, "replay"))

    order.refresh_from_db()
    assert order.status == "pendente"
    assert history_of(event) == []


def test_who_sees_no_personal_data_replays_with_the_payload_as_it_is(staff: Callable[..., Client]) -> None:
    """A masked payload names nobody, so a refused event would be applied."""
    order = OrderFactory.create()
    other = InstallationFactory.create(external_key="someone@example.com")
    payload = {"client_key": other.external_key}
    event = processed(appmax_order_id=order.appmax_order_id, outcome="refused", payload=payload)

    staff("Support").post(on(event, "replay"))

    order.refresh_from_db()
    assert order.status == "pendente"


@pytest.mark.django_db(transaction=True)
def test_that_appmax_does_not_answer_is_told(eva: Client, shop: Installation, simulator: SimulatorServer) -> None:
    order = OrderFactory.create(installation=shop)
    simulator.state.add_fault(Fault("/v1/orders/", status=503, times=9))
    event = processed(appmax_order_id=order.appmax_order_id, outcome="refuted")
    page = eva.get(on(event, "replay")).content.decode()
    assert "Appmax would be asked, and if it says so, the order becomes Approved." in page

    answer = eva.post(on(event, "replay"), follow=True)

    assert "Appmax" in messages_of(answer)
    assert history_of(event)[0].startswith("Not replayed: ")


@pytest.mark.parametrize(
    ("outcome", "columns", "portuguese"),
    [
        ("ignored", {"order_status": "aprovado"}, "O pedido já estava como Aprovado"),
        ("ignored", {"order_status": "estornado"}, "O pedido estava como Estornado, e este evento significa Aprovado"),
        ("ignored", {}, "O pedido já estava nesse ponto, ou adiante"),  # from before the column
        ("refuted", {"order_status": "pendente"}, "A Appmax diz: Pendente"),
        ("refuted", {}, "A Appmax diz outra coisa"),
        ("waiting", {"order_status": "pendente"}, "Aguarda a confirmação da Appmax"),
        ("waiting", {}, "Aguarda o pedido ou a confirmação da Appmax"),
        ("closed", {}, "Aguardou o pedido, que não apareceu"),
        ("closed", {"appmax_order_id": None}, "Não indica o pedido"),
        ("acknowledged", {"event": "customer_created"}, "Não significa nenhum status"),
        ("acknowledged", {"event": "nobody_knows"}, "Não sabemos o que este evento significa"),
        ("refused", {"order_status": "pendente"}, "Indica um lojista que não é o do pedido"),
        ("failed", {"error_message": "OperationalError"}, "Não pôde ser processado. O banco de dados não respondeu."),
        ("failed", {"error_message": "KeyError"}, "Não pôde ser processado. Foi um erro nosso; o log diz qual."),
        ("applied", {"order_status": "pendente"}, "Pendente → Aprovado"),
        ("applied", {"order_status": "aprovado"}, ""),  # Appmax had been asked before it was applied
        ("applied", {}, ""),
    ],
)
def test_why_an_event_has_its_outcome_is_told_in_the_readers_words(
    outcome: str, columns: dict[str, Any], portuguese: str
) -> None:
    event = WebhookEvent(**{"event": "order_paid", "appmax_order_id": 7, "outcome": outcome} | columns)

    with translation.override("pt-br"):
        assert event_notes.explanation(event) == portuguese
