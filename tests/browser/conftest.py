"""A real browser in front of the live server: an installed Chromium; CI requires one."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, sync_playwright

from simulator.server import SimulatorServer
from tests.browser.hand import Tasks

PASSWORD = "a-long-passphrase"
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")  # a folder that gets a picture of each page
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, once for the tests of a module. Playwright keeps an event loop in this thread meanwhile, and Django
    takes that for asynchronous code unless it is told otherwise."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs Chromium: apt-get install chromium")
        pytest.skip("no Chromium is installed")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def origins(live_server: Any) -> list[str]:
    """Where a page may fetch from: from us, and from what a test adds."""
    return [live_server.url, "data:"]


@pytest.fixture
def open_page(
    browser: Browser, live_server: Any, origins: list[str], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Page]]:
    """Open a page with a language and a width, with or without JavaScript. Whatever happens in it, nothing is fetched
    from another host, and the browser has nothing to complain about."""
    faults: list[str] = []
    contexts = []
    count = 0

    def open_(path: str, *, language: str = "pt-BR", width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(
            base_url=live_server.url, locale=language, viewport={"width": width, "height": 900}, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda sent: None if sent.url.startswith(tuple(origins)) else faults.append(sent.url),
        )
        page.on("response", lambda answer: faults.append(answer.url) if is_missing(answer) else None)
        page.goto(path)
        return page

    def shoot() -> None:
        nonlocal count
        for context in contexts:
            for page in context.pages:
                count += 1
                picture(page, f"{request.node.name}-{count}")

    yield open_
    shoot()
    for context in contexts:
        context.close()
    assert faults == []


def is_fault(message: ConsoleMessage) -> bool:
    """An error in a script or against the page's policy; `is_missing` tells of answers."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


def is_missing(answer: Response) -> bool:
    """A script, style or picture that didn't come. A page may be an error on purpose."""
    return answer.status >= 400 and not answer.request.is_navigation_request()


def picture(page: Page, name: str) -> None:
    """The whole page as `{name}.png`, where pictures are wanted: each takes a quarter of a second."""
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


@pytest.fixture
def appmax(simulator: SimulatorServer, live_server: Any, origins: list[str], settings: Any) -> SimulatorServer:
    """A simulated Appmax that posts its webhooks to the live server, and that the browser may visit."""
    origins.append(simulator.url)
    settings.PUBLIC_URL = live_server.url
    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {**policy, "form-action": ["'self'", simulator.url]}}
    simulator.state.webhook_url = f"{live_server.url}/webhooks/appmax"
    return simulator


@pytest.fixture
def admin_user(transactional_db: None) -> User:
    """May do all."""
    return User.objects.create_superuser("ana", password=PASSWORD)


@pytest.fixture
def staff(open_page: Callable[..., Page], admin_user: User) -> Callable[..., Page]:
    """Open a page of the back office, logged in as she would."""

    def open_(path: str, **options: Any) -> Page:
        return log_in(open_page, "ana", path, **options)

    return open_


@pytest.fixture
def overview(open_page: Callable[..., Page], transactional_db: None) -> Callable[..., Page]:
    """Open the overview as somebody who has this role, and who is called like it."""

    def open_(role: str, **options: Any) -> Page:
        user = User.objects.create_user(role.lower(), password=PASSWORD, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        return log_in(open_page, user.username, "/admin/", **options)

    return open_


@pytest.fixture
def tasks(request: pytest.FixtureRequest) -> Tasks:
    """Counts what tasks take."""
    return Tasks(request)


def slow_down(page: Page) -> None:
    """Have every answer, of a script too, come a second late."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 1000, "downloadThroughput": -1, "uploadThroughput": -1}
    line.send("Network.emulateNetworkConditions", slow)


def click_twice(page: Page, button: Locator) -> None:
    """Click the button that sends a form, and once more while the answer is on its way."""
    box = button.bounding_box()
    assert box
    with page.expect_request(lambda sent: sent.method == "POST"):
        page.mouse.click(box["x"] + 9, box["y"] + 9)
    page.mouse.click(box["x"] + 9, box["y"] + 9)


def log_in(open_page: Callable[..., Page], name: str, path: str, **options: Any) -> Page:
    """Type name and password, and come to the page that was wanted."""
    page = open_page(f"/admin/login/?next={path}", **options)
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"**{path}")
    return page
