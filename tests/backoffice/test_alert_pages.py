"""What staff see and do of alert rules and alerts."""

import html
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from backoffice.alerts import send
from backoffice.alerts.kinds import KINDS
from backoffice.alerts.models import Alert, AlertRule
from tests.backoffice.conftest import history_of, messages_of, on, url
from tests.support.factories import InstallationFactory
from tests.support.mail_server import receiving

pytestmark = pytest.mark.django_db

CHAT = "https://hooks.slack.com/services/T00000000/B00000000/secret"


def added(client: Client, kind: str, **values: Any) -> Any:
    threshold = KINDS[kind].threshold
    body: dict[str, Any] = {"recipients": "ana@example.com", "language": "pt-br", **values}
    if threshold:
        body.setdefault("threshold", threshold.default)
    return client.post(f"{url(AlertRule, 'add')}?kind={kind}", body, follow=True)


def test_the_kinds_are_chosen_first_and_each_is_said_in_a_sentence(eva: Client) -> None:
    page = eva.get(url(AlertRule, "add")).content.decode()

    for kind in KINDS.values():
        assert f'href="?kind={kind.name}"' in page
        assert str(kind.explained).replace("'", "&#x27;") in page
    assert eva.get(url(AlertRule, "add"), {"kind": "nonsense"}).status_code == 200


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_each_kind_has_a_form_with_its_own_question(eva: Client, kind: Any) -> None:
    form = eva.get(url(AlertRule, "add"), {"kind": kind.name}).context["adminform"].form

    assert ("threshold" in form.fields) == (kind.threshold is not None)
    assert ("installation" in form.fields) == kind.of_merchants
    if kind.threshold:
        assert form.fields["threshold"].label == kind.threshold.label
    assert added(eva, kind.name).status_code == 200
    made = AlertRule.objects.get()
    assert (made.kind, made.threshold) == (kind.name, kind.threshold and kind.threshold.default)
    assert made.recipients == ["ana@example.com"]


def test_a_rule_is_made_for_a_merchant_and_its_list_says_what_it_tells_whom(eva: Client) -> None:
    merchant = InstallationFactory.create(name="Loja do João")
    added(eva, "doubt", installation=merchant.pk, recipients="ana@example.com\n eva@example.com, ana@example.com",
          new_chat_url=CHAT)  # fmt: skip

    page = eva.get(url(AlertRule)).content.decode()

    assert "A payment stays in doubt (for 60 minutes)" in page
    assert "Loja do João" in page
    assert "2 e-mail addresses, hooks.slack.com" in page
    assert history_of(AlertRule.objects.get()) == ["Made"]


def test_the_chats_url_is_encrypted_and_never_shown_again(eva: Client) -> None:
    added(eva, "refused", recipients="", new_chat_url=CHAT)
    rule = AlertRule.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT chat_url FROM alert_rules")
        (stored,) = cursor.fetchone()
    assert rule.chat_url == CHAT
    assert "slack" not in stored
    for address in (url(AlertRule), on(rule), f"{on(rule).removesuffix('change/')}history/"):
        page = eva.get(address).content.decode()
        assert "T00000000" not in page
    assert "hooks.slack.com" in eva.get(on(rule)).content.decode()

    eva.post(on(rule), {"recipients": "ana@example.com", "language": "en", "new_chat_url": ""})
    rule.refresh_from_db()
    assert (rule.chat_url, rule.language) == (CHAT, "en")
    eva.post(on(rule), {"recipients": "ana@example.com", "language": "en", "no_chat": "on"})
    rule.refresh_from_db()
    assert (rule.chat_url, rule.chat_host) == ("", "")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"recipients": ""}, "Somebody has to be told"),
        ({"recipients": "ana@example"}, "is no e-mail address"),
        ({"recipients": " ".join(f"a{n}@example.com" for n in range(21))}, "At most 20 addresses"),
        ({"new_chat_url": "https://169.254.169.254/latest"}, "an address that is not public"),
        ({"new_chat_url": "http://hooks.example.com/a"}, "must begin with https://"),
        ({"threshold": "4"}, "greater than or equal to 5"),
        ({"threshold": ""}, "required"),
        ({"threshold": "99999999999999999999"}, "less than or equal to"),
        ({"language": "de"}, "not one of the available choices"),
        ({"installation": "999999"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_rule_is_refused_with_a_reason(eva: Client, values: dict[str, str], error: str) -> None:
    page = added(eva, "doubt", **values)

    assert error in page.content.decode()
    assert not AlertRule.objects.exists()


def test_a_test_is_sent_to_everybody_by_the_worker(eva: Client, settings: Any) -> None:
    added(eva, "refused", recipients="ana@example.com eva@example.com", language="en")
    rule = AlertRule.objects.get()
    assert eva.get(on(rule, "test")).status_code == 200
    assert not Alert.objects.exists()

    answer = eva.post(on(rule, "test"), follow=True)

    assert "The test is on its way" in messages_of(answer)
    assert ProcrastinateJob.objects.get().task_name == "backoffice.alert"
    with receiving(settings) as mail_server:
        send.send_due()
    assert mail_server.recipients == [["ana@example.com"], ["eva@example.com"]]
    expected = "This is a test. Whoever reads it is told of: Appmax refuses a merchant's credentials."
    assert expected in mail_server.mails[0].get_content()
    page = eva.get(answer.request["PATH_INFO"], {"rule__id__exact": rule.pk}).content.decode()
    assert page.count("This is a test.") == 2
    assert "ana@example.com" in page
    assert history_of(rule) == ["Made", "Sent a test"]


def test_a_rule_is_switched_off_and_on_and_deleted_and_its_alerts_stay(eva: Client) -> None:
    added(eva, "refused")
    rule = AlertRule.objects.get()
    Alert.objects.create(rule=rule, kind=rule.kind, recipient="ana@example.com", subject="x", text="Told.", path="/")
    before = rule.since

    eva.post(on(rule, "switch-off"))
    rule.refresh_from_db()
    assert not rule.enabled
    eva.post(on(rule, "switch-on"))
    rule.refresh_from_db()
    assert rule.enabled
    assert rule.since > before
    eva.post(on(rule, "delete-rule"))

    assert not AlertRule.objects.exists()
    assert "Told." in eva.get(url(Alert)).content.decode()
    assert eva.get(on(Alert.objects.get())).status_code == 200


@pytest.mark.parametrize("role", ["Support", "Finance"])
def test_only_administrators_manage_rules_and_everybody_sees_them(staff: Callable[..., Client], role: str) -> None:
    added(staff("Administrator", name="eva"), "refused", new_chat_url=CHAT)
    rule = AlertRule.objects.get()
    ana = staff(role)

    assert ana.get(url(AlertRule)).status_code == 200
    assert ana.get(url(Alert)).status_code == 200
    assert "ana@example.com" not in ana.get(on(rule)).content.decode()
    for address in (url(AlertRule, "add"), *(on(rule, name) for name in ("test", "switch-off", "delete-rule"))):
        assert ana.get(address).status_code == 403
        assert ana.post(address).status_code == 403
    assert ana.post(on(rule), {"recipients": "eve@example.com"}).status_code == 403
    rule.refresh_from_db()
    assert rule.recipients == ["ana@example.com"]


@pytest.mark.parametrize(
    ("why", "error", "words"),
    [
        ("not_set_up", "", "Não há servidor de e-mail configurado (EMAIL_HOST)."),
        ("sender_refused", "SMTPSenderRefused 553", "nosso remetente (EMAIL_FROM). (SMTPSenderRefused 553)"),
        ("chat_refused", "HTTP 404 no_service", "O chat recusou a mensagem. (HTTP 404 no_service)"),
        (
            "url_not_allowed",
            "the URL leads to an address that is not public",
            "A URL do chat não é mais permitida. (a URL leva a um endereço que não é público)",
        ),
        ("", "SMTPDataError 550", "SMTPDataError 550"),  # from before the column
    ],
)
def test_why_an_alert_was_not_sent_is_said_in_words(
    staff: Callable[..., Client], why: str, error: str, words: str
) -> None:
    alert = Alert.objects.create(
        kind="refused", subject="test", text="x", state="failed", why_not_sent=why, error=error
    )

    page = staff("Administrator", language="pt-br").get(on(alert)).content.decode()

    assert words in html.unescape(page)


def test_the_pages_are_in_portuguese(staff: Callable[..., Client]) -> None:
    ana = staff("Administrator", language="pt-br")
    page = ana.get(reverse("admin:backoffice_alertrule_add"), {"kind": "silence"}).content.decode()

    assert "Os webhooks de um lojista pararam de chegar" in page
    assert "Webhooks que faltam" in page
    assert "Um endereço por linha" in page
