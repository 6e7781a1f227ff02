"""Long files of lists: the worker makes them, a page shows how far it has come, and one person has them for a day."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook
from openpyxl.worksheet._writer import ALL_TEMP_FILES
from procrastinate.contrib.django.models import ProcrastinateJob

from backoffice import exports
from backoffice.kit import export, tables
from backoffice.models import Export, ExportPart
from backoffice.tasks import forget_exports, make_exports
from orders.models import Order
from tests.backoffice.conftest import messages_of, on, url
from tests.support.factories import InstallationFactory, OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 7


@pytest.fixture(autouse=True)
def long(monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    """A list that is longer than a file that is made at once, in parts of three rows."""
    monkeypatch.setattr(export, "MOST_AT_ONCE", 4)
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 3)
    orders: list[Order] = OrderFactory.create_batch(ROWS, installation=InstallationFactory.create())
    return orders


@pytest.fixture
def ana(staff: Callable[..., Client]) -> Client:
    """Works in finance."""
    return staff("Finance")


def ask(client: Client, form: str = "csv", query: str = "") -> Any:
    """Press the button; the page that it leads to."""
    return client.post(f"{url(Order, 'export', form)}?{query}", follow=True)


def file_of(client: Client, row: Export) -> Any:
    return client.get(reverse("admin:backoffice_export_file", args=[row.pk]))


def work() -> None:
    """What the worker does with all files."""
    while exports.go_on():
        pass


both = pytest.mark.parametrize("form", ["csv", "xlsx"])


@both
def test_a_long_file_is_made_by_the_worker_after_a_second_look(ana: Client, form: str) -> None:
    page = ana.get(url(Order, "export", form)).content.decode()
    assert "7 rows" in page
    assert not Export.objects.exists()

    page = ask(ana, form).content.decode()
    row = Export.objects.get()
    assert "0 of 7 rows are written." in page
    assert list(ProcrastinateJob.objects.values_list("task_name", flat=True)) == ["backoffice.make_exports"]
    assert file_of(ana, row).status_code == 404

    make_exports(timestamp=0)
    page = ana.get(on(row)).content.decode()
    assert "7 of 7 rows are written." in page
    assert reverse("admin:backoffice_export_file", args=[row.pk]) in page


@both
def test_a_long_file_is_the_same_as_a_short_one(ana: Client, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    ask(ana, form)
    work()
    long = file_of(ana, Export.objects.get())
    content = long.getvalue()

    monkeypatch.setattr(export, "MOST_AT_ONCE", 100)
    short = ana.get(url(Order, "export", form))

    assert long["Content-Type"] == short["Content-Type"]
    assert long["Content-Disposition"] == short["Content-Disposition"]
    if form == "csv":
        assert content == short.getvalue()
    else:
        assert cells(content) == cells(short.getvalue())


def cells(content: bytes) -> list[list[Any]]:
    book = load_workbook(io.BytesIO(content))
    return [[cell.value for cell in line] for sheet in book.worksheets for line in sheet.iter_rows()]


def test_a_long_file_speaks_the_language_of_who_asked(staff: Callable[..., Client]) -> None:
    eva = staff("Finance", language="pt-BR")
    ask(eva)
    work()

    answer = file_of(eva, Export.objects.get())

    assert "Criado em;Pago em;Lojista" in answer.getvalue().decode()
    assert "pedidos%20at%C3%A9%20" in answer["Content-Disposition"]


def test_it_holds_what_the_list_held_when_it_was_asked_for(ana: Client, long: list[Order]) -> None:
    Order.objects.filter(pk__in=[order.pk for order in long[:5]]).update(status="aprovado")
    ask(ana, query="status__exact=aprovado")
    Order.objects.update(status="cancelado")
    OrderFactory.create(status="aprovado")
    work()

    lines = file_of(ana, Export.objects.get()).getvalue().decode().splitlines()[1:]

    assert [int(line.partition(",")[0]) for line in lines] == [order.appmax_order_id for order in reversed(long[:5])]


def test_a_list_that_is_longer_than_any_spreadsheet_is_refused(ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(export.MOST, "csv", ROWS - 1)

    answer = ask(ana)

    assert "6 rows at most" in messages_of(answer)
    assert not Export.objects.exists()


# --- whose it is ---


def test_nobody_else_gets_it(ana: Client, staff: Callable[..., Client]) -> None:
    ask(ana)
    work()
    row = Export.objects.get()

    rui = staff("Administrator", name="rui")

    assert file_of(rui, row).status_code == 404
    assert rui.get(reverse("admin:backoffice_export_progress", args=[row.pk])).status_code == 404
    assert row.file_name not in rui.get(url(Export)).content.decode()
    assert row.file_name in ana.get(url(Export)).content.decode()
    assert Client().get(reverse("admin:backoffice_export_file", args=[row.pk])).status_code == 302


def test_who_may_no_longer_export_the_list_does_not_get_it(ana: Client) -> None:
    ask(ana)
    work()
    user = User.objects.get(username="ana")
    user.groups.set([Group.objects.get(name="Support")])
    row = Export.objects.get()

    assert file_of(ana, row).status_code == 403
    assert ana.get(reverse("admin:backoffice_export_progress", args=[row.pk])).status_code == 403
    assert ana.get(on(row)).status_code == 403
    assert ana.get(url(Export)).status_code == 403


def test_support_cannot_have_one_made(staff: Callable[..., Client]) -> None:
    assert ask(staff("Support")).status_code == 403
    assert not Export.objects.exists()


def test_who_took_it_is_logged_without_its_rows(
    ana: Client, long: list[Order], caplog: pytest.LogCaptureFixture
) -> None:
    ask(ana, query=f"q={long[0].installation.external_key}")
    work()
    file_of(ana, Export.objects.get()).getvalue()

    assert "export.asked" in caplog.text
    assert "export.taken" in caplog.text
    assert str(long[0].appmax_order_id) not in caplog.text


# --- for a day ---


def test_after_a_day_it_is_gone(ana: Client) -> None:
    ask(ana)
    work()
    row = Export.objects.get()
    Export.objects.update(finished_at=timezone.now() - timedelta(hours=23, minutes=59))
    forget_exports(timestamp=0)
    assert file_of(ana, row).status_code == 200

    Export.objects.update(finished_at=timezone.now() - timedelta(hours=24, minutes=1))
    assert file_of(ana, row).status_code == 404, "the worker has not deleted it yet"
    assert "has been deleted" in ana.get(on(row)).content.decode()
    forget_exports(timestamp=0)

    assert (Export.objects.count(), ExportPart.objects.count()) == (0, 0)


# --- races, and workers that die ---


def test_a_button_pressed_ten_times_is_one_file(race: Any, ana: Client) -> None:
    user = User.objects.get(username="ana")
    keys = list(Order.objects.values_list("pk", flat=True))

    def press(_number: int) -> tuple[int, bool]:
        row, is_new = exports.start(
            user=user, model="orders.order", form="csv", language="en", file_name="x.csv", keys=keys
        )
        return row.pk, is_new

    results = race(press, times=10)

    assert len({pk for pk, _is_new in results}) == 1
    assert [is_new for _pk, is_new in results].count(True) == 1
    assert [part.row_ids for part in ExportPart.objects.order_by("number")] == [keys[:3], keys[3:6], keys[6:]]


def test_a_second_file_has_to_wait_for_the_first(ana: Client) -> None:
    ask(ana)

    answer = ask(ana, "xlsx")

    assert "still being made" in messages_of(answer)
    assert Export.objects.get().form == "csv"
    work()
    ask(ana, "xlsx")
    assert Export.objects.count() == 2


@both
def test_four_workers_at_once_write_each_row_once(race: Any, ana: Client, form: str) -> None:
    ask(ana, form)

    def until_done(_number: int) -> None:
        while Export.objects.filter(finished_at=None).exists():
            exports.go_on()

    race(until_done, times=4)

    row = Export.objects.get()
    assert row.done == ROWS
    content = file_of(ana, row).getvalue()
    if form == "csv":
        assert content.count(b"\r\n") == ROWS + 1
    else:
        assert load_workbook(io.BytesIO(content)).worksheets[0].max_row == ROWS + 1


@both
def test_the_file_of_a_worker_that_died_is_gone_on_with(ana: Client, form: str) -> None:
    ask(ana, form)
    Export.objects.update(leased_until=timezone.now() + timedelta(minutes=1))
    assert not exports.go_on(), "a worker has it"

    Export.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    work()

    assert file_of(ana, Export.objects.get()).status_code == 200


@both
def test_a_worker_that_lost_its_lease_writes_nothing(ana: Client, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    ask(ana, form)
    read = tables.Table.read

    def slowly(table: Any, keys: Any) -> Any:
        Export.objects.update(leased_until=timezone.now() + timedelta(minutes=9))
        return read(table, keys)

    monkeypatch.setattr(tables.Table, "read", slowly)

    before = set(ALL_TEMP_FILES)
    assert not exports.go_on()
    assert (Export.objects.get().done, ExportPart.objects.filter(content=None).count()) == (0, 3)
    assert not [name for name in set(ALL_TEMP_FILES) - before if Path(name).exists()]


def test_a_file_that_cannot_be_made_fails_after_three_tries_and_the_next_is_made(
    ana: Client, staff: Callable[..., Client]
) -> None:
    ask(ana)
    ask(staff("Finance", name="rui"))
    first, second = Export.objects.order_by("pk")
    Export.objects.filter(pk=first.pk).update(model="orders.gone")

    for _ in range(3):
        with pytest.raises(LookupError):
            exports.go_on()
    work()

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.has_failed, second.has_failed, second.done) == (True, False, ROWS)
    Export.objects.filter(pk=first.pk).update(model="orders.order")
    assert "could not be made" in ana.get(on(first)).content.decode()
    assert file_of(ana, first).status_code == 404


def test_a_long_file_lets_other_jobs_go_first(ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backoffice.tasks.SECONDS", 0.0)
    ask(ana)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")

    make_exports(timestamp=0)

    assert Export.objects.get().done == 3
    assert list(ProcrastinateJob.objects.values_list("task_name", flat=True)) == ["backoffice.make_exports"]


def test_no_connection_is_held_while_it_is_downloaded(ana: Client) -> None:
    ask(ana)
    work()

    held = [connection.connection is not None for _part in file_of(ana, Export.objects.get()).streaming_content]

    assert held == [False] * 3
