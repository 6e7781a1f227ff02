"""The guides list exactly what the code has: routes, statuses, outcomes, messages."""

import json
import re
from pathlib import Path

import pytest
from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist
from django.db.models import TextChoices
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.translation import override
from rest_framework.exceptions import APIException

from appmax.errors import AppmaxError
from backoffice import roles
from backoffice.alerts.kinds import KINDS
from backoffice.roles import ROLES
from checkout_project import urls
from installations.fields import DecryptionFailed
from installations.views import InstallViewSet
from notifications.views import EndpointViewSet
from orders.attempts import NotRecorded
from orders.models import AttemptMethod, AttemptState
from orders.status import OrderStatus
from orders.views import CheckoutViewSet
from web.codes import Code
from webhooks import payload
from webhooks.decide import Outcome
from webhooks.views import WebhookViewSet

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCKS = re.compile(r"^```\w+\n.*?^```\n", re.MULTILINE | re.DOTALL)
LANGUAGES = {"support.md": "en", "suporte.md": "pt-br"}
in_both_languages = pytest.mark.parametrize("name", LANGUAGES)


def prose(name: str) -> str:
    """A document on one line: sentences are wrapped anywhere."""
    return " ".join((DOCS / name).read_text().split())


def tables(name: str) -> list[list[list[str]]]:
    """The tables of a document, each a list of rows of cells, their heads left out."""
    found: list[list[list[str]]] = []
    for lines in re.findall(r"^\|.*\n\|[-|: ]+\|\n((?:\|.*\n)+)", (DOCS / name).read_text(), re.MULTILINE):
        found.append([[cell.strip() for cell in row.strip("|").split(" | ")] for row in lines.splitlines()])
    return found


def table_of(name: str, first: str) -> list[list[str]]:
    """The table whose first row begins with this cell."""
    [table] = [rows for rows in tables(name) if rows[0][0].strip("| ") == first]
    return [[cell.strip("| ") for cell in row] for row in table]


@in_both_languages
@pytest.mark.parametrize("choices", [OrderStatus, Outcome, AttemptState])
def test_each_value_is_explained_under_the_label_that_staff_see(name: str, choices: type[TextChoices]) -> None:
    rows = table_of(name, f"`{choices.values[0]}`")

    with override(LANGUAGES[name]):
        assert [(row[0], row[1]) for row in rows] == [(f"`{value}`", str(label)) for value, label in choices.choices]
    assert all(cell for row in rows for cell in row)


@in_both_languages
def test_each_status_is_listed_with_the_events_that_mean_it(name: str) -> None:
    events = payload.names_by_status()

    for value, _label, _meaning, told in table_of(name, "`pendente`"):
        names = events.get(OrderStatus(value.strip("`")), [])
        assert (told.split(", ") if told[0].isupper() else []) == names, value


@in_both_languages
def test_each_kind_of_alert_is_listed_by_its_title_and_its_number_if_it_has_one(name: str) -> None:
    with override(LANGUAGES[name]):
        kinds = [(str(kind.title), kind.threshold is not None) for kind in KINDS.values()]

    assert [(title, bool(number)) for title, _when, number in table_of(name, kinds[0][0])] == kinds


@in_both_languages
def test_methods_and_roles_are_all_there(name: str) -> None:
    text = prose(name)

    with override(LANGUAGES[name]):
        assert [
            f"`{value}` ({label})" for value, label in AttemptMethod.choices if f"`{value}` ({label})" not in text
        ] == []
        first, *others = map(roles.shown, ROLES)
    assert [row[0] for row in table_of(name, first)] == [first, *others]


def test_the_two_languages_say_the_same_things() -> None:
    shapes = [[[len(row) for row in rows] for rows in tables(name)] for name in LANGUAGES]

    assert shapes[0] == shapes[1]
    assert [len(re.findall(r"^\d\. ", (DOCS / name).read_text(), re.MULTILINE)) for name in LANGUAGES] == [7, 7]


API_GUIDES = ("api.md", "api.pt-BR.md")
in_each_api_guide = pytest.mark.parametrize("guide", API_GUIDES)


@in_each_api_guide
def test_the_api_guide_lists_the_statuses_in_their_order(guide: str) -> None:
    assert [row[0] for row in table_of(guide, "`pendente`")] == [f"`{value}`" for value in OrderStatus.values]


@in_each_api_guide
def test_the_api_guide_has_every_route_and_no_other(guide: str) -> None:
    text = (DOCS / guide).read_text()
    told = set(re.findall(r"`(?:GET|POST|PUT|DELETE)\s(/[^`?]*)[^`]*`", text)) | set(
        re.findall(r"`(/api/\w+|/admin/|/metrics)`", text)
    )

    assert told == _routes(get_resolver())


def _routes(resolver: URLResolver, prefix: str = "/") -> set[str]:
    found: set[str] = set()
    for entry in resolver.url_patterns:
        path = prefix + re.sub("<(?:str|path|id|int):", "{", str(entry.pattern)).replace(">", "}")
        if path == "/admin/" or isinstance(entry, URLPattern):
            found.add(path)
        else:
            found |= _routes(entry, path)
    return found


@in_each_api_guide
def test_the_api_guide_lists_every_error_code_once_with_its_status_and_message(guide: str) -> None:
    rows = [row for rows in tables(guide) for row in rows if len(row) == 4 and row[0].strip("| ")[0] in "45"]
    told = {code.strip("`"): (status.strip("| "), message) for status, code, message, _what_to_do in rows}

    assert len(told) == len(rows)
    assert {name: status for name, (status, _message) in told.items()} == {
        code.value: ", ".join(map(str, code.statuses)) for code in Code
    }
    assert [code for code in Code if code.message not in told[code][1]] == []


def test_the_api_guides_say_the_same_in_both_languages() -> None:
    """The same commands and answers, which a test runs (`test_guides.py`), tables, headings and names of fields."""
    english, portuguese = ((DOCS / guide).read_text() for guide in API_GUIDES)

    assert BLOCKS.findall(portuguese) == BLOCKS.findall(english)
    assert [[len(row) for row in rows] for rows in tables(API_GUIDES[1])] == [
        [len(row) for row in rows] for rows in tables(API_GUIDES[0])
    ]
    for mark in (r"^#+ ", r"^- ", r"^\d\. "):
        assert len(re.findall(mark, portuguese, re.MULTILINE)) == len(re.findall(mark, english, re.MULTILINE)), mark
    assert _named(english) ^ _named(portuguese) == set()


def _named(guide: str) -> set[str]:
    """What stands in a guide as it is typed: fields, values, codes, headers, paths."""
    return {" ".join(each.split()) for each in re.findall(r"`([^`]+)`", BLOCKS.sub("", guide))}


def test_the_proxys_own_errors_have_codes_of_the_api() -> None:
    text = (DOCS.parent / "ops" / "nginx" / "nginx.conf").read_text()
    bodies = re.findall(r"return ([45]\d\d) '({.*})';", text)

    assert len(bodies) == text.count('"message"') > 0
    statuses = {code.value: code.statuses for code in Code}
    for status, body in bodies:
        assert int(status) in statuses[json.loads(body)["code"]], body


def _of_rooms(parent: type[Exception], *rooms: str) -> set[type[Exception]]:
    """The classes below this one that are of these rooms."""
    assert urls.urlpatterns  # and with them, all that raises
    below = [parent]
    for each in below:
        below += each.__subclasses__()
    return {each for each in below if each.__module__.partition(".")[0] in rooms}


def test_use_cases_know_no_http() -> None:
    """REST framework's errors are for what belongs to REST framework."""
    assert (
        _of_rooms(APIException, "orders", "notifications", "installations", "webhooks", "web", "status", "backoffice")
        == set()
    )


def test_each_error_of_an_app_has_a_code() -> None:
    """None becomes a 500. The gateway's errors have codes of their own, DecryptionFailed becomes one of these, and
    NotRecorded never leaves `create_order`."""
    views = (CheckoutViewSet, EndpointViewSet, InstallViewSet, WebhookViewSet)
    told = {error for view in views for error in view.error_codes}
    rooms = ("orders", "notifications", "installations", "webhooks")
    of_libraries = (AppmaxError, ObjectDoesNotExist, MultipleObjectsReturned)
    raised = {each for each in _of_rooms(Exception, *rooms) if not issubclass(each, of_libraries)}

    assert raised - told == {DecryptionFailed, NotRecorded}
