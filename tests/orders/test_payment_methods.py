"""Each payment method has all of its places. CONTRIBUTING.md names them in the order in which one adds a method."""

import json
import re
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from appmax.answers import read_order
from backoffice import order_story
from backoffice.overview.page import COLOURS
from demo.stories import STORIES
from examples.storefront.forms import METHODS
from orders.models import AttemptMethod, AttemptState, Order, PaymentAttempt
from orders.questions import ask, due
from orders.status import BY_CARD, PAID_LATER, PaymentMethod
from simulator.failures import ROUTES
from simulator.server import SimulatorServer
from simulator.state import Fault
from tests.orders.conftest import by_pix, ordered, post

ROOT = Path(settings.BASE_DIR)
each_method = pytest.mark.parametrize("method", PaymentMethod)


later = pytest.mark.parametrize("method", PAID_LATER)


def dashed(method: PaymentMethod) -> str:
    return method.value.replace("_", "-")


def test_a_method_charges_a_card_or_is_paid_later() -> None:
    assert sorted((*BY_CARD, *PAID_LATER)) == sorted(PaymentMethod)


def test_an_attempt_is_by_a_payment_method_or_an_upsell() -> None:
    assert AttemptMethod.choices == [*PaymentMethod.choices, (AttemptMethod.UPSELL.value, AttemptMethod.UPSELL.label)]


@each_method
def test_the_database_tells_of_it(method: PaymentMethod) -> None:
    assert re.search(rf"\b{method}\b", str(Order._meta.get_field("payment_method").db_comment))
    assert re.search(rf"\b{method}\b", str(PaymentAttempt._meta.get_field("method").db_comment))


@each_method
def test_it_has_a_route_here_and_at_appmax_which_is_simulated_and_in_the_contract(method: PaymentMethod) -> None:
    assert reverse(f"checkout-pay_{method}", args=["shop"]) == f"/checkout/shop/pay/{dashed(method)}"
    assert f"/v1/payments/{dashed(method)}" in ROUTES
    assert f"`POST /v1/payments/{dashed(method)}`" in (ROOT / "docs/contract.md").read_text()


def told_with_the_order(store: Client, order_id: int, method: PaymentMethod) -> dict[str, Any]:
    """What the order's own route says of how it is paid, as the payment's route would."""
    return {"order_id": order_id, **store.get(f"/checkout/shop/orders/{order_id}").json()[method.value]}


@later
@pytest.mark.django_db(transaction=True)
def test_what_the_shopper_pays_with_is_told_with_the_order_too(
    store: Client, simulator: SimulatorServer, method: PaymentMethod
) -> None:
    order_id = ordered(store)

    answer = post(store, f"pay/{dashed(method)}", by_pix(order_id)).json()

    assert told_with_the_order(store, order_id, method) == answer


@later
@pytest.mark.parametrize(("is_asked", "status"), [(True, 200), (False, 409)])
@pytest.mark.django_db(transaction=True)
def test_after_a_lost_answer_it_is_told_once_appmax_has_been_asked(
    store: Client, simulator: SimulatorServer, method: PaymentMethod, is_asked: bool, status: int
) -> None:
    order_id = ordered(store)
    simulator.state.add_fault(Fault(f"/v1/payments/{dashed(method)}", status=504, work=True))
    post(store, f"pay/{dashed(method)}", by_pix(order_id), key="once")
    due.put_overdue()
    ask.ask_due() if is_asked else PaymentAttempt.objects.get().settle(AttemptState.SUCCEEDED, {})

    again = post(store, f"pay/{dashed(method)}", by_pix(order_id), key="once")

    assert again.status_code == status
    assert not is_asked or again.json() == told_with_the_order(store, order_id, method)


@each_method
@pytest.mark.parametrize("spelling", [lambda name: name, lambda name: name.replace("_", ""), str.upper])
def test_it_is_known_when_appmax_names_it(method: PaymentMethod, spelling: object) -> None:
    assert callable(spelling)
    order = {"order": {"id": 1, "status": "aprovado"}, "payment": {"method": spelling(method.value)}}

    assert read_order({"data": order}, UTC).payment_method == method


@each_method
def test_charts_have_a_colour_of_its_own(method: PaymentMethod) -> None:
    colour = COLOURS[method.value]
    style = (ROOT / "backoffice/static/backoffice/charts.css").read_text()

    assert list(COLOURS.values()).count(colour) == 1
    assert f"--chart-{colour}: #" in style
    assert f".swatch.{colour} " in style


@each_method
def test_an_orders_story_has_words_for_it(method: PaymentMethod) -> None:
    with override("en"):
        english = order_story._by(method.value)
    with override("pt-br"):
        assert order_story._by(method.value) != english


@each_method
def test_the_demo_data_have_orders_of_it(method: PaymentMethod) -> None:
    assert any(story.method == method for story in STORIES)


@each_method
def test_the_demo_shop_takes_it(method: PaymentMethod) -> None:
    assert dashed(method) in [each.route for each in METHODS.values()]


def test_the_dashboard_counts_every_card() -> None:
    panels = json.loads((ROOT / "ops/grafana/dashboard.json").read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    methods = {found for text in asked for found in re.findall(r'checkout_payments_total\{method=~"([a-z_|]+)"', text)}

    assert [set(found.split("|")) for found in methods] == [set(BY_CARD)]
