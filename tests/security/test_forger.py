"""A forger of webhooks: he wants an order to be shown as paid that nobody has paid."""

import json
import subprocess
from typing import Any

import pytest
import requests

from tests.security.conftest import AS_A_PROXY_SAYS
from tests.support.factories import InstallationFactory, OrderFactory
from tests.support.processes import COMMAND, ROOT
from webhooks import urls_to_register

PAID = {"event": "order_paid", "event_type": "order", "data": {"order_id": 4711}}


@pytest.mark.parametrize("secret", ["", "short"])
def test_he_finds_a_production_that_was_started_without_a_good_token(variables: dict[str, str], secret: str) -> None:
    result = subprocess.run(
        COMMAND, cwd=ROOT, env={**variables, "WEBHOOK_SECRET": secret}, capture_output=True, text=True, timeout=30
    )

    assert result.returncode == 1
    assert result.stderr.startswith("configuration error: WEBHOOK_SECRET must be at least 20 random characters")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "query", ["", "?token=", "?token=%00", "?token=loja-1:AAAA", "?TOKEN=the-apps-own-webhook-toke", "?token[]=x"]
)
def test_he_posts_without_knowing_the_token(web: str, query: str) -> None:
    order = OrderFactory.create(appmax_order_id=4711)

    answer = requests.post(f"{web}/webhooks/appmax{query}", json=PAID, headers=AS_A_PROXY_SAYS, timeout=10)

    assert answer.status_code == 403
    order.refresh_from_db()
    assert order.status == "pendente"


def test_he_puts_the_token_into_the_body_a_header_or_a_cookie(web: str, variables: dict[str, str]) -> None:
    token = variables["WEBHOOK_SECRET"]
    headers: dict[str, Any] = AS_A_PROXY_SAYS | {"Authorization": f"Bearer {token}", "Cookie": f"token={token}"}

    body = json.dumps({"token": token, **PAID})

    assert requests.post(f"{web}/webhooks/appmax", body, headers=headers, timeout=10).status_code == 403


def test_he_is_a_merchant_and_posts_to_his_own_url_about_a_competitors_order(
    web: str, variables: dict[str, str], settings: Any
) -> None:
    settings.WEBHOOK_SECRET = [variables["WEBHOOK_SECRET"]]
    order = OrderFactory.create(appmax_order_id=4711)
    his = urls_to_register.of_installation(web, InstallationFactory.create().external_key)

    for envelope in ({}, {"external_key": order.installation.external_key}, {"client_key": "x"}):
        answer = requests.post(his, json=PAID | envelope, headers=AS_A_PROXY_SAYS, timeout=10)
        assert answer.status_code == 200
        order.refresh_from_db()
        assert order.status == "pendente"
