"""The order in which questions are asked: a payment of unknown outcome goes first until Appmax has answered. An index that
was left half built is dropped first, so that this may be started again."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import ExpressionWrapper, F, Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0019_attempt_trace")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS order_questions_in_order", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="question",
            index=models.Index(
                F("is_patient"),
                ExpressionWrapper(
                    ~Q(why="payment_unknown") | Q(times__gt=0, error=""), output_field=models.BooleanField()
                ),
                F("asked_at").asc(nulls_first=True),
                F("due_at"),
                condition=Q(due_at__isnull=False),
                name="order_questions_in_order",
            ),
        ),
        RemoveIndexConcurrently(model_name="question", name="order_questions_next"),
    ]
