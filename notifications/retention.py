"""Deletes messages after NOTIFY_KEEP_DAYS, because they hold what an order's route answers, and endpoints that were
deleted."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from notifications.models import DisabledWhy, Endpoint, Notification

BATCH = 1000


def forget_old() -> int:
    """Delete what is old, in batches; returns the number of messages."""
    before = timezone.now() - timedelta(days=settings.NOTIFY_KEEP_DAYS)
    total = 0
    while True:
        ids = list(Notification.objects.filter(created_at__lt=before).values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        total += Notification.objects.filter(pk__in=ids).delete()[0]
    # Nobody has written a message to them since, and their last ones are gone.
    deleted = Endpoint.objects.filter(disabled_why=DisabledWhy.DELETED, updated_at__lt=before)
    deleted.exclude(Exists(Notification.objects.filter(endpoint=OuterRef("pk")))).delete()
    return total
