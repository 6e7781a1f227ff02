"""Question: something about an order that Appmax must be asked. Quota: how many of a merchant's may be asked now."""

from datetime import timedelta
from typing import Any

from django.db import connection, models
from django.db.models import ExpressionWrapper, F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from installations.models import Installation
from orders import clock
from orders.questions.why import Why
from orders.status import OrderStatus

# Appmax allows a merchant 60 requests a minute on GET /v1/orders/{id}. Each merchant has a bucket of tokens in the
# database, which all machines share, and each question takes a token. 36 at once and 21 a minute are 57 at most. The
# other requests are for the checkout and for staff, who don't wait for tokens. Patient questions that were asked before
# leave the last few tokens to the others.
TOKENS = 36
TOKENS_A_SECOND = 0.35
TOKENS_LEFT = 3
LATELY = timedelta(seconds=15)  # The worker takes what it may every 3 seconds.

LEASE = timedelta(seconds=30)
"""A question whose process died is asked again after this time. A slow answer may take longer, and the question is then
asked twice. That does no harm, as an answer is written only over what was there when it was asked."""

_WHYS = "string_to_array('" + ",".join(Why.values) + "', ',')"  # in the order of their importance
_IS_ANOTHER = f"""(q.due_at IS NULL OR array_position({_WHYS}, excluded.why::text)
                                    < array_position({_WHYS}, q.why::text))"""
PUT = f"""
    INSERT INTO order_questions AS q (appmax_order_id, installation_id, why, since, due_at, is_patient)
    SELECT %(order)s, %(installation)s, %(why)s, clock_timestamp(), clock_timestamp() + %(delay)s, %(is_patient)s
      {{source}}
        ON CONFLICT (appmax_order_id, installation_id) DO UPDATE
       SET claims = q.claims + 1,
           why = CASE WHEN {_IS_ANOTHER} THEN excluded.why ELSE q.why END,
           since = CASE WHEN {_IS_ANOTHER} THEN excluded.since ELSE q.since END,
           times = CASE WHEN {_IS_ANOTHER} THEN 0 ELSE q.times END,
           is_patient = excluded.is_patient AND (q.due_at IS NULL OR q.is_patient),
           due_at = CASE WHEN q.due_at IS NULL OR NOT excluded.is_patient THEN least(q.due_at, excluded.due_at)
                         ELSE q.due_at END
"""  # noqa: S608 - a piece of our own # nosec B608
"""Puts a question about an order, or adds a claim to the one that it has.

1. A question that was answered, or whose reason is less important than the new one's, begins anew with that reason.
2. Otherwise it keeps its reason. It becomes due earlier if the new claim is due earlier and isn't patient.

A caller whose own statement contains this one gives `source`, a FROM clause whose row must be there. It is one
statement, and a part of the one that writes a webhook: through the ORM it took twelve times as long (500 of each in
turns).
"""

TAKE = """
    WITH due AS (
        SELECT q.id, q.installation_id,
               CASE WHEN {is_patient} AND q.asked_at IS NOT NULL THEN %(left)s + 1 ELSE 1 END AS needed
          FROM {table} q LEFT JOIN question_quotas quota USING (installation_id)
         WHERE q.due_at <= clock_timestamp()
           AND (%(ids)s::bigint[] IS NULL OR q.id = ANY(%(ids)s))
           AND (quota.installation_id IS NULL OR
                (quota.paused_until IS NULL OR quota.paused_until <= clock_timestamp()) AND
                least(%(tokens)s, quota.tokens + %(rate)s * extract(epoch FROM clock_timestamp() - quota.counted_at))
                >= CASE WHEN {is_patient} AND q.asked_at IS NOT NULL THEN %(left)s + 1 ELSE 1 END)
         ORDER BY {first}q.asked_at NULLS FIRST, q.due_at
         LIMIT 1
           FOR UPDATE OF q SKIP LOCKED
    ), allowed AS (
        INSERT INTO question_quotas AS quota (installation_id, tokens, counted_at)
        SELECT installation_id, %(tokens)s - 1, clock_timestamp() FROM due
            ON CONFLICT (installation_id) DO UPDATE
           SET counted_at = clock_timestamp(),
               tokens = least(%(tokens)s, quota.tokens
                        + %(rate)s * extract(epoch FROM clock_timestamp() - quota.counted_at)) - 1
         WHERE least(%(tokens)s, quota.tokens + %(rate)s * extract(epoch FROM clock_timestamp() - quota.counted_at))
               >= (SELECT needed FROM due)
     RETURNING installation_id
    )
    UPDATE {table} q
       SET due_at = clock_timestamp() + %(lease)s, asked_at = clock_timestamp(), times = q.times + 1
      FROM due JOIN allowed USING (installation_id)
     WHERE q.id = due.id
 RETURNING q.*
"""
"""Takes the next question of a table for this process, in three steps:

1. `due` locks the first question that is due and whose merchant has a token. Others skip locked rows.
2. `allowed` takes the token. The update locks the quota's row, so that two processes can't take the same token.
3. The question is leased: it is due again only when the lease is over.

Through the ORM, as a transaction with five statements, it took six times as long (400 of each in turns).
"""
TAKE_QUESTION = TAKE.format(
    table="order_questions",
    is_patient="q.is_patient",
    first=f"q.is_patient, (q.why <> '{Why.PAYMENT_UNKNOWN.value}' OR q.error = '' AND q.times > 0), ",
)


class QuestionQuerySet(models.QuerySet["Question"]):
    def put(
        self,
        appmax_order_id: int,
        installation_id: int,
        why: Why,
        *,
        after: timedelta = timedelta(),
        is_patient: bool = False,
    ) -> None:
        """Have the worker ask Appmax about this order with this merchant's credentials. However many claims are made
        about an order, it has one question, with the most important `why` of them all."""
        values = put_values(appmax_order_id, installation_id, why, after=after, is_patient=is_patient)
        with connection.cursor() as cursor:
            cursor.execute(PUT.format(source=""), values)

    def take(self, ids: list[int] | None = None) -> "Question | None":
        """The next question for this process, for which a token of its merchant's quota is taken. None if no question
        is due whose merchant has a token. With `ids` only these questions are looked at."""
        found = list(self.raw(TAKE_QUESTION, take_values(ids)))
        return found[0] if found else None

    def open(self) -> "QuestionQuerySet":
        """The questions that still have to be asked."""
        return self.filter(due_at__isnull=False)

    def of_order(self, appmax_order_id: int) -> "QuestionQuerySet":
        """The order's question. If we have no such order, there may be one for each merchant that a webhook named."""
        return self.filter(appmax_order_id=appmax_order_id)


class Question(models.Model):
    """A question about an order, which is kept when it is answered. An order has one at most."""

    appmax_order_id = models.IntegerField(
        _("Appmax order id"), db_comment="Id of the order at Appmax; there may be no row of ours"
    )
    installation = models.ForeignKey(
        Installation,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("merchant"),
        db_index=False,
        db_comment="With whose credentials Appmax is asked",
    )
    why = models.CharField(
        _("reason"),
        max_length=32,
        choices=Why.choices,
        db_comment="Why Appmax is asked: the most important reason of all claims",
    )
    since = models.DateTimeField(_("since"), db_comment="Since when there is this reason")
    due_at = models.DateTimeField(
        _("asked next at"), null=True, db_comment="When it is asked next; null: nothing is left to ask"
    )
    is_patient = models.BooleanField(
        _("may wait"), db_default=False, db_comment="Whether it stands behind all questions that may not wait"
    )
    claims = models.IntegerField(_("claims"), db_default=1, db_comment="How often something was claimed of the order")
    times = models.IntegerField(_("times asked"), db_default=0, db_comment="How often Appmax was asked for this reason")
    asked_at = models.DateTimeField(_("asked at"), null=True, db_comment="When Appmax was last asked")
    said = models.CharField(
        _("Appmax said"), max_length=64, db_default="", db_comment="The status that Appmax said last"
    )
    error = models.CharField(
        _("failure"),
        max_length=64,
        db_default="",
        db_comment="The kind of failure that the last time of asking ended in",
    )
    refuted = models.IntegerField(_("claims refuted"), db_default=0, db_comment="How many claims Appmax has refuted")
    refuted_at = models.DateTimeField(_("last refuted at"), null=True, db_comment="When it last refuted one")

    objects = QuestionQuerySet.as_manager()

    class Meta:
        db_table = "order_questions"
        db_table_comment = "What Appmax is asked about an order: why, since when, when next, what it said"
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [
            models.UniqueConstraint(fields=["appmax_order_id", "installation"], name="order_questions_one_per_order"),
            models.CheckConstraint(condition=Q(why__in=Why.values), name="order_questions_known_why"),
            models.CheckConstraint(condition=Q(said__in=["", *OrderStatus.values]), name="order_questions_known_said"),
        ]
        indexes = [
            # The order in which questions are asked. A payment of unknown outcome goes first, as a shopper may be
            # waiting, until Appmax has answered once. Then come those never asked, then those asked longest ago.
            models.Index(
                F("is_patient"),
                ExpressionWrapper(
                    ~Q(why=Why.PAYMENT_UNKNOWN) | Q(times__gt=0, error=""), output_field=models.BooleanField()
                ),
                F("asked_at").asc(nulls_first=True),
                F("due_at"),
                condition=Q(due_at__isnull=False),
                name="order_questions_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.appmax_order_id}: {self.get_why_display()}"


class QuotaQuerySet(models.QuerySet["Quota"]):
    def used_up(self) -> "QuotaQuerySet":
        """The quotas of merchants whom Appmax is asked about as fast as it allows: a question has lately taken one of
        the last tokens."""
        return self.filter(tokens__lt=TOKENS_LEFT, counted_at__gt=Now() - LATELY)

    def pause(self, installation_id: int, wait: timedelta) -> None:
        """Leave the merchant alone for a while, as Appmax has asked."""
        now = clock.now()
        self.update_or_create(
            installation_id=installation_id,
            defaults={"paused_until": now + wait},
            create_defaults={"paused_until": now + wait, "tokens": 0.0, "counted_at": now},
        )


class Quota(models.Model):
    """How many questions about a merchant's orders may be asked now. A merchant without a row has a full bucket."""

    installation = models.OneToOneField(Installation, on_delete=models.CASCADE, primary_key=True, related_name="+")
    tokens = models.FloatField(db_comment="How many questions could be asked at counted_at")
    counted_at = models.DateTimeField(db_comment="When there were so many tokens")
    paused_until = models.DateTimeField(null=True, db_comment="Appmax has asked to be left alone until then")

    objects = QuotaQuerySet.as_manager()

    class Meta:
        db_table = "question_quotas"
        db_table_comment = "How many questions about a merchant's orders may be asked now, on all machines together"

    def __str__(self) -> str:
        return f"{self.installation_id}: {self.tokens}"


def take_values(ids: list[int] | None) -> dict[str, Any]:
    """The parameters of `TAKE`."""
    return {"ids": ids, "tokens": TOKENS, "rate": TOKENS_A_SECOND, "left": TOKENS_LEFT, "lease": LEASE}


def put_values(
    appmax_order_id: int, installation_id: int | None, why: Why, *, after: timedelta, is_patient: bool
) -> dict[str, Any]:
    """The parameters of `PUT`."""
    return {
        "order": appmax_order_id,
        "installation": installation_id,
        "why": why.value,
        "delay": after,
        "is_patient": is_patient,
    }
