"""What waits to be done, and who does it: read by /health/ready and /metrics."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker

from orders.models import PaymentAttempt, Question
from webhooks.models import WebhookEvent


def waiting_events() -> tuple[int, timedelta]:
    """How many kept events aren't handled yet, and for how long the oldest has waited."""
    found = WebhookEvent.objects.filter(processed=False).aggregate(count=Count("pk"), since=Min("created_at"))
    return found["count"], _ago(found["since"])


def overdue_questions() -> timedelta:
    """For how long the question that is due first has been due; those that may wait for others don't count."""
    return max(
        _ago(Question.objects.open().filter(is_patient=False).aggregate(first=Min("due_at"))["first"]), timedelta()
    )


def worker_silence() -> timedelta | None:
    """How long ago the last sign of life of any job worker was; None if there is no worker."""
    latest = ProcrastinateWorker.objects.aggregate(latest=Max("last_heartbeat"))["latest"]
    return None if latest is None else _ago(latest)


def jobs() -> Mapping[str, int]:
    """How many jobs there are of each status; those that succeeded are deleted at once."""
    found = ProcrastinateJob.objects.values_list("status").annotate(Count("pk"))
    return {"todo": 0, "doing": 0, "failed": 0, **dict(found)}


def open_payments() -> tuple[int, timedelta]:
    """How many payment attempts have no known outcome, and how long ago the oldest was begun."""
    found = PaymentAttempt.objects.open().aggregate(count=Count("pk"), since=Min("started_at"))
    return found["count"], _ago(found["since"])


def unsettled_questions() -> int:
    """Questions that Appmax was asked and that are open all the same: it didn't answer, or contradicts what we know."""
    return Question.objects.open().filter(times__gt=0).count()


def _ago(moment: datetime | None) -> timedelta:
    return timedelta() if moment is None else timezone.now() - moment
