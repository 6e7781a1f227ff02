"""IdempotentRequest: a request that is not done again."""

from datetime import timedelta

from django.contrib.postgres.functions import TransactionNow
from django.db import models

from installations.models import Installation
from orders import clock
from orders.models.order import Order


class IdempotentRequest(models.Model):
    """A request that carried an Idempotency-Key, and its first answer. Kept for 24 hours."""

    KEPT = timedelta(hours=24)

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    order = models.ForeignKey(Order, on_delete=models.SET_NULL, null=True, related_name="+")
    claimed_at = models.DateTimeField(null=True)  # by the request that works on it now
    status_code = models.SmallIntegerField(null=True)  # of the first answer
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=TransactionNow(), editable=False, db_index=True)

    class Meta:
        db_table = "idempotent_requests"
        constraints = [
            models.UniqueConstraint(fields=["installation", "key"], name="idempotent_requests_key_per_installation")
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def has_expired(self) -> bool:
        """Whether the key may be used again for anything."""
        return self.created_at < clock.now() - self.KEPT
