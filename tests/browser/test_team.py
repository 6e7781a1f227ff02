"""A colleague is invited, sets up a second factor, loses the phone and gets in by a recovery code."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Page, expect

from backoffice.models import RoleSettings
from tests.backoffice.test_login import token
from tests.browser.hand import Tasks

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "uma-frase-bem-comprida"


def test_a_colleague_with_support_and_second_factor(
    staff: Callable[..., Page], open_page: Callable[..., Page], tasks: Tasks
) -> None:
    RoleSettings.objects.create(group=Group.objects.get(name="Support"), needs_second_factor=True)
    inviter = staff("/admin/")
    with tasks("a colleague with Support and a second factor", inviter, clicks=4, fields=2) as hand:
        hand.click(inviter.locator("nav >> text=Usuários"))
        hand.click(inviter.locator("text=Convidar um colega"))
        hand.fill(inviter.locator("#id_email"), "maria@loja.example.com")
        hand.fill(inviter.locator("#id_first_name"), "Maria")
        support = str(Group.objects.get(name="Support").pk)
        hand.choose(inviter.locator("#id_role"), support)
        hand.click(inviter.locator("main >> button:has-text('Convidar')"))
        inviter.locator("#new-link").wait_for()
    link = urlsplit(inviter.text_content("#new-link") or "").path

    page = open_page(link)
    page.fill("#id_new_password1", PASSWORD)
    page.fill("#id_new_password2", PASSWORD)
    page.click("text=Salvar a senha")
    expect(page.get_by_text("Sua senha foi criada. Entre como maria@loja.example.com.")).to_be_visible()
    log_in(page)

    page.fill("#id_token", token(TOTPDevice.objects.get(user__first_name="Maria")))
    page.click("button:has-text('Confirmar')")
    codes = str(page.text_content("#recovery-codes")).split()
    assert len(codes) == 10
    page.click("text=Já guardei")
    page.wait_for_url("**/admin/")
    expect(page.get_by_role("link", name="Pedidos").first).to_be_visible()

    lost = open_page("/admin/login/")
    log_in(lost)
    lost.click("text=Usar um código de recuperação")
    lost.fill("#id_code", codes[0])
    lost.click("button:has-text('Confirmar')")
    expect(lost.get_by_text("Restam 9 códigos de recuperação.")).to_be_visible()
    lost.click("text=Configurar outro aplicativo")
    expect(lost.get_by_alt_text("QR code para um aplicativo autenticador")).to_be_visible()
    assert User.objects.get(first_name="Maria").groups.get().name == "Support"

    again = open_page(link)
    expect(again.get_by_text("Este link não funciona mais")).to_be_visible()


def log_in(page: Page) -> None:
    page.fill("#id_username", "maria@loja.example.com")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")


@pytest.mark.parametrize("width", [1280, 390])
def test_who_forgot_the_password_is_told_whom_to_ask(
    open_page: Callable[..., Page], settings: object, width: int
) -> None:
    settings.SUPPORT_EMAIL = "ajuda@loja.example.com"  # type: ignore[attr-defined]
    page = open_page("/admin/login/", width=width)

    page.click(".password-reset-link")

    expect(page.get_by_text("Peça um link a um administrador")).to_be_visible()
    expect(page.get_by_role("link", name="ajuda@loja.example.com")).to_be_visible()
