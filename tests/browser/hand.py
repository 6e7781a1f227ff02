"""A hand that does what support is asked, and counts what that takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.costs import COST, Cost


@dataclass
class Hand:
    """Clicks and types, and counts both. `waited` has for each page that was shown the milliseconds from the start of
    the navigation to the page's load event, as the browser measured them."""

    page: Page
    clicks: int = 0
    fields: int = 0
    waited: dict[float, float] = field(default_factory=dict)

    def click(self, target: Locator) -> None:
        target.wait_for()
        self.look()
        target.click()
        self.clicks += 1

    def choose(self, target: Locator, value: str) -> None:
        """Choosing from a list counts as a click."""
        target.wait_for()
        self.look()
        target.select_option(value)
        self.clicks += 1

    def fill(self, target: Locator, text: str) -> None:
        """Typing counts as a field, with the click into it."""
        target.wait_for()
        self.look()
        target.fill(text)
        self.fields += 1

    def find(self, text: str) -> None:
        """Type into the box that every page has, and press Enter."""
        box = self.page.get_by_role("searchbox", name="Buscar em tudo")
        self.fill(box, text)
        box.press("Enter")

    def sees(self, *texts: str, within: str = "main") -> None:
        """Wait until the page, or a part of it, shows these texts."""
        for text in texts:
            expect(self.page.locator(within).first).to_contain_text(text)
        self.look()

    def arrives(self, path: str) -> None:
        """Wait for the page with this path, whatever its query string."""
        self.page.wait_for_url(f"**{path}**")
        self.look()

    def look(self) -> None:
        """Note how long the page that is shown took, unless it has been noted."""
        self.page.wait_for_load_state()
        began, took = self.page.evaluate(LOADED)
        self.waited.setdefault(began, took)


LOADED = "() => [performance.timeOrigin, performance.getEntriesByType('navigation')[0].loadEventStart]"


class Tasks:
    """Times the tasks of a test, and records what each of them took, for the table at the end of the run."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._record = request.node.user_properties.append

    @contextmanager
    def __call__(self, name: str, page: Page, *, clicks: int = 0, fields: int = 0) -> Iterator[Hand]:
        """A task that begins on the page that is shown. It fails if it takes more clicks or typed fields than that."""
        hand = Hand(page)
        page.wait_for_load_state()
        began, _took = page.evaluate(LOADED)
        hand.waited[began] = 0.0
        yield hand
        hand.look()
        pages = len(hand.waited) - 1
        cost = Cost(name, hand.clicks, hand.fields, pages, round(sum(hand.waited.values())))
        self._record((COST, tuple(cost)))
        assert hand.clicks <= clicks, cost
        assert hand.fields <= fields, cost
