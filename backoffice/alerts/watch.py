"""The worker's look at all alert rules: what they find, and nobody has been told yet, becomes rows that are to be sent.

A rule's row is locked meanwhile, so that two workers don't tell of the same. Nothing is sent here.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Max
from django.utils.translation import gettext, override

from backoffice.alerts.kinds import KINDS, Finding
from backoffice.alerts.models import TEST, Alert, AlertRule
from orders import clock

log = structlog.stdlib.get_logger(__name__)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEPT = timedelta(days=90)
"""Alerts are deleted after this time."""


def look() -> int:
    """Look at each rule that is on; returns the number of alerts that are new. A rule whose query fails, or takes too
    long, doesn't keep the others waiting."""
    new = 0
    for pk in AlertRule.objects.filter(enabled=True).order_by("pk").values_list("pk", flat=True):
        try:
            new += _look_at(pk)
        except DatabaseError:
            log.exception("alerts.look_failed", rule=pk)
    Alert.objects.filter(found_at__lt=clock.now() - KEPT).delete()
    return new


def put_test(rule: AlertRule) -> None:
    """Have a test sent to everybody whom the rule tells."""
    with override(rule.language):
        text = gettext("This is a test. Whoever reads it is told of: %(title)s.") % {"title": KINDS[rule.kind].title}
    _put(rule, [Finding(TEST, "", text, "")])


def _look_at(pk: int) -> int:
    with transaction.atomic():
        rules = AlertRule.objects.select_for_update(skip_locked=True, of=("self",)).defer("chat_url")
        rule = rules.filter(pk=pk, enabled=True).first()
        if rule is None or rule.kind not in KINDS:  # Another worker looks, or a newer version of us made it.
            return 0
        now = clock.now()
        with override(rule.language):
            found = {finding.subject: finding for finding in KINDS[rule.kind].look(rule, now)}
        return _put(rule, _not_told(rule, found, now))


def _not_told(rule: AlertRule, found: dict[str, Finding], now: datetime) -> list[Finding]:
    """Those of which the rule hasn't told: neither of the subject within the hour, nor of this occasion."""
    if not found:
        return []
    rows = Alert.objects.filter(rule=rule, subject__in=found).values_list("subject", "occasion")
    told = {(subject, occasion): at for subject, occasion, at in rows.annotate(at=Max("found_at"))}
    lately = {subject for (subject, _), at in told.items() if at > now - HOUR}
    lasts = KINDS[rule.kind].lasts
    return [
        finding
        for subject, finding in found.items()
        if subject not in lately
        and ((at := told.get((subject, finding.occasion))) is None or (lasts and at <= now - DAY))
    ]


def _put(rule: AlertRule, findings: Iterable[Finding]) -> int:
    """Write a row for each finding and each one who is told. No recipient is the chat."""
    recipients = [*rule.recipients, *([""] if rule.chat_host else [])]
    rows = [
        Alert(
            rule=rule,
            kind=rule.kind,
            recipient=recipient,
            subject=finding.subject,
            occasion=finding.occasion[:64],
            text=finding.text,
            path=finding.path,
        )
        for finding in findings
        for recipient in recipients
    ]
    return len(Alert.objects.bulk_create(rows))
