"""What tables and columns hold; webhooks.0008_comments writes it into the database."""

import django.contrib.postgres.functions
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0006_comments"),
        ("orders", "0005_questions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            [],
            [
                migrations.AlterModelTableComment(
                    name="idempotentrequest",
                    table_comment="A request with an Idempotency-Key and its first answer; 24 hours",
                ),
                migrations.AlterModelTableComment(
                    name="order",
                    table_comment="An order that Appmax has given an id",
                ),
                migrations.AlterModelTableComment(
                    name="paymentattempt",
                    table_comment="A payment call: recorded before it is sent, settled after it; no card data",
                ),
                migrations.AlterModelTableComment(
                    name="question",
                    table_comment="What Appmax is asked about an order: why, since when, when next, what it said",
                ),
                migrations.AlterModelTableComment(
                    name="quota",
                    table_comment="How many questions about a merchant's orders may be asked now, on all machines together",
                ),
                migrations.AlterModelTableComment(
                    name="refund",
                    table_comment="A refund: recorded before Appmax is asked for it, with its amount, who wanted it, and what became of it",
                ),
                migrations.AlterField(
                    model_name="idempotentrequest",
                    name="body",
                    field=models.JSONField(db_comment="Body of the first answer", null=True),
                ),
                migrations.AlterField(
                    model_name="idempotentrequest",
                    name="claimed_at",
                    field=models.DateTimeField(
                        db_comment="Since when a request is being worked on; null: none is", null=True
                    ),
                ),
                migrations.AlterField(
                    model_name="idempotentrequest",
                    name="fingerprint",
                    field=models.CharField(
                        db_comment="Keyed hash of the request, without card data, which tells another request with the same key",
                        max_length=64,
                    ),
                ),
                migrations.AlterField(
                    model_name="idempotentrequest",
                    name="key",
                    field=models.CharField(db_comment="The Idempotency-Key", max_length=255),
                ),
                migrations.AlterField(
                    model_name="idempotentrequest",
                    name="order",
                    field=models.ForeignKey(
                        db_comment="The order that the request is about",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="orders.order",
                    ),
                ),
                migrations.AlterField(
                    model_name="idempotentrequest",
                    name="status_code",
                    field=models.SmallIntegerField(
                        db_comment="HTTP status of the first answer; null until there is one", null=True
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="appmax_customer_id",
                    field=models.IntegerField(
                        db_comment="Id of the customer at Appmax", verbose_name="Appmax customer id"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="appmax_order_id",
                    field=models.IntegerField(
                        db_comment="Id of the order at Appmax; an order has one row",
                        unique=True,
                        verbose_name="Appmax order id",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="boleto_digitavel",
                    field=models.TextField(
                        blank=True, db_comment="The boleto's digits", null=True, verbose_name="boleto digits"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="boleto_due_date",
                    field=models.DateField(
                        blank=True,
                        db_comment="The last day for paying the boleto",
                        null=True,
                        verbose_name="boleto due date",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="boleto_pdf_url",
                    field=models.TextField(
                        blank=True, db_comment="Where the boleto's PDF is", null=True, verbose_name="boleto PDF"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="card_brand",
                    field=models.CharField(
                        blank=True, db_comment="Brand of the card", max_length=32, null=True, verbose_name="card brand"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="card_last_digits",
                    field=models.CharField(
                        blank=True,
                        db_comment="Last four digits of the card; no more of it is kept",
                        max_length=4,
                        null=True,
                        verbose_name="card's last digits",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="created_at",
                    field=models.DateTimeField(
                        db_comment="When the row was made",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="created at",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="installation",
                    field=models.ForeignKey(
                        db_comment="Owning installation",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="installations.installation",
                        verbose_name="installation",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="installments",
                    field=models.SmallIntegerField(
                        blank=True, db_comment="Number of instalments", null=True, verbose_name="instalments"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="paid_at",
                    field=models.DateTimeField(
                        blank=True,
                        db_comment="When Appmax says that the order was paid",
                        null=True,
                        verbose_name="paid at",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="payment_method",
                    field=models.CharField(
                        blank=True,
                        choices=[("credit_card", "Credit card"), ("pix", "Pix"), ("boleto", "Boleto")],
                        db_comment="credit_card, pix or boleto; null until a payment was taken",
                        max_length=32,
                        null=True,
                        verbose_name="payment method",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="pix_emv",
                    field=models.TextField(
                        blank=True,
                        db_comment="Pix copy and paste code",
                        null=True,
                        verbose_name="Pix copy and paste code",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="pix_expires_at",
                    field=models.DateTimeField(
                        blank=True,
                        db_comment="Until when the Pix can be paid",
                        null=True,
                        verbose_name="Pix expires at",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="pix_qr_code",
                    field=models.TextField(
                        blank=True,
                        db_comment="Image of the Pix QR code: base64, or a URL",
                        null=True,
                        verbose_name="Pix QR code",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="status",
                    field=models.CharField(
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
                        db_comment="Status in Appmax's words, moved by webhooks, payments and what Appmax answers",
                        db_default="pendente",
                        max_length=64,
                        verbose_name="status",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="total_cents",
                    field=models.IntegerField(
                        db_comment="Order total in cents", db_default=0, verbose_name="total (cents)"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="updated_at",
                    field=models.DateTimeField(
                        auto_now=True,
                        db_comment="When the row was last changed",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        verbose_name="updated at",
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="upsell_hash",
                    field=models.CharField(
                        blank=True,
                        db_comment="What Appmax knows the card payment by when more is sold to the same card",
                        max_length=255,
                        null=True,
                        verbose_name="upsell hash",
                    ),
                ),
                migrations.AlterField(
                    model_name="paymentattempt",
                    name="answer",
                    field=models.JSONField(
                        blank=True, db_comment="What Appmax said, without card data", null=True, verbose_name="answer"
                    ),
                ),
                migrations.AlterField(
                    model_name="paymentattempt",
                    name="fingerprint",
                    field=models.CharField(
                        db_comment="Keyed hash of the storefront's request, without card data",
                        max_length=64,
                        verbose_name="request fingerprint",
                    ),
                ),
                migrations.AlterField(
                    model_name="paymentattempt",
                    name="idempotency_key",
                    field=models.CharField(
                        blank=True,
                        db_comment="Idempotency-Key of the storefront's request",
                        max_length=255,
                        null=True,
                        verbose_name="idempotency key",
                    ),
                ),
                migrations.AlterField(
                    model_name="paymentattempt",
                    name="method",
                    field=models.CharField(
                        choices=[
                            ("credit_card", "Credit card"),
                            ("pix", "Pix"),
                            ("boleto", "Boleto"),
                            ("upsell", "Upsell"),
                        ],
                        db_comment="What Appmax was asked for: credit_card, pix, boleto or upsell",
                        max_length=32,
                        verbose_name="method",
                    ),
                ),
                migrations.AlterField(
                    model_name="paymentattempt",
                    name="restarted_from",
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
                        db_comment="The order's status before this attempt started it again",
                        max_length=64,
                        null=True,
                        verbose_name="order's status before",
                    ),
                ),
                migrations.AlterField(
                    model_name="paymentattempt",
                    name="settled_at",
                    field=models.DateTimeField(
                        blank=True,
                        db_comment="When the outcome was known; null while the attempt is open",
                        null=True,
                        verbose_name="settled at",
                    ),
                ),
                migrations.AlterField(
                    model_name="paymentattempt",
                    name="started_at",
                    field=models.DateTimeField(
                        db_comment="When Appmax was about to be asked",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="started at",
                    ),
                ),
                migrations.AlterField(
                    model_name="paymentattempt",
                    name="state",
                    field=models.CharField(
                        choices=[
                            ("started", "Started"),
                            ("unknown", "Outcome unknown"),
                            ("succeeded", "Succeeded"),
                            ("declined", "Declined"),
                            ("failed", "Failed: nothing was charged"),
                        ],
                        db_comment="What became of it; started and unknown are open, and the money may have moved",
                        db_default="started",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="appmax_order_id",
                    field=models.IntegerField(
                        db_comment="Id of the order at Appmax; there may be no row of ours",
                        verbose_name="Appmax order id",
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="asked_at",
                    field=models.DateTimeField(
                        db_comment="When Appmax was last asked", null=True, verbose_name="asked at"
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="claims",
                    field=models.IntegerField(
                        db_comment="How often something was claimed of the order", db_default=1, verbose_name="claims"
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="due_at",
                    field=models.DateTimeField(
                        db_comment="When it is asked next; null: nothing is left to ask",
                        null=True,
                        verbose_name="asked next at",
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="error",
                    field=models.CharField(
                        db_comment="The kind of failure that the last time of asking ended in",
                        db_default="",
                        max_length=64,
                        verbose_name="failure",
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="installation",
                    field=models.ForeignKey(
                        db_comment="With whose credentials Appmax is asked",
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="installations.installation",
                        verbose_name="installation",
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="is_patient",
                    field=models.BooleanField(
                        db_comment="Whether it stands behind all questions that may not wait",
                        db_default=False,
                        verbose_name="may wait",
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="refuted",
                    field=models.IntegerField(
                        db_comment="How many claims Appmax has refuted", db_default=0, verbose_name="claims refuted"
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="refuted_at",
                    field=models.DateTimeField(
                        db_comment="When it last refuted one", null=True, verbose_name="last refuted at"
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="said",
                    field=models.CharField(
                        db_comment="The status that Appmax said last",
                        db_default="",
                        max_length=64,
                        verbose_name="Appmax said",
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="since",
                    field=models.DateTimeField(db_comment="Since when there is this reason", verbose_name="since"),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="times",
                    field=models.IntegerField(
                        db_comment="How often Appmax was asked for this reason",
                        db_default=0,
                        verbose_name="times asked",
                    ),
                ),
                migrations.AlterField(
                    model_name="question",
                    name="why",
                    field=models.CharField(
                        choices=[
                            ("payment_unknown", "A payment's outcome is unknown"),
                            ("money", "A webhook told of money"),
                            ("cancellation", "A webhook told of a cancellation"),
                            ("ignored_money", "A webhook told of money, and moved nothing"),
                            ("paid_twice", "Paid twice?"),
                            ("other_merchant", "A webhook named another merchant"),
                            ("no_status", "A webhook told of something without a status of its own"),
                            ("order_missing", "A webhook told of an order that is not there"),
                            ("contradicted", "What we know contradicts itself"),
                            ("corrected", "Appmax contradicted what we knew, and is asked once more"),
                            ("settled_by_hand", "Staff said what became of a payment"),
                            ("pending", "Pending for long"),
                            ("chargeback", "In a chargeback"),
                        ],
                        db_comment="Why Appmax is asked: the most important reason of all claims",
                        max_length=32,
                        verbose_name="reason",
                    ),
                ),
                migrations.AlterField(
                    model_name="quota",
                    name="counted_at",
                    field=models.DateTimeField(db_comment="When there were so many tokens"),
                ),
                migrations.AlterField(
                    model_name="quota",
                    name="paused_until",
                    field=models.DateTimeField(db_comment="Appmax has asked to be left alone until then", null=True),
                ),
                migrations.AlterField(
                    model_name="quota",
                    name="tokens",
                    field=models.FloatField(db_comment="How many questions could be asked at counted_at"),
                ),
                migrations.AlterField(
                    model_name="refund",
                    name="amount_cents",
                    field=models.IntegerField(db_comment="What is to go back, in cents", verbose_name="amount (cents)"),
                ),
                migrations.AlterField(
                    model_name="refund",
                    name="api_key",
                    field=models.ForeignKey(
                        blank=True,
                        db_column="api_key_prefix",
                        db_comment="Prefix of the API key that asked for it; with asked_by null too, the API was open to anybody",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="installations.apikey",
                        to_field="prefix",
                        verbose_name="API key",
                    ),
                ),
                migrations.AlterField(
                    model_name="refund",
                    name="asked_at",
                    field=models.DateTimeField(
                        db_comment="When Appmax was about to be asked",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                        verbose_name="asked at",
                    ),
                ),
                migrations.AlterField(
                    model_name="refund",
                    name="asked_by",
                    field=models.ForeignKey(
                        blank=True,
                        db_comment="The member of staff who asked for it",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
                migrations.AlterField(
                    model_name="refund",
                    name="idempotency_key",
                    field=models.CharField(
                        blank=True,
                        db_comment="Idempotency-Key of the storefront's request",
                        max_length=255,
                        null=True,
                        verbose_name="idempotency key",
                    ),
                ),
                migrations.AlterField(
                    model_name="refund",
                    name="reason",
                    field=models.CharField(
                        blank=True,
                        db_comment="Why, in the words of who asked for it",
                        db_default="",
                        max_length=255,
                        verbose_name="reason",
                    ),
                ),
                migrations.AlterField(
                    model_name="refund",
                    name="settled_at",
                    field=models.DateTimeField(
                        blank=True, db_comment="When it was confirmed or refused", null=True, verbose_name="settled at"
                    ),
                ),
                migrations.AlterField(
                    model_name="refund",
                    name="state",
                    field=models.CharField(
                        choices=[
                            ("unknown", "Unknown: Appmax may have taken it"),
                            ("asked", "Asked: Appmax took it, and has not said that it is done"),
                            ("confirmed", "Confirmed: the money went back"),
                            ("refused", "Refused: nothing goes back"),
                        ],
                        db_comment="What became of it; unknown: Appmax may have taken it",
                        db_default="unknown",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
            ],
        ),
    ]
