"""What waits to be done, and whether a worker does it. /health/ready and /metrics show it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker

from notifications.models import Endpoint, Notification, State
from orders.models import PaymentAttempt, Question, Quota, SubscriptionQuestion
from orders.questions.why import Why
from webhooks.models import WebhookEvent


def waiting_events() -> tuple[int, timedelta]:
    """The number of events that are kept and not handled yet, and the age of the oldest."""
    found = WebhookEvent.objects.filter(processed=False).aggregate(count=Count("pk"), since=Min("created_at"))
    return found["count"], _ago(found["since"])


def overdue_questions() -> timedelta:
    """How long the most overdue question about an order has been due.

    Patient ones don't count, as they may wait for others. Nor do those of a merchant who sells more than its quota lets
    be checked, as nobody can hurry them, unless a payment's outcome is unknown: those go first.
    """
    may_count = Q(why=Why.PAYMENT_UNKNOWN) | ~Q(installation__in=Quota.objects.used_up().values("installation"))
    first = Question.objects.open().filter(may_count, is_patient=False).aggregate(first=Min("due_at"))["first"]
    return max(_ago(first), timedelta())


def overdue_subscription_questions() -> timedelta:
    """How long the most overdue question about a subscription has been due."""
    return max(_ago(SubscriptionQuestion.objects.aggregate(first=Min("due_at"))["first"]), timedelta())


def waiting_notifications() -> tuple[int, timedelta]:
    """The number of messages that are due and not sent, and for how long the oldest has been. Those of endpoints that
    fail don't count, as nothing here can help them."""
    due = Notification.objects.filter(
        state=State.WAITING, due_at__lte=timezone.now(), endpoint__enabled=True, endpoint__failing_since=None
    )
    found = due.aggregate(count=Count("pk"), since=Min("due_at"))
    return found["count"], _ago(found["since"])


def failing_endpoints() -> int:
    """Endpoints of storefronts whose every delivery has failed for an hour."""
    since = timezone.now() - timedelta(hours=1)
    return Endpoint.objects.filter(enabled=True, failing_since__lt=since).count()


def worker_silence() -> timedelta | None:
    """Time since the last heartbeat of any job worker; None if there is no worker."""
    latest = ProcrastinateWorker.objects.aggregate(latest=Max("last_heartbeat"))["latest"]
    return None if latest is None else _ago(latest)


def jobs() -> Mapping[str, int]:
    """The number of jobs by status. Jobs that succeeded are deleted at once, so they don't appear."""
    found = ProcrastinateJob.objects.values_list("status").annotate(Count("pk"))
    return {"todo": 0, "doing": 0, "failed": 0, **dict(found)}


def open_payments() -> tuple[int, timedelta]:
    """The number of payment attempts whose result isn't known, and the time since the oldest was started."""
    found = PaymentAttempt.objects.open().aggregate(count=Count("pk"), since=Min("started_at"))
    return found["count"], _ago(found["since"])


def questions_in_vain() -> int:
    """Questions about orders that Appmax was asked and that are open all the same: it didn't answer, or contradicts
    what we know."""
    return Question.objects.open().filter(times__gt=0).count()


def subscription_questions_in_vain() -> int:
    """Questions about subscriptions that Appmax was asked and didn't answer."""
    return SubscriptionQuestion.objects.filter(times__gt=0).count()


def _ago(moment: datetime | None) -> timedelta:
    return timedelta() if moment is None else timezone.now() - moment
