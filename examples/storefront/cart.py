"""The cart in the browser's cookie, and what it costs. Amounts in cents."""

from dataclasses import dataclass
from typing import Any

from flask import session

from examples.storefront.catalogue import (
    COUPONS,
    FREE_SHIPPING_FROM_CENTS,
    MOST_OF_ONE,
    PRODUCTS,
    SHIPPING_CENTS,
    Product,
)


@dataclass(frozen=True)
class Cart:
    """`lines`: products, and how many of each. `coupon`: its code; empty if there is none."""

    lines: tuple[tuple[Product, int], ...]
    coupon: str = ""

    @property
    def count(self) -> int:
        """How many things are in the cart."""
        return sum(quantity for _, quantity in self.lines)

    @property
    def products(self) -> int:
        """What the things cost."""
        return sum(product.cents * quantity for product, quantity in self.lines)

    @property
    def discount(self) -> int:
        """What the coupon takes off, rounded down."""
        return self.products * COUPONS.get(self.coupon, 0) // 100

    @property
    def shipping(self) -> int:
        """Nothing for a large order, and nothing for an empty cart."""
        return SHIPPING_CENTS if 0 < self.products - self.discount < FREE_SHIPPING_FROM_CENTS else 0

    @property
    def total(self) -> int:
        """What is to be paid."""
        return self.products - self.discount + self.shipping

    def order(self) -> dict[str, Any]:
        """What the product's POST order takes as `order`."""
        return {
            "products_value": self.products,
            "discount_value": self.discount,
            "shipping_value": self.shipping,
            "products": [order_line(product, quantity) for product, quantity in self.lines],
        }


def order_line(product: Product, quantity: int) -> dict[str, Any]:
    """What the product's routes take as one of an order's products."""
    return {
        "sku": product.sku,
        "name": str(product.name),
        "quantity": quantity,
        "unit_value": product.cents,
        "type": "physical",
    }


def current() -> Cart:
    """The cart of this browser."""
    quantities: dict[str, int] = session.get("cart", {})
    lines = tuple((PRODUCTS[sku], quantity) for sku, quantity in quantities.items() if sku in PRODUCTS)
    return Cart(lines, session.get("coupon", ""))


def put(product: Product, quantity: int) -> None:
    """Sets how many of this product are in the cart, MOST_OF_ONE at most; 0 takes it out."""
    quantities = {**session.get("cart", {}), product.sku: min(quantity, MOST_OF_ONE)}
    session["cart"] = {sku: number for sku, number in quantities.items() if number > 0}


def quantity_of(product: Product) -> int:
    """How many of this product are in the cart."""
    quantities: dict[str, int] = session.get("cart", {})
    return quantities.get(product.sku, 0)


def use_coupon(code: str) -> bool:
    """Takes the coupon and tells whether there is such a one; an empty code takes it away again."""
    code = code.strip().upper()
    if code and code not in COUPONS:
        return False
    session["coupon"] = code
    return True


def empty() -> None:
    """Empties the cart, once it has become an order."""
    session.pop("cart", None)
    session.pop("coupon", None)
