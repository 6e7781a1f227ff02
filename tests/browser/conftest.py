"""A real browser in front of the live server: an installed Chromium; CI requires one."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, sync_playwright

SCREENSHOTS = Path(__file__).resolve().parents[2] / ".data" / "screenshots"
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
def open_page(browser: Browser, live_server: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Open a page with a language and a width. Whatever happens in it, nothing is fetched from another host, and the
    browser has nothing to complain about. Screenshots go to `.data/screenshots`."""
    faults: list[str] = []
    contexts = []
    count = 0

    def open_(path: str, *, language: str = "pt-BR", width: int = 1280) -> Page:
        context = browser.new_context(
            base_url=live_server.url, locale=language, viewport={"width": width, "height": 900}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda sent: None if sent.url.startswith((live_server.url, "data:")) else faults.append(sent.url),
        )
        page.goto(path)
        return page

    def shoot() -> None:
        nonlocal count
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for context in contexts:
            for page in context.pages:
                count += 1
                page.screenshot(path=SCREENSHOTS / f"{request.node.name}-{count}.png", full_page=True)

    yield open_
    shoot()
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def admin_user(transactional_db: None) -> User:
    """May do all."""
    return User.objects.create_superuser("ana", password="a-long-passphrase")


@pytest.fixture
def staff(open_page: Callable[..., Page], admin_user: User) -> Callable[..., Page]:
    """Open a page of the back office, logged in as she would."""

    def open_(path: str, **options: Any) -> Page:
        page = open_page(f"/admin/login/?next={path}", **options)
        page.fill("#id_username", "ana")
        page.fill("#id_password", "a-long-passphrase")
        page.click("button[type=submit]")
        page.wait_for_url(f"**{path}")
        return page

    return open_
