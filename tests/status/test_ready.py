"""/health/ready: ok, degraded (somebody should look) or down (send no requests here)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.db import OperationalError, ProgrammingError, connection
from django.test import Client
from django.utils import timezone

from orders.models import SubscriptionQuestion
from status import health
from tests.support.factories import InstallationFactory, QuestionFactory, WebhookEventFactory
from tests.support.failing import statements_fail

pytestmark = pytest.mark.django_db

OK = {"database": "ok", "migrations": "ok", "worker": "ok", "questions": "ok", "cache": "ok"}


@pytest.fixture(autouse=True)
def _migrations_are_looked_at_again() -> Iterator[None]:
    health._is_migrated.clear()
    yield
    health._is_migrated.clear()


@pytest.fixture
def worker() -> None:
    sign_of_life(timedelta(seconds=10))


def sign_of_life(ago: timedelta) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [timezone.now() - ago])


def asked(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/health/ready")
    return answer.status_code, answer.json()


def test_all_is_well(client: Client, worker: None) -> None:
    assert asked(client) == (200, {"status": "ok", "checks": OK, "oldest_webhook_seconds": 0})


def test_redis_away_is_degraded(client: Client, worker: None, redis_away: None) -> None:
    status, body = asked(client)

    assert (status, body["status"], body["checks"]) == (200, "degraded", OK | {"cache": "degraded"})


def test_no_worker_is_degraded(client: Client) -> None:
    assert asked(client)[1]["checks"] == OK | {"worker": "degraded"}


@pytest.mark.parametrize(("seconds", "state"), [(50, "ok"), (70, "degraded")])
def test_a_worker_that_says_nothing_for_a_minute_is_gone(client: Client, seconds: int, state: str) -> None:
    sign_of_life(timedelta(hours=1))
    sign_of_life(timedelta(seconds=seconds))

    assert asked(client)[1]["checks"]["worker"] == state


def test_an_event_may_wait_for_its_order_for_days(client: Client, worker: None) -> None:
    event = WebhookEventFactory.create(processed=False, processed_at=None)
    type(event).objects.update(created_at=timezone.now() - timedelta(days=2))

    status, body = asked(client)

    assert (status, body["status"]) == (200, "ok")
    assert 172_800 <= body["oldest_webhook_seconds"] < 172_810


@pytest.mark.parametrize(
    ("question", "state"),
    [
        ({"minutes": 6}, "degraded"),
        ({"minutes": 4}, "ok"),
        ({"minutes": -360}, "ok"),
        ({"minutes": 6, "is_patient": True}, "ok"),
    ],
)
def test_a_question_that_nobody_asks_is_degraded(
    client: Client, worker: None, question: dict[str, Any], state: str
) -> None:
    due_at = timezone.now() - timedelta(minutes=question.pop("minutes"))
    QuestionFactory.create(due_at=due_at, **question)

    assert asked(client)[1]["checks"] == OK | {"questions": state}


@pytest.mark.parametrize(("minutes", "state"), [(61, "degraded"), (59, "ok"), (-360, "ok")])
def test_a_question_about_a_subscription_may_be_an_hour_late(
    client: Client, worker: None, minutes: int, state: str
) -> None:
    SubscriptionQuestion.objects.create(
        installation=InstallationFactory.create(),
        appmax_subscription_id=1,
        due_at=timezone.now() - timedelta(minutes=minutes),
    )

    assert asked(client)[1]["checks"] == OK | {"questions": state}


def test_migrations_to_be_applied_are_down(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations WHERE app = 'orders')"
        )

    status, body = asked(client)

    assert (status, body["status"], body["message"]) == (503, "down", "not ready: migrations")
    assert body["checks"] == {"database": "ok", "migrations": "down", "cache": "ok"}


@pytest.mark.parametrize("error", [OperationalError, ProgrammingError])
def test_no_answer_of_the_database_is_down(client: Client, error: Any) -> None:
    with statements_fail("procrastinate_workers", error):
        status, body = asked(client)

    assert (status, body["message"]) == (503, "not ready: database")


def test_it_is_never_cached(client: Client) -> None:
    assert client.get("/health/ready")["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/metrics"])
def test_who_watches_may_know_the_process_by_its_address_and_ask_for_the_head_alone(client: Client, path: str) -> None:
    assert client.get(path, headers={"Host": "10.1.2.3:8080"}).status_code == 200
    assert client.head(path, headers={"Host": "10.1.2.3:8080"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthy", "/health/ready/", "/admin/login/"])
def test_nobody_else_is_answered_under_a_strange_name(client: Client, path: str) -> None:
    assert client.get(path, headers={"Host": "10.1.2.3:8080"}).status_code == 400


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_being_alive_asks_no_table(client: Client, django_assert_num_queries: Any, accept: str) -> None:
    client.cookies["sessionid"] = "x" * 32
    with django_assert_num_queries(0), patch.object(cache, "get", side_effect=AssertionError):
        assert client.get("/health", headers={"Accept": accept}).status_code == 200


def test_a_database_that_takes_no_writes_is_down(client: Client, worker: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")

    status, body = asked(client)

    assert (status, body["message"]) == (503, "not ready: database")


def test_the_page_for_browsers_holds_no_forged_host(client: Client) -> None:
    assert b"evil.com" not in client.get("/health", headers={"Host": "evil.com", "Accept": "text/html"}).content
