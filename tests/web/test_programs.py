"""Requests of programs go past what only pages need: sessions, users, forms, policies for browsers."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from installations.models import Installation
from tests.support.factories import InstallationFactory, OrderFactory, api_key

pytestmark = pytest.mark.django_db

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
POLICIES = ("Content-Security-Policy", "Permissions-Policy")


@pytest.fixture
def shop() -> Installation:
    shop: Installation = InstallationFactory.create(external_key="shop")
    OrderFactory.create(installation=shop, appmax_order_id=7)
    return shop


def test_a_status_is_one_question_to_the_database_even_with_somebodys_session(
    client: Client, shop: Installation, django_assert_num_queries: object
) -> None:
    client.force_login(User.objects.create_superuser("ana"))
    key = api_key(shop)
    client.get("/checkout/shop/status/7", headers={"Authorization": f"Api-Key {key}"})  # It notes the key's first use.

    with django_assert_num_queries(1):  # type: ignore[operator]
        answer = client.get("/checkout/shop/status/7", headers={"Authorization": f"Api-Key {key}"})

    assert answer.json() == {"status": "pendente"}
    assert not answer.cookies
    assert not any(policy in answer for policy in POLICIES)


@pytest.mark.parametrize("path", ["/checkout/shop/status/7", "/installations/shop/merchant/token"])
def test_headers_that_any_answer_needs_stay(client: Client, shop: Installation, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 401
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Request-ID"]


@pytest.mark.parametrize(
    "path", ["/", "/webhooks/appmax", "/checkout/shop/status/7", "/integrations/appmax/callback/install"]
)
def test_a_browser_gets_the_policies_wherever_it_goes(client: Client, path: str) -> None:
    answer = client.get(path, headers=BROWSER)

    assert all(answer[policy] for policy in POLICIES)


def test_the_set_up_page_knows_staff_whatever_is_accepted(admin_client: Client) -> None:
    assert admin_client.get("/webhooks/appmax").status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Accept-Language": "pt-BR"}, {**BROWSER, "Accept-Language": "pt-BR"}])
def test_the_api_speaks_english_whatever_is_accepted_and_whoever_was_served_before(
    client: Client, shop: Installation, headers: dict[str, str]
) -> None:
    key = api_key(shop)
    for served_before in ("en", "pt-BR"):
        client.get("/", headers={**BROWSER, "Accept-Language": served_before})

        headers = {**headers, "Authorization": f"Api-Key {key}"}
        answer = client.post("/checkout/shop/order", {"order": {}}, "application/json", headers=headers)

        assert answer.json()["errors"]["customer"] == ["This field is required."]


@pytest.mark.parametrize("path", ["/install/start", "/integrations/appmax/callback/install", "/webhooks/appmax"])
def test_a_route_that_has_a_page_speaks_english_to_programs_and_the_readers_language_on_the_page(
    client: Client, path: str
) -> None:
    in_portuguese = {"Accept-Language": "pt-BR"}

    told = client.put(path, headers=in_portuguese).json()
    page = client.get(path, headers={**BROWSER, **in_portuguese}).content.decode()

    assert told == {"code": "method_not_allowed", "message": 'Method "PUT" not allowed.'}
    assert '<html lang="pt-br">' in page


def test_an_event_is_kept_without_a_look_at_sessions(client: Client, shop: Installation) -> None:
    client.cookies["sessionid"] = "x" * 32
    event = {"event": "order_paid", "event_type": "order", "data": {"order_id": 7}}

    answer = client.post("/webhooks/appmax", event, content_type="application/json")

    assert answer.json() == {"message": "ok"}
    assert not answer.cookies
