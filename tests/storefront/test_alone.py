"""The shop as its readers start it: with `flask run`, and settings from the environment."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from dev import services
from tests.storefront.visitor import TIMEOUT, Product, Visitor

ROOT = Path(__file__).resolve().parents[2]


def test_its_settings_come_from_the_environment(product: Product, tmp_path: Path) -> None:
    port = str(services.free_port())
    settings = {"STOREFRONT_APP_URL": product.url, "STOREFRONT_API_KEY": "key-of-the-environment"}
    command = [sys.executable, "-m", "flask", "--app", "examples.storefront.app", "run", "--port", port]
    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=output, stderr=output) as process,
    ):
        wait_for(f"http://127.0.0.1:{port}/health")
        page = Visitor(f"http://127.0.0.1:{port}").buy("pix")
        process.terminate()

    assert "00020126" in page.text
    assert {asked.headers["Authorization"] for asked in product.asked} == {"Api-Key key-of-the-environment"}
    assert "key-of-the-environment" not in log.read_text()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            assert requests.get(url, timeout=TIMEOUT).json() == {"status": "ok"}
            return
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                pytest.fail("the shop did not start")
        time.sleep(0.05)
