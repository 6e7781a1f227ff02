"""Saved views: a list's filters under a name, for oneself or for all staff."""

import re
import threading
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from backoffice.models import SavedView
from orders.models import Order
from tests.backoffice.conftest import messages_of, url
from tests.support.factories import OrderFactory
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

QUERY = "status__exact=aprovado&amount_from=50"


@pytest.fixture
def ana(staff: Callable[..., Client]) -> Client:
    """Works in support."""
    return staff("Support")


@pytest.fixture
def bia(staff: Callable[..., Client]) -> Client:
    """Works in finance, and may share."""
    return staff("Finance", name="bia")


def save(client: Client, name: str = "Mine", query: str = QUERY, model: Any = Order, **fields: Any) -> Any:
    data = {"view-name": name, "view-query": query, **{f"view-{key}": value for key, value in fields.items()}}
    return client.post(url(model, "views"), data)


def delete(client: Client, view: SavedView) -> Any:
    return client.post(url(Order, "views_delete", view.pk))


def shown(client: Client, query: str = "", model: Any = Order) -> dict[str, str]:
    """The names of the views above the list, and the query strings that they lead to."""
    page = client.get(f"{url(model)}?{query}").content.decode()
    nav = re.search(r'<nav aria-label="Saved views">(.*?)</nav>', page, re.S)
    links = re.findall(r'<a href="\?([^"]*)"[^>]*>([^<]+?) ?<', nav[1]) if nav else []
    return {unescape(name): unescape(rest) for rest, name in links}


def test_a_view_is_one_click_away_and_shows_what_was_saved(ana: Client) -> None:
    wanted = OrderFactory.create(status="aprovado", total_cents=5000)
    OrderFactory.create(status="aprovado", total_cents=4999)

    answer = save(ana, "Big ones")

    assert answer["Location"] == f"{url(Order)}?{QUERY}"
    [(name, query)] = shown(ana).items()
    assert (name, query) == ("Big ones", QUERY)
    assert list(ana.get(f"{url(Order)}?{query}").context["cl"].result_list) == [wanted]


def test_filters_can_be_saved_and_no_filters_cannot(ana: Client) -> None:
    def form(query: str) -> str | None:
        found = re.search(r'name="view-query" value="([^"]*)"', ana.get(f"{url(Order)}?{query}").content.decode())
        return unescape(found[1]) if found else None

    assert form("") is None
    assert form("p=1&amount_from=&nonsense=1") is None
    assert form(f"{QUERY}&p=1&amount_to=&e=1") == QUERY
    save(ana)
    assert form(QUERY) is None  # It is saved.


def test_what_was_searched_for_is_not_kept(ana: Client) -> None:
    """It may be a shopper's e-mail or CPF, which a view would keep for ever and show to others."""
    page = ana.get(f"{url(Order)}?q=maria@example.com").content.decode()
    assert 'name="view-query"' not in page

    save(ana, "Big ones", f"{QUERY}&q=maria@example.com")

    assert SavedView.objects.get().query == QUERY


def test_the_current_view_is_marked_and_can_be_deleted(ana: Client) -> None:
    save(ana)
    [view] = SavedView.objects.all()
    page = ana.get(f"{url(Order)}?amount_from=50&p=1&status__exact=aprovado").content.decode()

    assert re.search(r'aria-current="true">Mine', page)
    assert url(Order, "views_delete", view.pk) in page
    assert url(Order, "views_delete", view.pk) not in ana.get(url(Order)).content.decode()

    assert "Only you see it." in ana.get(url(Order, "views_delete", view.pk)).content.decode()
    assert delete(ana, view).status_code == 302
    assert shown(ana) == {}


def test_a_view_is_its_owners_alone_unless_it_is_shared(ana: Client, bia: Client) -> None:
    save(bia, "Own")
    save(bia, "Shared", is_shared="on")

    assert set(shown(bia)) == {"Own", "Shared"}
    assert set(shown(ana)) == {"Shared"}


def test_a_view_is_of_one_list(ana: Client) -> None:
    save(ana, "Events", "outcome=waiting", WebhookEvent)

    assert shown(ana) == {}
    assert shown(ana, model=WebhookEvent) == {"Events": "outcome=waiting"}


def test_who_may_not_share_keeps_the_view_to_oneself(ana: Client, bia: Client) -> None:
    save(ana, is_shared="on")

    assert not SavedView.objects.get().is_shared
    assert "view-is_shared" not in ana.get(f"{url(Order)}?amount_from=1").content.decode()
    assert "view-is_shared" in bia.get(f"{url(Order)}?amount_from=1").content.decode()


def test_who_may_delete_what(ana: Client, bia: Client, eva: Client) -> None:
    save(bia, "Own")
    save(bia, "Shared", is_shared="on")
    own, shared = SavedView.objects.order_by("pk")

    assert delete(ana, own).status_code == 404
    assert delete(eva, own).status_code == 404
    assert delete(ana, shared).status_code == 403
    assert delete(eva, shared).status_code == 302
    assert delete(bia, own).status_code == 302
    assert not SavedView.objects.exists()


def test_who_may_not_see_the_list_neither_saves_nor_deletes(staff: Callable[..., Client], bia: Client) -> None:
    save(bia, is_shared="on")
    rui = staff("", "backoffice.share_savedview", name="rui")

    assert save(rui).status_code == 403
    assert delete(rui, SavedView.objects.get()).status_code == 403
    assert SavedView.objects.count() == 1


def test_names_are_unique_in_capitals_or_not(ana: Client, bia: Client) -> None:
    save(ana, "Pix")
    again = save(ana, "PIX", "amount_from=1")

    assert again.status_code == 200
    assert "There is a view of this name already." in again.content.decode()
    assert save(bia, "pix").status_code == 302  # each has names of one's own
    assert save(bia, "Shared", is_shared="on").status_code == 302
    assert SavedView.objects.count() == 3


def test_shared_names_are_unique_for_all(bia: Client, eva: Client) -> None:
    save(bia, "Team", is_shared="on")

    assert save(eva, "team", is_shared="on").status_code == 200
    assert save(eva, "team").status_code == 302


@pytest.mark.parametrize(
    "fields", [{"name": ""}, {"name": "x" * 61}, {"query": ""}, {"query": "x" * 2001}, {"name": "\0"}]
)
def test_what_cannot_be_saved_is_asked_for_again(ana: Client, fields: dict[str, str]) -> None:
    assert save(ana, **fields).status_code == 200
    assert not SavedView.objects.exists()


def test_a_filter_that_the_list_no_longer_has_is_left_out(ana: Client) -> None:
    save(ana, query=f"{QUERY}&gone=1&installation__merchant_client_secret__startswith=x&p=7")

    assert shown(ana) == {"Mine": QUERY}


def test_a_value_that_is_no_longer_known_is_told(ana: Client) -> None:
    save(ana, query="installation__id__exact=abc")
    [query] = shown(ana).values()

    page = ana.get(f"{url(Order)}?{query}", follow=True)

    assert "nothing is filtered" in messages_of(page)


@pytest.mark.parametrize("query", ["a\r\nSet-Cookie: x=1", "%zz", "status__exact=%00", "=&&&=", "ç=é"])
def test_no_query_string_breaks_the_list(ana: Client, query: str) -> None:
    assert save(ana, query=query).status_code == 302

    for rest in shown(ana).values():
        assert ana.get(f"{url(Order)}?{rest}", follow=True).status_code == 200


def test_a_name_is_text_and_never_markup(ana: Client) -> None:
    save(ana, "<b>x</b>")

    page = ana.get(url(Order)).content.decode()
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


def test_days_of_a_view_move_with_today(ana: Client) -> None:
    old, new = OrderFactory.create_batch(2)
    Order.objects.filter(pk=old.pk).update(created_at="2026-01-01T12:00Z")
    save(ana, query="created_at_from=today&created_at_to=today")

    [query] = shown(ana).values()
    assert list(ana.get(f"{url(Order)}?{query}").context["cl"].result_list) == [new]


def test_a_view_is_saved_by_post_alone(ana: Client) -> None:
    assert ana.get(url(Order, "views")).status_code == 405


def test_many_views_cost_one_query(ana: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        save(ana, f"View {number}", f"amount_from={number + 1}")

    with django_assert_max_num_queries(15):
        assert len(shown(ana)) == 12


def test_a_strangers_view_is_not_saved(client: Client) -> None:
    assert reverse("admin:login") in save(client)["Location"]
    assert not SavedView.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_share_a_name_at_once_one_is_told(bia: Client, eva: Client) -> None:
    start = threading.Barrier(2)
    statuses = []

    def share(client: Client) -> None:
        start.wait()
        statuses.append(save(client, "Team", is_shared="on").status_code)
        connection.close()

    threads = [threading.Thread(target=share, args=[client]) for client in (bia, eva)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 302]
    assert SavedView.objects.count() == 1
