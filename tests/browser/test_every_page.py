"""Every page of the back office, at a desk and on a phone, light and dark."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page

from tests.browser.conftest import picture
from tests.browser.pages import every_page
from tests.support.factories import OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

DESK, PHONE = 1280, 390


@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", PHONE)])
def test_pages_are_accessible_and_do_not_scroll_sideways(staff: Callable[..., Page], theme: str, width: int) -> None:
    """axe-core finds nothing: contrast of 4.5:1, names, landmarks, order of headings. Its run is the slow part, so a
    desk is looked at in the light and a phone in the dark."""
    page = staff("/admin/", color_scheme=theme)
    faults: list[str] = []

    for path in every_page():
        page.goto(path)
        for each in (DESK + PHONE - width, width):
            page.set_viewport_size({"width": each, "height": 900})
            picture(page, f"{theme}-{each}{path.replace('/', '_')}")
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                faults.append(f"{path} scrolls sideways at {each}")
        results = Axe().run(page)
        if results.violations_count:
            faults.append(f"{path} {results.generate_report()}")

    assert not faults, "\n".join(faults)


def test_a_refused_page_is_accessible_as_well(open_page: Callable[..., Page], admin_user: User) -> None:
    order = OrderFactory.create(status="aprovado")
    User.objects.create_user("bia", password="a-long-passphrase", is_staff=True)
    path = f"/admin/orders/order/{order.pk}/change/"
    page = open_page(f"/admin/login/?next={path}", width=PHONE, color_scheme="dark")
    assert Axe().run(page).violations_count == 0

    page.fill("#id_username", "bia")
    page.fill("#id_password", "a-long-passphrase")
    page.click("button[type=submit]")
    page.wait_for_url(f"**{path}")

    assert Axe().run(page).violations_count == 0
    assert page.get_by_role("main").inner_text().startswith("Esta página exige um destes papéis")


def test_a_list_on_a_phone_is_one_compact_card_a_row(staff: Callable[..., Page]) -> None:
    OrderFactory.create_batch(50, status="aprovado", payment_method="credit_card")
    page = staff("/admin/orders/order/", width=PHONE)

    assert page.locator("#result_list tr.data-row").count() == 50
    assert page.evaluate("document.documentElement.scrollHeight") < 7500
    assert page.evaluate(OVERLAPS) == []


# Pairs of cells in one card whose texts lie over each other.
OVERLAPS = """() => [...document.querySelectorAll("#result_list tr.data-row")].flatMap((row) => {
  const boxes = [...row.children].map((cell) => cell.getBoundingClientRect()).filter((box) => box.width);
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
})"""


def test_a_cards_labels_begin_with_a_capital_and_keep_the_rest(staff: Callable[..., Page]) -> None:
    OrderFactory.create()
    page = staff("/admin/orders/order/", width=PHONE)

    labels = page.locator("#result_list td[data-label]").evaluate_all(LABELS)

    assert labels
    assert [label for label, transform in labels if not label[0].isupper() or transform != "none"] == []


LABELS = "cells => cells.map((each) => [each.dataset.label, getComputedStyle(each, '::before').textTransform])"
