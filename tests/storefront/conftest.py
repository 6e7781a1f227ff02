"""The demo shop on a free port, and a stand-in for the product behind it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from tests.storefront.server import serving
from tests.storefront.visitor import Product, Visitor


@pytest.fixture
def open_storefront() -> Iterator[Callable[..., str]]:
    """Starts a shop with these settings, which ends with the test; its origin."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serving(**settings))


@pytest.fixture
def product() -> Iterator[Product]:
    product = Product()
    yield product
    product.stop()


@pytest.fixture
def visit(open_storefront: Callable[..., str], product: Product) -> Callable[..., Visitor]:
    """Opens the shop that is connected to the stand-in, in a browser of its own."""
    return partial(Visitor, open_storefront(APP_URL=product.url, API_KEY="stand-in-key"))


@pytest.fixture
def browser(visit: Callable[..., Visitor]) -> Visitor:
    return visit()
