"""`make bench-admin`: each page of the back office on large tables: milliseconds and queries.

Starts a PostgreSQL 16 and a Redis-protocol server of its own and fills them (`python -m demo`), or uses those that
DB_HOST names, as they are: ORDERS and EVENTS say how many rows. The column "cpu ms" is what our process and PostgreSQL
work for a page with a warm cache, on average, so it says the same on a machine that is busy with other things.
ONLY is a regular expression that the shown pages' names match. SHOW_SLOW=0.05 shows the queries that take longer, in
seconds.
"""

import os
import re
import statistics
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

from dev import services

ROOT = Path(__file__).resolve().parent.parent
ORDERS = int(os.environ.get("ORDERS", "1000000"))
EVENTS = int(os.environ.get("EVENTS", "5000000"))
RUNS = int(os.environ.get("RUNS", "7"))


def main() -> None:
    """Start servers if there are none, fill them, measure."""
    with ExitStack() as stack:
        variables = {"APP_KEY": "only-for-the-benchmark", "DB_POOL": "false", "LOG_LEVEL": "ERROR"}
        variables["FIELD_ENCRYPTION_KEYS"] = "xX3Q9hO7m2v0dJ8Vw1n5sT6yB4kR0cLZpGfUeAqMiNo="
        variables["SEARCH_HASH_KEYS"] = "only-for-the-benchmark"
        if not os.environ.get("DB_HOST"):
            folder = stack.enter_context(services.temporary_folder())
            variables |= stack.enter_context(services.postgres(folder / "pg", throw_away=True)).variables
            variables |= stack.enter_context(services.redis()).variables
        os.environ.update(variables)
        if not os.environ.get("FILLED"):
            for command in (
                ["manage.py", "migrate", "-v0"],
                ["-m", "demo", f"--orders={ORDERS}", f"--events={EVENTS}"],
            ):
                subprocess.run([sys.executable, *command], cwd=ROOT, check=True)
        _measure()


def _measure() -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "checkout_project.settings"
    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import Group, User
    from django.core.cache import cache
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from backoffice import merchant_figures

    settings.ALLOWED_HOSTS = ["testserver"]
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")  # A vacuum of such tables may take longer than a page may.
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")
    user, _created = User.objects.get_or_create(username="bench", defaults={"is_staff": True})
    user.groups.set(Group.objects.filter(name="Administrator"))  # A superuser's pages read no permissions.
    merchant_figures.refresh(timezone.now())
    client = Client()
    client.force_login(user)

    def ask(url: str) -> float:
        started = time.perf_counter()
        answer = client.get(url)
        assert answer.status_code in (200, 302), (url, answer.status_code)  # noqa: S101 - one result is gone to
        return (time.perf_counter() - started) * 1000

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0])

    def cpu() -> float:
        return (time.process_time() + sum(backend.cpu_times()[:2])) * 1000

    print(f"{'page':<58} {'first ms':>9} {'median ms':>9} {'worst ms':>9} {'cpu ms':>7} {'queries':>8}")
    for name, url in _pages():
        if not re.search(os.environ.get("ONLY", ""), name):
            continue
        cache.clear()
        first = ask(url)
        before = cpu()
        times = [ask(url) for _ in range(RUNS)]
        mean = (cpu() - before) / RUNS
        with CaptureQueriesContext(connection) as captured:
            cache.clear()
            ask(url)
        median, worst = statistics.median(times), max(times)
        print(f"{name:<58} {first:>9.0f} {median:>9.0f} {worst:>9.0f} {mean:>7.0f} {len(captured):>8}", flush=True)
        if threshold := os.environ.get("SHOW_SLOW"):
            for query in captured:
                if float(query["time"]) > float(threshold):
                    print("   ", query["time"], query["sql"][:1500])


def _pages() -> list[tuple[str, str]]:
    from django.contrib.auth.models import User
    from django.utils import timezone

    from backoffice.models import Note
    from installations.models import ApiKey, Installation
    from orders.models import Order, PaymentAttempt, Question
    from webhooks.decide import Outcome
    from webhooks.models import WebhookEvent

    order: Any = Order.objects.order_by("-pk")[500]
    big, small = (
        Installation.objects.order_by(f"{sign}pk").values_list("pk", "external_key").first() or (0, "")
        for sign in ("", "-")
    )
    event: Any = WebhookEvent.objects.filter(appmax_order_id=order.appmax_order_id).first()
    today = timezone.localdate()
    day, old = today - timedelta(days=1), today - timedelta(days=80)
    before = today.replace(day=1) - timedelta(days=1)
    month = f"?created_at__year={old.year}&created_at__month={old.month}"
    refundable = Order.objects.filter(status="aprovado").latest("pk")
    author = User.objects.get(username="bench")
    note, _created = Note.objects.get_or_create(order=order, author=author, defaults={"once": uuid.uuid4()})
    pix = Order.objects.filter(pix_emv__isnull=False).order_by("-pk").first()
    orders, events, attempts = "/admin/orders/order/", "/admin/webhooks/webhookevent/", "/admin/orders/paymentattempt/"
    ApiKey.objects.get_or_create(name="bench", defaults={"prefix": "bench", "hashed_key": "x", "id": "bench.x"})
    key = ApiKey.objects.first()
    lists: dict[str, dict[str, str]] = {
        orders: {
            "": "",
            "page 200": "?p=200",
            "status aprovado": "?status__exact=aprovado",
            "status chargeback_perdido": "?status__exact=chargeback_perdido",
            "two statuses": "?status__exact=cancelado&status__exact=estornado",
            "method boleto": "?payment_method__exact=boleto",
            "largest merchant": f"?installation__id__exact={big[0]}",
            "smallest merchant": f"?installation__id__exact={small[0]}",
            "merchant, status, method": f"?installation__id__exact={big[0]}&status__exact=estornado"
            "&payment_method__exact=boleto",
            "one old day": f"?created_at_from={old}&created_at_to={old}",
            "one old day, pix, aprovado": f"?created_at_from={old}&created_at_to={old}&payment_method__exact=pix"
            "&status__exact=aprovado",
            "all dates, boleto, cancelado": f"?created_at_from={old}&payment_method__exact=boleto"
            "&status__exact=cancelado",
            "pending over an hour": "?pending=hour",
            "one amount": "?amount_from=123.45&amount_to=123.45",
            "one amount, one old day": f"?amount_from=123.45&amount_to=123.45"
            f"&created_at_from={old}&created_at_to={old}",
            "amounts, last 7 days": "?amount_from=50&amount_to=1000&created_at_from=today-6&created_at_to=today",
            "last 30 days": "?created_at_from=today-29&created_at_to=today",
            "date hierarchy, month": month,
            "date hierarchy, day": f"{month}&created_at__day={old.day}",
            "search order id": f"?q={order.appmax_order_id}",
            "search customer id": f"?q={order.appmax_customer_id}",
            "search external key, largest": f"?q={big[1]}",
            "search nothing": "?q=999999999",
        },
        events: {
            "": "",
            "page 200": "?p=200",
            "unprocessed": "?outcome=unprocessed",
            **{f"outcome {each}": f"?outcome={each}" for each in Outcome.values if each != "acknowledged"},
            "event OrderPaid": "?event=OrderPaid",
            "event OrderRefund": "?event=OrderRefund",
            "event nobody sent": "?event=CustomerContacted",
            "one old day": f"?created_at_from={old}&created_at_to={old}",
            "duplicates of one old day": f"?created_at_from={old}&created_at_to={old}&outcome=duplicate",
            "event and outcome": "?event=OrderRefund&outcome=duplicate",
            "largest merchant": f"?installation__id__exact={big[0]}",
            "smallest merchant": f"?installation__id__exact={small[0]}",
            "merchant, event, outcome": f"?installation__id__exact={big[0]}&event=OrderRefund&outcome=ignored",
            "unprocessed of a merchant": f"?installation__id__exact={big[0]}&outcome=unprocessed",
            "order": f"?order={order.appmax_order_id}",
            "search order id": f"?q={order.appmax_order_id}",
            "search event": "?q=order_integrated",
        },
        attempts: {
            "": "",
            "unknown": "?state__exact=unknown",
            "declined, pix": "?state__exact=declined&method__exact=pix",
            "yesterday": f"?started_at_from={day}&started_at_to={day}",
            "largest merchant": f"?order__installation__id__exact={big[0]}",
            "smallest merchant": f"?order__installation__id__exact={small[0]}",
            "merchant, declined, pix": f"?order__installation__id__exact={big[0]}&state__exact=declined"
            "&method__exact=pix",
            "search order id": f"?q={order.appmax_order_id}",
            "search idempotency key": "?q=nobody-has-this-key",
        },
        "/admin/installations/installation/": {
            "": "",
            "search": "?q=loja",
            "disabled": "?disabled=yes",
            "failing today": "?o=-2",
            "silent": "?o=-3",
            "volume": "?o=-4",
        },
        "/admin/installations/apikey/": {"": ""},
        "/admin/orders/question/": {"": "", "asked in vain": "?in_vain=yes"},
        "/admin/procrastinate/procrastinatejob/": {"": ""},
        "/admin/backoffice/eventbatch/": {"": ""},
        "/admin/notifications/notification/": {"": ""},
        "/admin/notifications/endpoint/": {"": ""},
    }
    terms = _searched(order, big[1])
    lists[orders] |= {f"search {kind}": f"?{urlencode({'q': term})}" for kind, term in terms.items()}
    year = today - timedelta(days=365)
    pages = [
        *((f"overview, {period}", f"/admin/?period={period}") for period in ("today", "7", "30", "last-month")),
        ("overview, all days", f"/admin/?from={year}&to={today}"),
        ("overview, 30 days, largest merchant", f"/admin/?period=30&merchant={big[0]}"),
    ]
    for path, queries in lists.items():
        name = path.split("/")[-2]
        pages += [(f"{name} list, {label}" if label else f"{name} list", path + q) for label, q in queries.items()]
    pages += [(f"one search, {kind}", f"/admin/search/?{urlencode({'q': term})}") for kind, term in terms.items()]
    pages.append(("palette of Ctrl-K", f"/admin/search/?{urlencode({'s': terms['whole name'], 'extended': 1})}"))
    pages += [
        ("order page", f"{orders}{order.pk}/change/"),
        ("order page, Pix", f"{orders}{pix.pk if pix else order.pk}/change/"),
        ("order page, question", f"{orders}{order.pk}/reconcile/"),
        ("order page, refund", f"{orders}{refundable.pk}/refund/"),
        ("order page, note", note.url),
        ("event page", f"{events}{event.pk}/change/"),
        ("event page, replay", f"{events}{event.pk}/replay/"),
        ("events, try all", f"{events}reprocess-all/?outcome=unprocessed"),
        ("merchant's page, largest", f"/admin/installations/installation/{big[0]}/change/"),
        ("merchant's page, smallest", f"/admin/installations/installation/{small[0]}/change/"),
        ("merchant's page, month before", f"/admin/installations/installation/{big[0]}/change/?month={before:%Y-%m}"),
        ("merchant's page, old month", f"/admin/installations/installation/{big[0]}/change/?month={old:%Y-%m}"),
        (
            "merchant autocomplete",
            "/admin/autocomplete/?app_label=orders&model_name=order&field_name=installation&term=lo",
        ),
        ("unprocessed badge", "/admin/unprocessed/"),
    ]
    if attempt := PaymentAttempt.objects.order_by("-pk").first():
        pages.append(("attempt page", f"{attempts}{attempt.pk}/change/"))
    if question := Question.objects.first():
        pages.append(("question page", f"/admin/orders/question/{question.pk}/change/"))
    if key:
        pages.append(("API key page", f"/admin/installations/apikey/{key.pk}/change/"))
    return pages


def _searched(order: Any, merchant: str) -> dict[str, str]:
    """Texts to search for, of each kind that the one search knows."""
    from orders.models import CodeKind, OrderCode, Shopper

    shopper = Shopper.objects.get(installation_id=order.installation_id, appmax_customer_id=order.appmax_customer_id)
    codes = {kind: OrderCode.objects.filter(kind=kind).order_by("-pk").first() for kind in CodeKind}
    return {
        "e-mail": shopper.email or "",
        "nobody's e-mail": "nobody@example.org",
        "document": shopper.document or "",
        "whole name": shopper.name,
        "first name": shopper.name.split()[0],
        "two letters of a name": shopper.name[:2],
        "nobody's name": "zzyzx quux",
        "part of a merchant's key": merchant[:4],
        "request id": "0123456789abcdef0123456789abcdef",
        **{f"code, {kind.value}": code.code for kind, code in codes.items() if code},
    }


if __name__ == "__main__":
    main()
