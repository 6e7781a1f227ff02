"""What happened to an order, in one list: its creation, payment attempts, what other rooms know, and what staff did."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import reverse
from django.utils.translation import gettext as _

from checkout_project.backoffice import lasted, reais, told
from orders.models import AttemptState, Order
from orders.signals import timeline_wanted

MOST = 200  # of each kind, the newest


@dataclass(frozen=True)
class Entry:
    """One line. `tone`: good, bad, open or "", for its colour; `url`: where there is more of it."""

    at: datetime
    title: str
    detail: str = ""
    tone: str = ""
    url: str = ""


def of(order: Order) -> list[Entry]:
    """The newest first."""
    entries = [
        Entry(order.created_at, _("Order created: %(amount)s") % {"amount": reais(order.total_cents)}),
        *_attempts(order),
        *staff_actions(Order, [order.pk]),
    ]
    for _receiver, found in timeline_wanted.send(sender=Order, order=order):
        entries.extend(found)  # type: ignore[arg-type] # what receivers return is theirs to say
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def staff_actions(model: type[Model], keys: Iterable[int], prefix: str = "") -> list[Entry]:
    """What staff did to these rows, as their history tells it."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(model), object_id__in=[str(key) for key in keys]
    )
    return [
        Entry(entry.action_time, prefix + told(entry.change_message), entry.user.get_username(), "staff")
        for entry in entries.select_related("user")[:MOST]
    ]


_TONES = {
    AttemptState.SUCCEEDED: "good",
    AttemptState.DECLINED: "bad",
    AttemptState.FAILED: "bad",
    AttemptState.STARTED: "open",
    AttemptState.UNKNOWN: "open",
}


def _attempts(order: Order) -> Iterable[Entry]:
    for attempt in order.attempts.order_by("-pk")[:MOST]:
        words = {"method": attempt.get_method_display(), "state": attempt.get_state_display()}
        answer = attempt.answer or {}
        detail = [str(answer.get(name) or "") for name in ("message", "by_hand")]
        if attempt.settled_at:
            detail.append(_("settled after %(time)s") % {"time": lasted(attempt.settled_at - attempt.started_at)})
        yield Entry(
            attempt.started_at,
            _("Payment attempt, %(method)s: %(state)s") % words,
            ", ".join(filter(None, detail)),
            _TONES[AttemptState(attempt.state)],
            reverse("admin:orders_paymentattempt_change", args=[attempt.pk]),
        )
