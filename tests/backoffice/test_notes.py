"""Notes of staff on orders and merchants: who writes, who reads, who deletes."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from backoffice.models import Note
from installations.models import Installation
from orders.models import Order
from tests.backoffice.conftest import history_of, on
from tests.support.factories import InstallationFactory, OrderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(staff: Callable[..., Client]) -> Client:
    """Works in support."""
    return staff("Support")


@pytest.fixture
def order() -> Order:
    made: Order = OrderFactory.create()
    return made


def write(client: Client, row: Any, text: str, once: Any = None) -> Any:
    """Send the form of the row's page."""
    return client.post(on(row, "notes"), {"note-text": text, "note-once": once or uuid.uuid4()})


@pytest.mark.parametrize("factory", [OrderFactory, InstallationFactory])
def test_a_note_is_on_the_page_with_its_author(ana: Client, factory: Any) -> None:
    row = factory.create()

    answer = write(ana, row, "Cliente ligou.\nVai pagar amanhã.")

    assert (answer.status_code, answer["Location"]) == (302, on(row))
    [note] = Note.objects.all()
    assert (note.text, note.author.username) == ("Cliente ligou.\nVai pagar amanhã.", "ana")
    page = ana.get(on(row)).content.decode()
    assert "Cliente ligou." in page
    assert note.url in page


def test_a_note_is_on_no_other_page(ana: Client, order: Order) -> None:
    write(ana, order, "A note of this order")

    assert (
        "A note of this order" not in ana.get(on(OrderFactory.create(installation=order.installation))).content.decode()
    )


def test_a_note_is_text_and_never_markup(ana: Client, order: Order) -> None:
    write(ana, order, "<script>alert(1)</script>")

    for page in (on(order), Note.objects.get().url):
        text = ana.get(page).content.decode()
        assert "<script>alert(1)" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_a_form_that_is_sent_twice_is_one_note(ana: Client, order: Order) -> None:
    once = uuid.uuid4()

    for _ in range(2):
        assert write(ana, order, "Once", once).status_code == 302

    assert Note.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "This field is required."),
        (" \n ", "This field is required."),
        ("x" * 2001, "at most 2000 characters"),
        ("a\0b", "Null characters are not allowed."),
        ("The card 4000 0000 0000 0010 was declined", "looks like a card number"),
        ("4000000000000010", "looks like a card number"),
        ("card 4000-0000-0000-0010.", "looks like a card number"),
    ],
)
def test_a_note_that_cannot_be_kept_is_asked_for_again(ana: Client, order: Order, text: str, words: str) -> None:
    answer = write(ana, order, text)

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Note.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "card ending in 0010",
        "4000000000000011",  # no card has this number
        "23793.38128 60007.827136 95000.063305 9 75520000370000",  # a boleto
        "E60701190202611291432DY5A1B2C3D4",
        "(11) 98765-4321",
    ],
)
def test_other_numbers_may_be_in_a_note(ana: Client, order: Order, text: str) -> None:
    assert write(ana, order, text).status_code == 302


def test_a_broken_key_of_a_form_is_refused(ana: Client, order: Order) -> None:
    assert write(ana, order, "text", "no-uuid").status_code == 200
    assert not Note.objects.exists()


# --- who may ---


def test_who_may_not_write_sees_notes_and_no_form(staff: Callable[..., Client], ana: Client, order: Order) -> None:
    write(ana, order, "Read me")
    rui = staff("", "orders.view_order", name="rui")

    page = rui.get(on(order)).content.decode()

    assert "Read me" in page
    assert "note-text" not in page
    assert write(rui, order, "Mine").status_code == 403
    assert Note.objects.count() == 1


def test_who_may_not_see_the_order_neither_reads_nor_writes_its_notes(
    staff: Callable[..., Client], ana: Client, order: Order
) -> None:
    write(ana, order, "Secret")
    rui = staff("", "backoffice.add_note", name="rui")

    assert write(rui, order, "Mine").status_code == 403
    assert rui.get(Note.objects.get().url).status_code == 403


def test_strangers_are_sent_to_the_login(client: Client, order: Order) -> None:
    assert "/admin/login/" in write(client, order, "Mine")["Location"]
    assert not Note.objects.exists()


def test_a_note_is_added_by_post_alone(ana: Client, order: Order) -> None:
    assert ana.get(on(order, "notes")).status_code == 405


def test_the_author_deletes_a_note_and_the_history_says_so_without_its_words(ana: Client, order: Order) -> None:
    write(ana, order, "Wrong order")
    url = Note.objects.get().url

    assert "Delete this note" in ana.get(url).content.decode()
    assert ana.post(url).status_code == 302

    assert not Note.objects.exists()
    [line] = history_of(order)
    assert line.startswith("Note deleted: ana, ")
    assert "Wrong order" not in line


def test_a_colleague_may_read_a_note_and_not_delete_it(staff: Callable[..., Client], ana: Client, order: Order) -> None:
    write(ana, order, "Mine")
    url = Note.objects.get().url
    rui = staff("Finance", name="rui")

    page = rui.get(url)

    assert page.status_code == 200
    assert "Delete this note" not in page.content.decode()
    assert rui.post(url).status_code == 403
    assert Note.objects.exists()


def test_an_administrator_may_delete_anybodys_note(eva: Client, ana: Client, order: Order) -> None:
    write(ana, order, "A CPF that should not be here")

    assert eva.post(Note.objects.get().url).status_code == 302
    assert not Note.objects.exists()


def test_a_note_is_reached_by_its_own_row_only(ana: Client, order: Order) -> None:
    write(ana, order, "Mine")
    note = Note.objects.get()
    other = OrderFactory.create()

    for url in (f"{on(other, 'notes')}{note.pk}/", f"{on(order.installation, 'notes')}{note.pk}/"):
        assert ana.post(url).status_code == 404
    assert ana.get(f"{on(order, 'notes')}9999999999999999999999/").status_code == 404
    assert Note.objects.exists()


def test_a_note_of_no_row_is_not_found(ana: Client, order: Order) -> None:
    order.pk = 2**40

    assert write(ana, order, "text").status_code == 404


# --- the table ---


def test_a_note_is_about_one_thing(ana: Client, order: Order) -> None:
    write(ana, order, "text")
    note = Note.objects.get()

    for rows in ({"order": None}, {"installation": order.installation}):
        with pytest.raises(IntegrityError, match="notes_about_one_thing"), transaction.atomic():
            Note.objects.filter(pk=note.pk).update(**rows)


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one_note(ana: Client) -> None:
    order = OrderFactory.create()
    once = uuid.uuid4()
    start = threading.Barrier(4)
    statuses = []

    def click() -> None:
        start.wait()
        statuses.append(write(ana, order, "Once", once).status_code)
        connection.close()

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [302] * 4
    assert Note.objects.count() == 1
    assert Installation.objects.count() == 1
