"""`make smoke`: plays a merchant, a shopper and a storefront against the running stack, and prints every step."""

import json
import os
import re
import sys
import time
import uuid
from typing import Any

import requests

from dev.run import RUN_FILE, manage

TIMEOUT = 15  # seconds, for each step

ORDER: dict[str, dict[str, Any]] = {
    "customer": {
        "first_name": "Ana",
        "last_name": "Souza",
        "email": "ana.souza@example.com",
        "phone": "11987654321",
        "document_number": "529.982.247-25",
        "ip": "203.0.113.7",
        "address": {
            "postcode": "01310-100",
            "street": "Avenida Paulista",
            "number": "1000",
            "complement": "",
            "district": "Bela Vista",
            "city": "São Paulo",
            "state": "SP",
        },
    },
    "order": {
        "products_value": 12990,
        "discount_value": 1000,
        "shipping_value": 1500,
        "products": [{"sku": "CAM-01", "name": "Camiseta", "quantity": 1, "unit_value": 12990, "type": "physical"}],
    },
}

CARD = {
    "number": "4000000000000010",
    "cvv": "123",
    "expiration_month": "12",
    "expiration_year": "2039",
    "holder_name": "ANA SOUZA",
}


def wallet_tokens() -> dict[str, dict[str, Any]]:
    """Fresh tokens of the shape that Google's and Apple's sheets give a shop's page, by route; nobody's card."""
    number = str(uuid.uuid4())  # A token serves once.
    google = {
        "type": "CARD",
        "info": {"cardNetwork": "VISA", "cardDetails": "1234"},
        "tokenizationData": {"type": "PAYMENT_GATEWAY", "token": json.dumps({"signedMessage": number})},
    }
    apple = {
        "version": "EC_v1",
        "data": "data",
        "signature": "signature",
        "header": {"ephemeralPublicKey": "key", "transactionId": number},
    }
    method = {"displayName": "Visa 1234", "network": "Visa", "type": "credit"}
    return {
        "google-pay": {"payment_data": google},
        "apple-pay": {"payment_data": apple, "payment_method": method, "transaction_identifier": number},
    }


class Smoke:
    """One run. A step that fails ends it, and prints what came instead."""

    def __init__(self) -> None:
        if not RUN_FILE.exists():
            sys.exit("nothing runs: start `make run` first")
        run = json.loads(RUN_FILE.read_text())
        self.app: str = run["app_url"]
        self.public_url: str = run["public_url"]
        self.env: dict[str, str] = run["env"]
        if "SIMULATOR_SEED" not in self.env:
            sys.exit("smoke pays as the simulator's shopper, and this stack runs against another Appmax")
        self.appmax = self.env["APPMAX_API_URL"]
        self.http = requests.Session()
        self.number = 0

    def step(self, what: str, method: str, url: str, *, expect: int = 200, **request: Any) -> requests.Response:
        """Send a request and print it. Exits unless the answer has the status `expect`."""
        self.number += 1
        try:
            answer = self.http.request(method, url, timeout=TIMEOUT, allow_redirects=False, **request)
        except requests.RequestException as error:
            sys.exit(f"FAILED at step {self.number} ({what}): {method} {url}: {error}")
        shown = answer.headers.get("Location") or answer.text.strip()
        if "text/html" in answer.headers.get("Content-Type", "") and "Location" not in answer.headers:
            shown = "page: " + " ".join(re.findall(r"<h1>(.*?)</h1>", answer.text))
        shown = re.sub(r'("(?:merchant_bearer_token|merchant_client_secret)":\s*")[^"]*', r"\1••••", shown)
        print(f"{self.number:2}. {what}\n    {method} {answer.url}\n    {answer.status_code} {shown[:220]}", flush=True)
        if answer.status_code != expect:
            sys.exit(f"FAILED at step {self.number} ({what}): expected {expect}, got {answer.status_code}")
        return answer

    def run(self) -> None:
        """Install the app, sell, pay, and receive the webhooks."""
        started = time.monotonic()
        key = str(uuid.uuid4())
        self.step("the service is up", "GET", f"{self.app}/health")

        query = {"app_id": self.env["APPMAX_APP_ID_UUID"], "external_key": key}
        page = self.step("a merchant installs", "GET", f"{self.app}/install/start", params=query, expect=302)
        integration = page.headers["Location"]
        if not integration.startswith(f"{self.appmax}/appstore/integration/"):
            sys.exit(f"FAILED at step {self.number}: {integration} is not the simulated Appmax's page")
        self.step("Appmax asks the merchant", "GET", integration)
        back = self.step("the merchant presses Salvar", "POST", integration, expect=302).headers["Location"]
        if not back.startswith(f"{self.public_url}/"):
            sys.exit(f"FAILED at step {self.number}: {back} is not below {self.public_url}, which make run has printed")
        self.step("and comes back, installed", "GET", back)

        api_key = manage(os.environ | self.env, "create_api_key", "--installation", key, "--name", "smoke")
        print(f"    an API key was made: {api_key[:8]}.••••", flush=True)
        self.step("without a key nothing is told", "GET", f"{self.app}/installations/{key}/merchant/token", expect=401)
        self.http.headers["Authorization"] = f"Api-Key {api_key}"
        self.step("the storefront's server has its token", "GET", f"{self.app}/installations/{key}/merchant/token")

        checkout = f"{self.app}/checkout/{key}"
        order = self.step("an order", "POST", f"{checkout}/order", json=ORDER).json()
        pix = {"order_id": order["order_id"], "document_number": "52998224725"}
        self.step("its Pix", "POST", f"{checkout}/pay/pix", json=pix)
        status = f"{checkout}/status/{order['order_id']}"
        self.expect_status(self.step("nobody has paid yet", "GET", status), "pendente")

        paid = time.monotonic()
        pay = f"{self.appmax}/simulator/api/orders/{order['order_id']}/pay"
        self.step("the shopper pays at the bank", "POST", pay)
        while self.http.get(status, timeout=TIMEOUT).json() != {"status": "aprovado"}:
            if time.monotonic() > paid + TIMEOUT:
                sys.exit(f"FAILED after step {self.number}: the order is not aprovado {TIMEOUT} s after its payment")
            time.sleep(0.05)
        told = time.monotonic() - paid
        self.expect_status(self.step("Appmax's webhook has marked it paid", "GET", status), "aprovado")

        card = ORDER | {"payment": CARD}
        once = {"Idempotency-Key": str(uuid.uuid4())}
        first = self.step("another order, paid by card", "POST", f"{checkout}/pay/credit-card", json=card, headers=once)
        again = self.step("the same request again", "POST", f"{checkout}/pay/credit-card", json=card, headers=once)
        if again.json() != first.json() or again.headers.get("Idempotent-Replayed") != "true":
            sys.exit(f"FAILED at step {self.number}: the first answer was not given again")
        order_id = first.json()["order_id"]
        self.expect_one_charge(order_id)
        for wallet, token in wallet_tokens().items():
            bought = ORDER | {"payment": {"holder_document_number": "52998224725", **token}}
            paid_by = self.step(f"another, paid by {wallet}", "POST", f"{checkout}/pay/{wallet}", json=bought).json()
            self.expect_one_charge(paid_by["order_id"])
            self.expect_status(
                self.step("which is paid", "GET", f"{checkout}/status/{paid_by['order_id']}"), "aprovado"
            )
        refund = {"order_id": order_id, "type": "total"}
        self.step("the card's refund", "POST", f"{checkout}/refund", json=refund)
        total = time.monotonic() - started
        print(f"\nSMOKE PASSED: status aprovado {told:.2f} s after the payment, {total:.1f} s in all")

    def simulated_orders(self) -> list[dict[str, Any]]:
        """The orders as the simulated Appmax has them."""
        return list(self.http.get(f"{self.appmax}/simulator/api/orders", timeout=TIMEOUT).json())

    def expect_one_charge(self, order_id: int) -> None:
        """Exits unless the simulated Appmax has charged this order once."""
        charges = [order["charges"] for order in self.simulated_orders() if order["id"] == order_id]
        if charges != [1]:
            sys.exit(f"FAILED at step {self.number}: the card was charged {charges} times, not once")

    def expect_status(self, answer: requests.Response, status: str) -> None:
        """Exits unless the order has this status."""
        if answer.json() != {"status": status}:
            sys.exit(f"FAILED at step {self.number}: expected the status {status}")


if __name__ == "__main__":
    smoke = Smoke()
    try:
        smoke.run()
    except (requests.RequestException, LookupError) as error:  # An answer can't be read, or lacks a field.
        sys.exit(f"FAILED after step {smoke.number}: {type(error).__name__}: {error}")
