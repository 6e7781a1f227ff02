"""IdempotentRequest: the table behind idempotency.py."""

from datetime import timedelta

from django.contrib.postgres.functions import TransactionNow
from django.db import models

from installations.models import Installation
from orders import clock
from orders.models.order import Order


class IdempotentRequest(models.Model):
    """A request with an Idempotency-Key and its first answer, which are kept for 24 hours."""

    KEPT = timedelta(hours=24)

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255, db_comment="The Idempotency-Key")
    fingerprint = models.CharField(
        max_length=64,
        db_comment="Keyed hash of the request, without card data, which tells another request with the same key",
    )
    order = models.ForeignKey(
        Order, on_delete=models.SET_NULL, null=True, related_name="+", db_comment="The order that the request is about"
    )
    claimed_at = models.DateTimeField(null=True, db_comment="Since when a request is being worked on; null: none is")
    status_code = models.SmallIntegerField(
        null=True, db_comment="HTTP status of the first answer; null until there is one"
    )
    body = models.JSONField(null=True, db_comment="Body of the first answer")
    created_at = models.DateTimeField(db_default=TransactionNow(), editable=False, db_index=True)

    class Meta:
        db_table = "idempotent_requests"
        db_table_comment = "A request with an Idempotency-Key and its first answer; 24 hours"
        constraints = [
            models.UniqueConstraint(fields=["installation", "key"], name="idempotent_requests_key_per_installation")
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def has_expired(self) -> bool:
        """Whether the key may be used for another request."""
        return self.created_at < clock.now() - self.KEPT
