"""Indexes are built beside the table's use. An index that was left half built is dropped first, so that this may be started
again."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

SET_ASIDE = ["duplicate", "refused", "refuted", "superseded", "closed"]
HANDLED = models.Q(("processed", True), models.Q(("outcome__in", SET_ASIDE), _negated=True))
OUTCOMES = [
    "applied", "ignored", "acknowledged", "duplicate", "refused", "refuted", "superseded", "waiting", "closed", "failed"
]  # fmt: skip

_UNIQUE = """
    CREATE UNIQUE INDEX CONCURRENTLY webhook_events_handled_once ON webhook_events (appmax_order_id, event)
     WHERE processed AND NOT outcome IN ('duplicate', 'refused', 'refuted', 'superseded', 'closed')
"""
_DROP = "DROP INDEX CONCURRENTLY IF EXISTS webhook_events_handled_once"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("webhooks", "0006_outcomes_of_old_events")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(_DROP, migrations.RunSQL.noop), migrations.RunSQL(_UNIQUE, _DROP)],
            [
                migrations.AddConstraint(
                    "webhookevent",
                    models.UniqueConstraint(
                        fields=("appmax_order_id", "event"), condition=HANDLED, name="webhook_events_handled_once"
                    ),
                )
            ],
        ),
        RemoveIndexConcurrently("webhookevent", "webhook_events_handled"),
        RemoveIndexConcurrently("webhookevent", "webhook_events_noted"),
        RemoveIndexConcurrently("webhookevent", "webhook_events_in_vain"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS webhook_events_of_order", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "webhookevent",
            models.Index(
                fields=["appmax_order_id"], condition=models.Q(("processed", True)), name="webhook_events_of_order"
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS webhook_events_outcome_event", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "webhookevent",
            models.Index(fields=["outcome", "event", "created_at"], name="webhook_events_outcome_event"),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS webhook_events_outcome_time", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "webhookevent", models.Index(fields=["outcome", "created_at"], name="webhook_events_outcome_time")
        ),
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    "ALTER TABLE webhook_events ADD CONSTRAINT webhook_events_outcome CHECK (outcome IN ("
                    + ", ".join(f"'{outcome}'" for outcome in OUTCOMES)
                    + ")) NOT VALID",
                    "ALTER TABLE webhook_events DROP CONSTRAINT webhook_events_outcome",
                ),
                migrations.RunSQL(
                    "ALTER TABLE webhook_events VALIDATE CONSTRAINT webhook_events_outcome", migrations.RunSQL.noop
                ),
            ],
            [
                migrations.AddConstraint(
                    "webhookevent",
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", OUTCOMES)), name="webhook_events_outcome"
                    ),
                )
            ],
        ),
        # Its table stays until the next release: the old web may still write into it while this one is rolled out.
        migrations.SeparateDatabaseAndState([], [migrations.DeleteModel("Retry")]),
    ]
