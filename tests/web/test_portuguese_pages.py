"""On a Portuguese page for merchants, and on one that says what failed, there is no English."""

import pytest
from django.test import Client, RequestFactory
from django.utils.translation import override

from tests.support.factories import WebhookEventFactory
from tests.support.words import english
from web.codes import Code
from web.pages import error_page
from webhooks.payload import names_by_status

pytestmark = pytest.mark.django_db

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "pt-BR"}
APP_ID = "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11"


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/health", "/webhooks/appmax", "/install/start", "/install/start?app_id=x&external_key=loja"),
        f"/install/start?app_id={APP_ID}&external_key=.",
        *("/integrations/appmax/callback/install", "/integrations/appmax/callback/install?token=x"),
        *("/nowhere", "/admin/login/"),
    ],
)
def test_no_page_has_english_words(client: Client, path: str) -> None:
    page = client.get(path, headers=HTML).content.decode()

    assert '<html lang="pt-br"' in page
    assert english(page) == {}


def test_no_page_that_saw_a_webhook_has_english_words(client: Client) -> None:
    for names in names_by_status().values():
        WebhookEventFactory.create(event=names[0])

    assert english(client.get("/webhooks/appmax", headers=HTML).content.decode()) == {}


@pytest.mark.parametrize("code", Code)
def test_no_error_page_has_english_words(code: Code, rf: RequestFactory) -> None:
    """But for what the service itself says, in the words of the API, which are marked as English."""
    with override("pt-br"):
        for status in code.statuses:
            page = error_page(rf.get("/", headers=HTML), status, str(code.message), {})
            assert english(page.content.decode()) == {}, status
