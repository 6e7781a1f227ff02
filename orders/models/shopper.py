"""Shopper: what is kept of a merchant's customer. OrderCode: a code by which an order is found."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.postgres.functions import TransactionNow
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import connection, models
from django.db.models import Func, Q
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from installations.fields import DecryptionFailed, EncryptedTextField
from installations.models import Installation
from orders import hashes
from orders.hashes import Kind
from orders.masks import hint
from orders.models.order import Order

LONGEST = 255  # characters of a name or an e-mail, and of a hint at an e-mail
LONGEST_DOCUMENT = 32
LONGEST_DOCUMENT_HINT = 16

# The configuration is a part of the text and no parameter, or PostgreSQL would not use the index.
_WORDS = Func(
    "folded_name",
    function="to_tsvector",
    template="%(function)s('simple', %(expressions)s)",
    output_field=SearchVectorField(),
)


def folded(name: str) -> str:
    """The name in small letters without accents, as words of letters and digits."""
    letters = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    return " ".join(re.findall(r"\w+", letters.casefold().replace("_", " ")))[:LONGEST]


# PostgreSQL plans each part by itself. Otherwise it would take a limit for a reason to read the table instead of the
# index, which took 4 s among a million shoppers; so common words take 10 ms, and common beginnings 120 ms.
_NAMED = """
    WITH found AS MATERIALIZED (
        SELECT id, seen_at FROM shoppers WHERE to_tsvector('simple', folded_name) @@ to_tsquery('simple', %s)
    ), looked_at AS MATERIALIZED (
        SELECT id, seen_at FROM found LIMIT %s
    )
    SELECT id FROM looked_at ORDER BY seen_at DESC LIMIT %s
"""
_MOST_NAMESAKES = 2000


def storable(text: str) -> str:
    """The text without white space around it, and without what PostgreSQL can't store: NUL and lone surrogates."""
    return text.encode("utf-8", "ignore").decode().replace("\0", "").strip()


def _insert(rows: "Sequence[Shopper] | Sequence[OrderCode]", on_conflict: str) -> None:
    """Insert the rows in one statement. A payment does it twice, and with bulk_create it took three times as many
    calls."""
    if not rows:
        return
    meta = rows[0]._meta
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    lines: list[str] = []
    values: list[Any] = []
    for row in rows:
        given = [(field, getattr(row, field.attname)) for field in fields]
        places = ", ".join("now()" if isinstance(value, TransactionNow) else "%s" for _field, value in given)
        lines.append(f"({places})")
        for field, value in given:
            if isinstance(field, EncryptedTextField):
                values.append(field.get_prep_value(value))
            elif not isinstance(value, TransactionNow):
                values.append(value)
    columns = ", ".join(field.attname for field in fields)
    what = f"{meta.db_table} ({columns}) VALUES {', '.join(lines)} ON CONFLICT {on_conflict}"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {what}", values)


class ShopperQuerySet(models.QuerySet["Shopper"]):
    def put(self, shoppers: Iterable["Shopper"], *, replaces: bool) -> None:
        """Write these shoppers in one statement. Of those that are there already nothing is changed, or with `replaces`
        the columns for which the first of `shoppers` has values."""
        rows = list(shoppers)
        columns = [name for group in _GROUPS if getattr(rows[0], group[0]) for name in group] if replaces else []
        news = ", ".join(f"{name} = EXCLUDED.{name}" for name in [*columns, "seen_at"])
        changed = f"(installation_id, appmax_customer_id) DO UPDATE SET {news}"  # nosec B608 - names of our own columns
        _insert(rows, changed if replaces else "DO NOTHING")

    def with_email(self, email: str) -> "ShopperQuerySet":
        return self.filter(email_hash__in=hashes.candidates(Kind.EMAIL, email))

    def with_document(self, document: str) -> "ShopperQuerySet":
        return self.filter(document_hash__in=hashes.candidates(Kind.DOCUMENT, document))

    def named(self, text: str, *, in_part: bool = False, most: int = 20) -> "ShopperQuerySet":
        """The `most` shoppers who were seen last, of those in whose names there is each of these words, or with
        `in_part` a word that begins with it. Of very common names, not all are looked at."""
        words = " & ".join(f"'{word}'{':*' if in_part else ''}" for word in folded(text).split())
        if not words:
            return self.none()
        newest = RawSQL(_NAMED, [words, _MOST_NAMESAKES, most])  # noqa: S611 - a fixed text # nosec B611
        return self.filter(pk__in=newest).order_by("-seen_at")


# The columns that are written together, each group under the column that tells whether there is a value.
_GROUPS = (
    ("name", "folded_name"),
    ("email_hash", "email", "email_shown"),
    ("document_hash", "document", "document_shown"),
)


class Shopper(models.Model):
    """A customer of a merchant, told apart by Appmax's customer id. The row is deleted when it has grown old
    (webhooks/retention.py), so an order may have none."""

    installation = models.ForeignKey(
        Installation,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # shoppers_one_row serves
        db_comment="The merchant whose customer this is",
    )
    appmax_customer_id = models.IntegerField(db_comment="Id of the customer at Appmax")
    name = models.CharField(_("name"), max_length=LONGEST, db_default="", db_comment="First and last name")
    folded_name = models.CharField(
        max_length=LONGEST, db_default="", db_comment="The name in small letters without accents, which is searched"
    )
    email_shown = models.CharField(
        _("e-mail"), max_length=LONGEST, db_default="", db_comment="A hint at the e-mail: a•••@example.com"
    )
    document_shown = models.CharField(
        _("document"), max_length=LONGEST_DOCUMENT_HINT, db_default="", db_comment="A hint at the CPF or CNPJ: •••25"
    )
    # The field's types don't tell that these two may be null.
    email = EncryptedTextField(  # type: ignore[misc]
        null=True, max_plain_length=LONGEST, db_comment="The e-mail, encrypted with FIELD_ENCRYPTION_KEYS"
    )
    document = EncryptedTextField(  # type: ignore[misc]
        null=True, max_plain_length=LONGEST_DOCUMENT, db_comment="The CPF or CNPJ, encrypted with FIELD_ENCRYPTION_KEYS"
    )
    email_hash = models.BinaryField(null=True, db_comment="Hash of the e-mail, keyed with SEARCH_HASH_KEYS")
    document_hash = models.BinaryField(null=True, db_comment="Hash of the CPF or CNPJ, keyed with SEARCH_HASH_KEYS")
    seen_at = models.DateTimeField(
        db_default=TransactionNow(), db_comment="When the data last came; the row is deleted when that is long ago"
    )

    objects = ShopperQuerySet.as_manager()

    class Meta:
        db_table = "shoppers"
        db_table_comment = "A merchant's customer: the name, hints, and what e-mail and document are found by"
        verbose_name = _("shopper")
        verbose_name_plural = _("shoppers")
        constraints = [
            models.UniqueConstraint(fields=["installation", "appmax_customer_id"], name="shoppers_one_row"),
        ]
        indexes = [
            models.Index(fields=["email_hash"], condition=Q(email_hash__isnull=False), name="shoppers_email"),
            models.Index(fields=["document_hash"], condition=Q(document_hash__isnull=False), name="shoppers_document"),
            GinIndex(_WORDS, name="shoppers_name"),
            models.Index(fields=["seen_at"], name="shoppers_seen_at"),
        ]

    def __str__(self) -> str:
        return str(self.appmax_customer_id)

    @classmethod
    def of(
        cls,
        installation_id: int,
        appmax_customer_id: int,
        *,
        name: str = "",
        email: str = "",
        document: str = "",
        at: datetime | None = None,
    ) -> "Shopper":
        """A new row with these data, of which any may be blank. They came `at` this time, or just now. A hint may be
        longer than its text, and is cut."""
        row = cls(installation_id=installation_id, appmax_customer_id=appmax_customer_id)
        row.seen_at = at or TransactionNow()
        name, email, document = (storable(text) for text in (name, email, document))
        row.name = name[:LONGEST]
        row.folded_name = folded(row.name)
        row.email_shown = row.document_shown = ""
        if 0 < len(email) <= LONGEST:
            row.email, row.email_shown = email, hint(email)[:LONGEST]
            row.email_hash = hashes.of(Kind.EMAIL, email)
        if 0 < len(document) <= LONGEST_DOCUMENT:
            row.document, row.document_shown = document, hint(document)[:LONGEST_DOCUMENT_HINT]
            row.document_hash = hashes.of(Kind.DOCUMENT, document)
        return row


class CodeKind(models.TextChoices):
    PIX = "pix", _("Pix copy and paste code")
    BOLETO = "boleto", _("boleto digits")
    END_TO_END = "end_to_end", _("end-to-end id")
    TRACKING = "tracking", _("tracking code")
    PAYER = "payer", _("payer's document")

    @property
    def hashed_as(self) -> Kind:
        return Kind.DOCUMENT if self is CodeKind.PAYER else Kind.CODE


class OrderCodeQuerySet(models.QuerySet["OrderCode"]):
    def put(self, order: Order, **codes: str | None) -> None:
        """Keep these codes of the order (`pix`, `boleto`, `end_to_end`, `tracking`, `payer`) in one statement, unless
        they are there. Blank ones and ones that are too long are left out."""
        self.put_all(OrderCode.of(order.pk, CodeKind(kind), code or "") for kind, code in codes.items())

    def put_all(self, codes: "Iterable[OrderCode]") -> None:
        """Do the same for codes of several orders."""
        _insert([row for row in codes if 0 < len(row.code) <= OrderCode.LONGEST], "DO NOTHING")

    def readable(self) -> "list[OrderCode]":
        """The rows, or none if a key of FIELD_ENCRYPTION_KEYS was removed too early."""
        try:
            return list(self)
        except DecryptionFailed:
            return []

    def matching(self, text: str) -> "OrderCodeQuerySet":
        """The codes that are this text, or the document that it is."""
        wanted = [*hashes.candidates(Kind.CODE, text), *hashes.candidates(Kind.DOCUMENT, text)]
        return self.filter(hash__in=wanted)


class OrderCode(models.Model):
    """A code that an order has had. A new payment attempt replaces the codes in the order's row, but a shopper may
    still ask about the first one. The row is deleted when it has grown old (webhooks/retention.py)."""

    LONGEST = 1024

    order = models.ForeignKey(
        Order,
        on_delete=models.CASCADE,
        related_name="codes",
        db_index=False,  # order_codes_once serves
        db_comment="The order that it belongs to",
    )
    kind = models.CharField(
        _("kind"),
        max_length=16,
        choices=CodeKind.choices,
        db_comment="What it is: pix, boleto, end_to_end, tracking, or payer for the document of who pays",
    )
    code = EncryptedTextField(max_plain_length=LONGEST, db_comment="The whole, encrypted with FIELD_ENCRYPTION_KEYS")
    hash = models.BinaryField(db_comment="Hash by which it is found, keyed with SEARCH_HASH_KEYS")
    created_at = models.DateTimeField(
        db_default=TransactionNow(), editable=False, db_comment="When it came; the row is deleted when that is long ago"
    )

    objects = OrderCodeQuerySet.as_manager()

    class Meta:
        db_table = "order_codes"
        db_table_comment = (
            "A code that an order is found by: Pix, boleto, end-to-end id, tracking code, payer's document"
        )
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=CodeKind.values), name="order_codes_known_kind"),
            models.UniqueConstraint(fields=["order", "hash"], name="order_codes_once"),
        ]
        indexes = [
            models.Index(fields=["hash"], name="order_codes_hash"),
            models.Index(fields=["created_at"], name="order_codes_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.order_id}"

    @classmethod
    def of(cls, order_pk: int, kind: CodeKind, code: str, *, at: datetime | None = None) -> "OrderCode":
        """A new row. The code came `at` this time, or just now."""
        row = cls(order_id=order_pk, kind=kind.value, code=storable(code), created_at=at or TransactionNow())
        row.hash = hashes.of(kind.hashed_as, row.code)
        return row
