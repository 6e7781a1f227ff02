"""What an order keeps of its shopper, and the codes that it is found by."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from dev.smoke import ORDER
from installations.models import Installation
from orders.hashes import Kind
from orders.models import Order, OrderCode, PaymentAttempt, Refund, Shopper
from orders.models.shopper import folded
from orders.questions import ask
from simulator.server import SimulatorServer
from tests.orders.conftest import CPF, by_card, by_pix, ordered, post
from tests.support.factories import InstallationFactory, OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

DIGITS = "52998224725"


def ana(installation: Installation, customer_id: int = 7, **changes: str) -> Shopper:
    """Ana, as a storefront told of her."""
    facts: Any = {"name": "Ana Conceição de Souza", "email": "Ana.Souza@Example.com", "document": DIGITS, **changes}
    Shopper.objects.put([Shopper.of(installation.pk, customer_id, **facts)], replaces=True)
    return Shopper.objects.get(installation=installation, appmax_customer_id=customer_id)


def stored() -> str:
    """Everything that the two tables hold, as PostgreSQL shows it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT s::text FROM shoppers s UNION ALL SELECT c::text FROM order_codes c")
        return "\n".join(row[0] for row in cursor.fetchall())


def test_a_new_order_keeps_its_shopper(store: Client) -> None:
    number = ordered(store)

    order = Order.objects.get(appmax_order_id=number)
    who = ORDER["customer"]
    shopper = Shopper.objects.get(installation=order.installation, appmax_customer_id=order.appmax_customer_id)
    assert shopper.name == f"{who['first_name']} {who['last_name']}"
    assert shopper.email == who["email"]
    assert shopper.email_shown == f"{who['email'][0]}•••@{who['email'].partition('@')[2]}"


def test_the_longest_e_mail_that_may_be_sent_stops_no_order(store: Client) -> None:
    email = "a@" + ".".join(["x" * 62] * 4)[:249] + ".com"
    assert len(email) == 255

    answer = post(store, "order", {**ORDER, "customer": {**ORDER["customer"], "email": email}})

    assert answer.status_code == 200, answer.content
    assert Shopper.objects.get().email == email


def test_the_table_shows_neither_e_mail_nor_document_nor_codes(store: Client) -> None:
    number = ordered(store)
    emv = post(store, "pay/pix", by_pix(number)).json()["emv"]
    post(store, "tracking", {"order_id": number, "shipping_tracking_code": "AA123456785BR"})

    text = stored()
    assert Shopper.objects.get().name in text
    for secret in (ORDER["customer"]["email"], DIGITS, emv, "AA123456785BR"):
        assert secret not in text


@pytest.mark.parametrize("text", ["ana.souza@example.com", " ANA.SOUZA@EXAMPLE.COM "])
def test_an_e_mail_finds_its_shopper_however_it_is_written(text: str) -> None:
    shopper = ana(InstallationFactory.create())

    assert list(Shopper.objects.with_email(text)) == [shopper]
    assert not Shopper.objects.with_email("ana.souza@example.org").exists()


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (DIGITS, CPF),
        (DIGITS, " 529982247 25"),
        ("12ABC34501DE35", "12.abc.345/01de-35"),  # the new CNPJ with letters: the Receita Federal's own example
    ],
)
def test_a_document_finds_its_shopper_with_or_without_punctuation(document: str, text: str) -> None:
    shopper = ana(InstallationFactory.create(), document=document)

    assert list(Shopper.objects.with_document(text)) == [shopper]


@pytest.mark.parametrize("text", ["ana", "conceicao", "SOUZA ana", "Ána Conc", "souz, an"])
def test_a_name_is_found_by_beginnings_of_its_words(text: str) -> None:
    shopper = ana(InstallationFactory.create())

    assert list(Shopper.objects.named(text, in_part=True)) == [shopper]


def test_whole_words_find_no_longer_ones() -> None:
    shop = InstallationFactory.create()
    shopper, _longer = ana(shop, 7, name="Ana Lima"), ana(shop, 8, name="Anabela Limão")

    assert list(Shopper.objects.named("lima ana")) == [shopper]
    assert Shopper.objects.named("lima ana", in_part=True).count() == 2


@pytest.mark.parametrize("text", ["", " ", "'", "!|&", "ana maria", "eição", "ana' | 'eva"])
def test_other_texts_find_no_name(text: str) -> None:
    ana(InstallationFactory.create())

    assert list(Shopper.objects.named(text, in_part=True)) == []


def test_a_name_is_folded_to_plain_words() -> None:
    assert folded("  João D'Ávila_Neto ") == "joao d avila neto"


def test_two_orders_of_one_new_shopper_at_once_keep_one_row(store: Client, race: Callable[..., list[Any]]) -> None:
    answers = race(lambda _number: post(store, "order", ORDER).status_code, 6)

    assert answers == [200] * 6
    assert Order.objects.count() == 6
    assert Shopper.objects.count() == 1


def test_a_later_order_replaces_what_it_says_and_keeps_what_it_leaves_out() -> None:
    shop = InstallationFactory.create()
    ana(shop)

    shopper = ana(shop, name="Ana Lima", document="")

    assert (shopper.name, shopper.document, shopper.document_shown) == ("Ana Lima", DIGITS, "•••25")
    assert list(Shopper.objects.named("lima")) == [shopper]
    assert not Shopper.objects.named("souza").exists()


def test_the_same_customer_id_of_another_merchant_is_another_shopper() -> None:
    first, second = ana(InstallationFactory.create()), ana(InstallationFactory.create(), email="eva@example.com")

    assert first.pk != second.pk
    assert list(Shopper.objects.with_email("eva@example.com")) == [second]


def test_what_postgresql_cannot_store_is_left_out() -> None:
    shopper = ana(InstallationFactory.create(), name="A\0na \ud800Lima", email="a\0@example.com")

    assert (shopper.name, shopper.email) == ("Ana Lima", "a@example.com")


def test_a_pix_is_found_by_its_code_and_by_the_payer(store: Client) -> None:
    number = ordered(store)
    emv = post(store, "pay/pix", by_pix(number)).json()["emv"]

    order = Order.objects.get(appmax_order_id=number)
    for text in (emv, emv.replace(" ", ""), f" {emv} ", CPF):
        assert {code.order_id for code in OrderCode.objects.matching(text)} == {order.pk}, text


def test_a_boleto_is_found_by_its_line_with_or_without_dots_and_by_the_payer(store: Client) -> None:
    number = ordered(store)
    line = post(store, "pay/boleto", by_pix(number)).json()["digitavel"]
    digits = "".join(filter(str.isdigit, line))
    dotted = (
        f"{digits[:5]}.{digits[5:10]} {digits[10:15]}.{digits[15:21]} {digits[21:26]}.{digits[26:32]} {digits[32:]}"
    )

    for text in (digits, dotted, CPF):
        assert OrderCode.objects.matching(text).get().order.appmax_order_id == number


def test_a_code_that_was_replaced_still_finds_its_order() -> None:
    order = OrderFactory.create(pix_emv="first")
    OrderCode.objects.put(order, pix="first")
    order.forget_codes("pix")
    OrderCode.objects.put(order, pix="second")

    assert {OrderCode.objects.matching(text).get().order for text in ("first", "second")} == {order}


def test_a_tracking_code_is_kept_once(store: Client) -> None:
    number = ordered(store)
    for _ in range(2):
        answer = post(store, "tracking", {"order_id": number, "shipping_tracking_code": "AA123456785BR"})
        assert answer.status_code == 200

    assert OrderCode.objects.matching("aa 123 456 785 br").get().order.appmax_order_id == number


@pytest.mark.parametrize(("method", "code"), [("pix", "pix_emv"), ("boleto", "boleto_digitavel")])
def test_an_adopted_order_has_its_codes_and_knows_its_shopper(
    store: Client, shop: Installation, simulator: SimulatorServer, method: str, code: str
) -> None:
    number = ordered(store)
    post(store, f"pay/{method}", by_pix(number))
    columns = ("appmax_customer_id", "payment_method", "total_cents", code)
    before = Order.objects.values(*columns).get()
    for model in (OrderCode, PaymentAttempt, Order):
        model.objects.all().delete()
    customer_id = before["appmax_customer_id"]
    stale = Shopper.of(shop.pk, customer_id, name="Rui Lima", email="rui@example.com", document="111.444.777-35")
    Shopper.objects.put([stale], replaces=True)

    ask.adopt(shop, number)

    assert Order.objects.values(*columns).get() == before
    assert OrderCode.objects.matching(before[code]).get().order.appmax_order_id == number
    customer = ORDER["customer"]
    for found in (
        Shopper.objects.with_email(customer["email"]),
        Shopper.objects.with_document(customer["document_number"]),
        Shopper.objects.named(f"{customer['first_name']} {customer['last_name']}"),
    ):
        assert found.get().appmax_customer_id == customer_id


def test_rows_carry_the_id_of_the_request_that_made_them(store: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1

    def ask_as(request_id: str, path: str, body: Any) -> Any:
        return store.post(
            f"/checkout/shop/{path}", body, content_type="application/json", headers={"X-Request-ID": request_id}
        )

    number = ask_as("of-order", "order", ORDER).json()["order_id"]
    answer = ask_as("of-payment", "pay/credit-card", by_card(number))
    ask_as("of-refund", "refund", {"order_id": number, "type": "partial", "value": 100})

    assert answer["X-Request-ID"] == "of-payment"
    assert Order.objects.get().request_id == "of-order"
    assert PaymentAttempt.objects.get().request_id == "of-payment"
    assert Refund.objects.get().request_id == "of-refund"


# --- keys ------------------------------------------------------------------------------------------------------------


def rotated() -> str:
    out = io.StringIO()
    call_command("rotate_shoppers", stdout=out)
    return out.getvalue()


def test_while_a_key_is_replaced_both_find(settings: Any) -> None:
    settings.SEARCH_HASH_KEYS = ["old"]
    order = OrderFactory.create()
    old = ana(order.installation, 7)
    OrderCode.objects.put(order, tracking="AA1")

    settings.SEARCH_HASH_KEYS = ["new", "old"]
    new = ana(order.installation, 8)

    assert set(Shopper.objects.with_email("ana.souza@example.com")) == {old, new}
    assert OrderCode.objects.matching("AA1").get().order == order


def test_after_the_rotation_the_old_keys_may_go(settings: Any) -> None:
    settings.SEARCH_HASH_KEYS = ["old"]
    order = OrderFactory.create()
    shopper = ana(order.installation)
    OrderCode.objects.put(order, tracking="AA1", payer=DIGITS)
    encryption = Fernet.generate_key().decode()

    settings.SEARCH_HASH_KEYS = ["new", "old"]
    settings.FIELD_ENCRYPTION_KEYS = [encryption, *settings.FIELD_ENCRYPTION_KEYS]
    assert "3 rows" in rotated()
    assert "0 rows" in rotated()
    call_command("rotate_secrets", stdout=io.StringIO())
    settings.SEARCH_HASH_KEYS = ["new"]
    settings.FIELD_ENCRYPTION_KEYS = [encryption]

    assert list(Shopper.objects.with_email(shopper.email or "")) == [shopper]
    assert list(Shopper.objects.with_document(CPF)) == [shopper]
    assert {OrderCode.objects.matching(text).get().code for text in ("AA1", CPF)} == {"AA1", DIGITS}
    shopper.refresh_from_db()
    assert shopper.document == DIGITS


def test_rows_that_no_key_opens_are_named(settings: Any) -> None:
    shopper = ana(InstallationFactory.create())
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CommandError, match=f"shoppers {shopper.pk}"):
        rotated()


def test_equal_texts_of_two_kinds_have_two_hashes() -> None:
    from orders import hashes

    assert hashes.of(Kind.CODE, DIGITS) != hashes.of(Kind.DOCUMENT, DIGITS)


# --- plans -----------------------------------------------------------------------------------------------------------


def test_each_look_up_uses_its_index() -> None:
    shop = InstallationFactory.create()
    Shopper.objects.bulk_create(
        Shopper.of(shop.pk, number, name=f"Nome{number} Souza", email=f"{number}@example.com", document=f"{number:011}")
        for number in range(1, 3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE shoppers")
    for rows, index in (
        (Shopper.objects.with_email("5@example.com"), "shoppers_email"),
        (Shopper.objects.with_document("00000000005"), "shoppers_document"),
        (Shopper.objects.named("nome77 souza"), "shoppers_name"),
        (Shopper.objects.named("nome77 sou", in_part=True), "shoppers_name"),
    ):
        plan = rows.explain()
        assert index in plan, plan
        assert "Seq Scan" not in plan, plan
