"""Staff who use the keyboard alone, with real key presses."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from installations.models import Installation
from tests.browser.pages import every_page
from tests.support.factories import InstallationFactory, OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

MOST_TABS = 150


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus bears this name."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED_NAME) == name:
            return
    pytest.fail(f"Tab doesn't reach {name!r}")


# Icons are ligatures whose text is hidden from screen readers.
FOCUSED_NAME = """() => {
  const text = (each) => [...each.childNodes].map((node) => node.nodeType === Node.TEXT_NODE ? node.textContent
    : node.ariaHidden === "true" ? "" : text(node)).join("").replace(/\\s+/g, " ").trim();
  const focus = document.activeElement;
  return focus.ariaLabel || text(focus) || focus.title;
}"""


@pytest.fixture
def merchant_page(staff: Callable[..., Page], transactional_db: None) -> Page:
    """The page of a merchant, whose less common actions are in a menu."""
    merchant: Installation = InstallationFactory.create(merchant_client_id="c", merchant_client_secret="s")
    return staff(f"/admin/installations/installation/{merchant.pk}/change/")


def test_the_first_tab_is_a_link_that_skips_the_menu(staff: Callable[..., Page]) -> None:
    page = staff("/admin/orders/order/")

    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Ir para o conteúdo")
    expect(page.locator(":focus")).to_be_in_viewport()
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main-content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_the_menu_of_further_actions_opens_and_its_entries_are_reached(merchant_page: Page) -> None:
    page = merchant_page

    tab_to(page, "Mais")
    expect(page.locator(":focus")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(page.locator("nav:visible a:focus")).to_be_visible()
    address = page.locator(":focus").get_attribute("href")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**{address}")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_escape_closes_it_and_the_focus_returns_to_its_button(merchant_page: Page, key: str) -> None:
    page = merchant_page

    tab_to(page, "Mais")
    page.keyboard.press(key)
    expect(page.locator("nav:visible a:focus")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Mais")).to_be_focused()
    expect(page.get_by_role("button", name="Mais")).to_have_attribute("aria-expanded", "false")


def test_tab_leaves_the_menu_at_its_end_and_closes_it(merchant_page: Page) -> None:
    page = merchant_page
    tab_to(page, "Mais")
    page.keyboard.press("Enter")
    expect(page.locator("nav:visible a:focus")).to_be_visible()

    entries = page.locator("nav:visible a[href*=installation]:not(#nav-sidebar a)").count()
    for _ in range(entries):
        page.keyboard.press("Tab")

    expect(page.get_by_role("button", name="Mais")).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_role("main").locator(":focus")).to_be_visible()


def test_the_user_menu_changes_the_language(staff: Callable[..., Page]) -> None:
    page = staff("/admin/orders/order/")

    tab_to(page, "A ana")
    page.keyboard.press("Enter")
    tab_to(page, "English en")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("Orders")
    assert page.evaluate("location.pathname") == "/admin/orders/order/"


def test_escape_closes_the_filters_and_the_focus_returns(staff: Callable[..., Page]) -> None:
    OrderFactory.create()
    page = staff("/admin/orders/order/")

    tab_to(page, "Filtros")
    page.keyboard.press("Enter")
    expect(page.locator("#changelist-filter")).to_be_visible()
    expect(page.locator("#changelist-filter :focus")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.locator("#changelist-filter")).to_be_hidden()
    expect(page.get_by_role("button", name="Filtros", exact=True)).to_be_focused()


def test_tab_stays_in_the_filters_while_they_cover_the_page(staff: Callable[..., Page]) -> None:
    page = staff("/admin/orders/order/")
    tab_to(page, "Filtros")
    page.keyboard.press("Enter")
    expect(page.locator("#changelist-filter :focus")).to_be_visible()

    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#changelist-filter') !== null")


def test_escape_closes_the_search_and_leaves_the_filters_below_it_open(staff: Callable[..., Page]) -> None:
    page = staff("/admin/orders/order/")
    tab_to(page, "Filtros")
    page.keyboard.press("Enter")
    expect(page.locator("#changelist-filter :focus")).to_be_visible()
    page.evaluate("document.activeElement.blur()")

    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type("zzz")
    page.keyboard.press("Escape")

    expect(page.locator("#search-input-command")).to_be_hidden()
    expect(page.locator("#changelist-filter")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#changelist-filter")).to_be_hidden()


def test_a_phones_menus_open_and_close_by_keyboard_too(staff: Callable[..., Page]) -> None:
    order = OrderFactory.create(status="aprovado")
    page = staff(f"/admin/orders/order/{order.pk}/change/", width=390)

    tab_to(page, "Menu")
    page.keyboard.press("Enter")
    expect(page.locator("#nav-sidebar :focus")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#nav-sidebar")).to_be_hidden()
    assert page.evaluate(FOCUSED_NAME) == "Menu"

    page.locator("#header-inner a[href='#']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#header-inner li a:focus")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#header-inner li a").first).to_be_hidden()
    expect(page.locator("#header-inner a[href='#']")).to_be_focused()


def test_whatever_a_click_does_a_key_does_as_well(staff: Callable[..., Page]) -> None:
    page = staff("/admin/")

    for path in every_page():
        page.goto(path)
        assert page.evaluate(ONLY_BY_CLICK) == [], path


# What reacts to a click, is seen, and can't be focused. The shade around the filters is not a thing to press.
ONLY_BY_CLICK = """() => [...document.querySelectorAll("[x-on\\\\:click], [onclick]")]
  .filter((each) => each.getClientRects().length && each.id !== "changelist-filter-close" && each.tabIndex < 0)
  .map((each) => each.outerHTML.slice(0, 200))"""


def test_what_has_the_focus_is_seen(staff: Callable[..., Page]) -> None:
    order = OrderFactory.create(status="aprovado")
    page = staff(f"/admin/orders/order/{order.pk}/change/")
    unseen: list[Any] = []

    for _ in range(40):
        page.keyboard.press("Tab")
        if not page.evaluate(IS_FOCUS_SEEN):
            unseen.append(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))

    assert unseen == []


IS_FOCUS_SEEN = """() => {
  if (document.activeElement === document.body) return true;  // Tab is on its way round.
  for (let each = document.activeElement; each; each = each.parentElement) {
    const style = getComputedStyle(each);
    if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) return true;
  }
  return false;
}"""
