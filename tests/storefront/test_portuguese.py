"""On a Portuguese page of the demo shop there is no English, whatever became of the order."""

from collections.abc import Callable

import pytest

from tests.storefront.visitor import Product, Visitor
from tests.support.words import english


@pytest.fixture
def ana(visit: Callable[..., Visitor]) -> Visitor:
    return visit(language="pt-BR")


@pytest.mark.parametrize("path", ["", "/cart", "/orders", "/checkout", "/nowhere"])
def test_no_page_has_english_words(ana: Visitor, path: str) -> None:
    assert english(ana.get(path).text) == {}
    ana.add()
    assert english(ana.get(path).text) == {}


@pytest.mark.parametrize("method", ["pix", "boleto", "card"])
def test_no_order_has_english_words(ana: Visitor, product: Product, method: str) -> None:
    page = ana.buy(method)

    assert page.status_code == 200
    assert english(page.text) == {}
    assert english(ana.get("/orders").text) == {}


def test_no_refused_form_has_english_words(ana: Visitor) -> None:
    assert english(ana.buy("card", email="x", phone="1", document_number="1", card_token="").text) == {}
    assert english(ana.buy("card", installments="99").text) == {}
