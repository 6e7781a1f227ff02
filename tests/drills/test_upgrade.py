"""A database from before webhook_events.outcome and order_questions, with rows as they were written then, is migrated.

Its tables are made by the migrations of that time, which are still the first of today's."""

import subprocess
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from tests.drills.conftest import manage
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SCHEMA = "earlier"
BEFORE = (("installations", "0002"), ("orders", "0003"), ("webhooks", "0003"), ("admin",), ("procrastinate",))

ROWS = """
    INSERT INTO installations (external_key, app_id, merchant_client_id, merchant_client_secret)
    VALUES ('loja', '42', 'id-1', 'a secret'), ('loja/azul', '42', 'id-2', 'a secret');

    INSERT INTO orders (installation_id, appmax_customer_id, appmax_order_id, status, updated_at)
    SELECT 1, 7, number, CASE WHEN number IN (2, 3, 8, 9) THEN 'pendente' ELSE 'aprovado' END, now()
      FROM generate_series(1, 9) AS number;
    INSERT INTO payment_attempts (order_id, method, state, fingerprint)
    SELECT id, 'pix', 'unknown', '' FROM orders WHERE appmax_order_id = 8;

    INSERT INTO order_status_checks (order_id, asked_at, next_at, times, error_message)
    SELECT id, now() - interval '1 hour', now() + interval '1 day', said.times, said.why
      FROM orders JOIN (VALUES (1, 1, NULL), (2, 2, NULL), (3, 3, 'authorised, and then order_pix_expired'),
                               (4, 4, 'Appmax said estornado, while the order was aprovado'),
                               (5, 5, 'a webhook is not confirmed yet'), (8, 6, 'Unavailable: no answer'),
                               (9, 7, 'asked; no answer yet')) AS said (number, times, why)
        ON said.number = orders.appmax_order_id;

    INSERT INTO webhook_events (event, event_type, appmax_order_id, payload, processed, processed_at, error_message)
    SELECT event, 'order', number, payload::jsonb, processed, CASE WHEN processed THEN now() END, note
      FROM (VALUES ('order_paid', 1, true, NULL, '{}'), ('order_paid', 1, true, 'duplicate', '{}'),
                   ('order_paid', 1, true, NULL, '{}'),
                   ('order_pix_created', 1, true, 'ignored: the order is aprovado, this event means pendente', '{}'),
                   ('foo', 1, true, 'unknown event', '{}'), ('customer_created', NULL, true, NULL, '{}'),
                   ('OrderPaid', 1, true, 'not believed: its client_key names another merchant than the order''s',
                    '{}'),
                   ('order_paid', 2, true, 'not believed: Appmax says pendente', '{}'),
                   ('order_paid', 901, true, 'order not found', '{}'),
                   ('order_paid', NULL, true, 'not believed: the event names no order', '{}'),
                   ('order_paid', 902, false, 'the order is not there yet',
                    '{"event": "order_paid", "client_key": "loja/azul", "data": {"order_id": 902}}'),
                   ('order_paid', 9, false, 'processing failed: OperationalError',
                    '{"event": "order_paid", "data": {"order_id": 9}}'))
        AS told (event, number, processed, note, payload);
    INSERT INTO webhook_progress (job, position) SELECT 'verify', max(id) FROM webhook_events;
    INSERT INTO webhook_events (event, event_type, appmax_order_id, payload, processed, processed_at)
    VALUES ('order_paid', 'order', 6, '{}', true, now()), ('order_approved', 'order', 5, '{}', true, now());

    INSERT INTO api_keys (id, prefix, hashed_key, name, created, revoked, installation_id)
    VALUES ('abcdefgh.hash', 'abcdefgh', 'hash', 'shop', now(), false, 2);

    INSERT INTO django_migrations (app, name, applied) VALUES ('checkout_project', '0001_roles', now());
    INSERT INTO auth_group (name) VALUES ('Administrator'), ('Caixa');
    INSERT INTO auth_group_permissions (group_id, permission_id)
    SELECT auth_group.id, auth_permission.id FROM auth_group, auth_permission WHERE codename = 'view_statuscheck';
"""
EVERYTHING_KEPT = """
    SELECT (SELECT json_agg(json_build_array(id, external_key, external_id, merchant_client_secret) ORDER BY id)
              FROM installations)::text,
           (SELECT json_agg(json_build_array(id, appmax_order_id, status, updated_at) ORDER BY id) FROM orders)::text,
           (SELECT json_agg(json_build_array(id, order_id, method, state, started_at) ORDER BY id)
              FROM payment_attempts)::text,
           (SELECT json_agg(json_build_array(id, event, appmax_order_id, processed, error_message, payload) ORDER BY id)
              FROM webhook_events)::text,
           (SELECT json_agg(json_build_array(prefix, hashed_key, name, installation_id)) FROM api_keys)::text
"""


@pytest.fixture
def variables(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Variables that lead to an empty schema, which the test's own connection uses too."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        cursor.execute(f"SET search_path = {SCHEMA}")
        try:
            yield environment | {"DB_SCHEMA": SCHEMA, "WEBHOOK_TRUST": "payload"}
        finally:
            cursor.execute("RESET search_path")
            cursor.execute("SET lock_timeout = '20s'")
            cursor.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
            cursor.execute("RESET lock_timeout")


def rows(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def test_nothing_is_lost_and_everything_has_its_place(
    variables: dict[str, str], worker: Callable[..., subprocess.Popen[bytes]], report: Callable[..., None]
) -> None:
    for target in BEFORE:
        manage(variables, "migrate", *target)
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
    before = rows(EVERYTHING_KEPT)

    manage(variables, "migrate")

    assert rows(EVERYTHING_KEPT) == before
    assert [outcome for (outcome,) in rows("SELECT outcome FROM webhook_events ORDER BY id")] == [
        *("applied", "duplicate", "duplicate", "ignored", "acknowledged", "acknowledged", "refused", "refuted"),
        *("closed", "closed", "failed", "failed", "applied", "applied"),
    ]
    questions = "SELECT appmax_order_id, why, due_at IS NOT NULL, times FROM order_questions ORDER BY 1"
    assert rows(questions) == [
        (1, "money", False, 1),  # answered
        (2, "pending", False, 2),
        (3, "cancellation", True, 3),
        (4, "contradicted", True, 4),
        (5, "money", True, 0),  # another payment came in, and nobody had asked about it
        (6, "money", True, 0),
        (8, "payment_unknown", True, 6),
        (9, "pending", True, 7),
    ]
    told = "SELECT count(*) FROM installations JOIN installation_identities USING (external_id, external_key)"
    assert rows(told) == [(2,)]
    assert rows("SELECT id FROM api_keys") == [("abcdefgh",)]
    held = """
        SELECT auth_group.name FROM auth_group JOIN auth_group_permissions held ON held.group_id = auth_group.id
          JOIN auth_permission ON auth_permission.id = permission_id WHERE codename = 'view_question' ORDER BY 1
    """
    assert rows(held) == [("Administrator",), ("Caixa",)]
    assert rows("SELECT name FROM auth_group ORDER BY 1") == [("Administrator",), ("Caixa",)]

    worker(**variables)

    wait_until(lambda: not rows("SELECT FROM webhook_events WHERE outcome = 'failed'"), seconds=40)
    waiting = "SELECT appmax_order_id FROM webhook_events WHERE NOT processed"
    asked = "SELECT appmax_order_id, why FROM order_questions WHERE appmax_order_id = 902"
    assert rows(waiting) == [(902,)]
    assert rows(asked) == [(902, "order_missing")]
    report(
        "nothing: a database of an earlier version is migrated",
        sent="14 events, 9 orders, 7 status checks, 2 merchants",
        answered="-",
        tables="the same rows; 2 failed events decided again; 8 questions to Appmax, 6 of them open",
    )
