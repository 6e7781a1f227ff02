"""What the order's status was when an event was decided, which until now only the prose of `error_message` told.

Neither statement reads the rows that are there, in which the column is null. The next migration looks at them, while the
table is in use.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0014_error_message_comment"),
    ]

    operations = [
        migrations.AddField(
            model_name="webhookevent",
            name="order_status",
            field=models.CharField(
                blank=True,
                choices=[
                    ("pendente", "Pending"),
                    ("autorizado", "Authorised"),
                    ("cancelado", "Cancelled"),
                    ("recusado_por_risco", "Refused for risk"),
                    ("aprovado", "Approved"),
                    ("pendente_integracao", "Pending integration"),
                    ("pendente_integracao_em_analise", "Pending integration, under review"),
                    ("integrado", "Integrated"),
                    ("estornado", "Refunded"),
                    ("chargeback_em_tratativa", "Chargeback being handled"),
                    ("chargeback_em_disputa", "Chargeback in dispute"),
                    ("chargeback_perdido", "Chargeback lost"),
                    ("chargeback_vencido", "Chargeback won"),
                ],
                db_comment="The order's status when the outcome was decided; null: no order, or older than this column",
                editable=False,
                max_length=32,
                null=True,
                verbose_name="order's status before",
            ),
        ),
        AddConstraintNotValid(
            model_name="webhookevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "order_status__in",
                        [
                            "pendente",
                            "autorizado",
                            "cancelado",
                            "recusado_por_risco",
                            "aprovado",
                            "pendente_integracao",
                            "pendente_integracao_em_analise",
                            "integrado",
                            "estornado",
                            "chargeback_em_tratativa",
                            "chargeback_em_disputa",
                            "chargeback_perdido",
                            "chargeback_vencido",
                        ],
                    )
                ),
                name="webhook_events_known_order_status",
            ),
        ),
    ]
