"""Fill a database with believable data, to look at the admin and to measure it:
`python -m demo --orders 1000000 --events 5000000`.

Each order follows one of the stories of demo/stories.py, cut off at the present moment; what became of its
events is decided by the inbox's own rules, so that orders and events tell the same. Times, names and amounts are drawn
with Python's random from `--seed` and the first new order's number: the same database gets the same data, and a second
run adds other rows.
Rows are written with COPY, a batch a transaction, so no statement comes near its time-out.

The worker may be running. It must ask Appmax nothing about these orders, whose merchants have made-up credentials:
every order that it would ask about (undecided, in a chargeback, or with an open payment attempt) has a question that is
due in a year, and what waits names no merchant. By hand it is still possible: `reconcile_orders` asks about the open
attempts.
"""

import random
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from django.db.models import Max, Model
from django.utils import timezone
from psycopg import sql
from tqdm import tqdm

from demo.bodies import app_id
from demo.rows import COLUMNS, FIRST_ORDER_ID, Batch, Demo
from demo.sales import Merchant
from installations.models import Installation
from orders.fields import MAX_ID
from orders.models import Order, Shopper
from webhooks.models import WebhookEvent

SHOPS = (
    "loja-azul", "casa-do-cafe", "moda-praia", "pet-feliz", "emporio-mineiro", "livraria-ipe", "bike-sul",
    "doce-sabor", "verde-vida", "tenis-br", "arte-em-couro", "relojoaria-paulista", "mundo-bebe", "vida-fit",
    "vinhos-da-serra", "joias-aurora", "casa-e-jardim", "tech-nordeste", "cosmeticos-flor", "papelaria-central",
)  # fmt: skip
_RESERVE = """
    SELECT setval(sequence, greatest(nextval(sequence), highest + 1) + %s - 1)
      FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence, coalesce(max(id), 0) AS highest FROM {}) ids
"""


class Command(BaseCommand):
    """Prints how many rows it added, and how long that took."""

    help = "Add demo merchants, orders, payment attempts and webhook events. Never in production."

    def add_arguments(self, parser: CommandParser) -> None:
        """Each number has a default, for a first look."""
        parser.add_argument("--orders", type=int, default=2000)
        parser.add_argument("--events", type=int, help="default: five for each order")
        parser.add_argument("--merchants", type=int, default=40)
        parser.add_argument("--days", type=int, default=90, help="how far back the orders go (default: 90)")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError in production, and for numbers that make no sense."""
        if settings.APP_ENV == "production":
            raise CommandError("demo data are made up: they are not for production")
        orders, merchants, days, seed = (options[name] for name in ("orders", "merchants", "days", "seed"))
        events = 5 * orders if options["events"] is None else options["events"]
        if min(orders, merchants, days) < 1 or events < 0:
            raise CommandError("--orders, --merchants and --days must be at least 1, and --events 0")
        highest = Order.objects.aggregate(highest=Max("appmax_order_id"))["highest"] or 0
        first_appmax_order = max(highest + 1, FIRST_ORDER_ID)
        if first_appmax_order + orders - 1 > MAX_ID:
            raise CommandError("there are no Appmax order ids left for so many orders")

        started = time.monotonic()
        now = timezone.now()
        rng = random.Random(seed)  # noqa: S311 - demo data
        demo = Demo(
            seed=f"{seed} {first_appmax_order}",
            merchants=_merchants(merchants, before=now - timedelta(days=days), rng=rng),
            now=now.timestamp(),
            days=days,
            orders=orders,
            events=events,
            first_order=_reserve(Order, orders),
            first_appmax_order=first_appmax_order,
            first_event=_reserve(WebhookEvent, events),
            known_shoppers=set(Shopper.objects.values_list("installation_id", "appmax_customer_id")),
        )
        sales = tqdm(demo.sales(), total=orders, desc="planning", unit_scale=True, disable=None)
        planned = sum(len(sale.events) for sale in sales)
        if events and not planned:
            raise CommandError("nothing has happened to so few orders: ask for more of them")
        added: Counter[str] = Counter()
        with tqdm(total=orders + events, desc="writing", unit=" rows", unit_scale=True, disable=None) as bar:
            for batch in demo.batches(planned):
                _write(batch)
                added.update({model._meta.db_table: len(rows) for model, rows in batch.items()})
                bar.update(len(batch[Order]) + len(batch[WebhookEvent]))
        tables: tuple[type[Model], ...] = (Installation, *COLUMNS)
        for model in tables:
            _run("ANALYZE {}", model)
        rows = ", ".join(f"{count:,} {table}" for table, count in added.items())
        self.stdout.write(f"added {rows} in {time.monotonic() - started:.0f} s")


def _merchants(count: int, *, before: datetime, rng: random.Random) -> list[Merchant]:
    """The first `count` demo merchants; those that aren't there are made, as if they had installed the app `before`."""
    merchants = []
    for number in range(count):
        key = f"{SHOPS[number % len(SHOPS)]}-{number // len(SHOPS) + 1:02}"
        secret, installed_at = f"{rng.getrandbits(128):032x}", before - timedelta(days=rng.uniform(1, 400))
        row = Installation.objects.defer("merchant_client_secret").filter(external_key=key).first()
        if row is None:
            row = Installation.objects.create(
                external_key=key,
                app_id=app_id(),
                merchant_client_id=f"demo-{key}",
                merchant_client_secret=secret,
            )
            times = dict.fromkeys(("installed_at", "created_at", "updated_at"), installed_at)
            Installation.objects.filter(pk=row.pk).update(**times)
        merchants.append(Merchant(row.pk, key, is_old=number % 4 == 3))
    return merchants


def _reserve(model: type[Model], count: int) -> int:
    """Take `count` ids in a row, after the highest, out of the table's sequence; the first of them. Nobody can take one
    in between: an INSERT waits for the lock before it asks the sequence."""
    if not count:
        return 0
    table = model._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        _run("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", model)
        cursor.execute(sql.SQL(_RESERVE).format(sql.Identifier(table)), [count, table])
        return int(cursor.fetchone()[0]) - count + 1


def _write(batch: Batch) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for model, columns in COLUMNS.items():
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(model._meta.db_table), names)
            with cursor.copy(statement) as copy:
                for row in batch[model]:
                    copy.write_row(row)


def _run(statement: str, model: type[Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(sql.Identifier(model._meta.db_table)))
