"""What an order keeps of its shopper, and the codes and request ids that it is found by. The columns that tables in use
get are null, so no row is rewritten; their indexes are built by the next migration."""

import django.contrib.postgres.functions
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

import installations.fields
import observability.middleware


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0008_names_and_use"),
        ("orders", "0008_rules_validated"),
    ]

    operations = [
        migrations.CreateModel(
            name="OrderCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("pix", "Pix copy and paste code"),
                            ("boleto", "boleto digits"),
                            ("end_to_end", "end-to-end id"),
                            ("tracking", "tracking code"),
                            ("payer", "payer's document"),
                        ],
                        db_comment="What it is: pix, boleto, end_to_end, tracking, or payer for the document of who pays",
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                (
                    "code",
                    installations.fields.EncryptedTextField(
                        db_comment="The whole, encrypted with FIELD_ENCRYPTION_KEYS", max_plain_length=1024
                    ),
                ),
                ("hash", models.BinaryField(db_comment="Hash by which it is found, keyed with SEARCH_HASH_KEYS")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_comment="When it came; the row is deleted when that is long ago",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                        editable=False,
                    ),
                ),
            ],
            options={
                "db_table": "order_codes",
                "db_table_comment": "A code that an order is found by: Pix, boleto, end-to-end id, tracking code, payer's document",
            },
        ),
        migrations.CreateModel(
            name="Shopper",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("appmax_customer_id", models.IntegerField(db_comment="Id of the customer at Appmax")),
                (
                    "name",
                    models.CharField(
                        db_comment="First and last name", db_default="", max_length=255, verbose_name="name"
                    ),
                ),
                (
                    "folded_name",
                    models.CharField(
                        db_comment="The name in small letters without accents, which is searched",
                        db_default="",
                        max_length=255,
                    ),
                ),
                (
                    "email_shown",
                    models.CharField(
                        db_comment="A hint at the e-mail: a•••@example.com",
                        db_default="",
                        max_length=255,
                        verbose_name="e-mail",
                    ),
                ),
                (
                    "document_shown",
                    models.CharField(
                        db_comment="A hint at the CPF or CNPJ: •••25",
                        db_default="",
                        max_length=16,
                        verbose_name="document",
                    ),
                ),
                (
                    "email",
                    installations.fields.EncryptedTextField(
                        db_comment="The e-mail, encrypted with FIELD_ENCRYPTION_KEYS", max_plain_length=255, null=True
                    ),
                ),
                (
                    "document",
                    installations.fields.EncryptedTextField(
                        db_comment="The CPF or CNPJ, encrypted with FIELD_ENCRYPTION_KEYS",
                        max_plain_length=32,
                        null=True,
                    ),
                ),
                (
                    "email_hash",
                    models.BinaryField(db_comment="Hash of the e-mail, keyed with SEARCH_HASH_KEYS", null=True),
                ),
                (
                    "document_hash",
                    models.BinaryField(db_comment="Hash of the CPF or CNPJ, keyed with SEARCH_HASH_KEYS", null=True),
                ),
                (
                    "seen_at",
                    models.DateTimeField(
                        db_comment="When the data last came; the row is deleted when that is long ago",
                        db_default=django.contrib.postgres.functions.TransactionNow(),
                    ),
                ),
            ],
            options={
                "verbose_name": "shopper",
                "verbose_name_plural": "shoppers",
                "db_table": "shoppers",
                "db_table_comment": "A merchant's customer: the name, hints, and what e-mail and document are found by",
            },
        ),
        migrations.AddField(
            model_name="order",
            name="request_id",
            field=models.CharField(
                blank=True,
                db_comment="X-Request-ID of the request, or the job, that made the row",
                default=observability.middleware.current_request_id,
                editable=False,
                max_length=64,
                null=True,
                verbose_name="request id",
            ),
        ),
        migrations.AddField(
            model_name="paymentattempt",
            name="request_id",
            field=models.CharField(
                blank=True,
                db_comment="X-Request-ID of the storefront's request",
                default=observability.middleware.current_request_id,
                editable=False,
                max_length=64,
                null=True,
                verbose_name="request id",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="request_id",
            field=models.CharField(
                blank=True,
                db_comment="X-Request-ID of the request that asked for it",
                default=observability.middleware.current_request_id,
                editable=False,
                max_length=64,
                null=True,
                verbose_name="request id",
            ),
        ),
        migrations.AddField(
            model_name="ordercode",
            name="order",
            field=models.ForeignKey(
                db_comment="The order that it belongs to",
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="codes",
                to="orders.order",
            ),
        ),
        migrations.AddField(
            model_name="shopper",
            name="installation",
            field=models.ForeignKey(
                db_comment="The merchant whose customer this is",
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="installations.installation",
            ),
        ),
        migrations.AddIndex(
            model_name="ordercode",
            index=models.Index(fields=["hash"], name="order_codes_hash"),
        ),
        migrations.AddIndex(
            model_name="ordercode",
            index=models.Index(fields=["created_at"], name="order_codes_created_at"),
        ),
        migrations.AddConstraint(
            model_name="ordercode",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["pix", "boleto", "end_to_end", "tracking", "payer"])),
                name="order_codes_known_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="ordercode",
            constraint=models.UniqueConstraint(fields=("order", "hash"), name="order_codes_once"),
        ),
        migrations.AddIndex(
            model_name="shopper",
            index=models.Index(
                condition=models.Q(("email_hash__isnull", False)), fields=["email_hash"], name="shoppers_email"
            ),
        ),
        migrations.AddIndex(
            model_name="shopper",
            index=models.Index(
                condition=models.Q(("document_hash__isnull", False)), fields=["document_hash"], name="shoppers_document"
            ),
        ),
        migrations.AddIndex(
            model_name="shopper",
            index=django.contrib.postgres.indexes.GinIndex(
                models.Func(
                    "folded_name",
                    function="to_tsvector",
                    output_field=django.contrib.postgres.search.SearchVectorField(),
                    template="%(function)s('simple', %(expressions)s)",
                ),
                name="shoppers_name",
            ),
        ),
        migrations.AddIndex(
            model_name="shopper",
            index=models.Index(fields=["seen_at"], name="shoppers_seen_at"),
        ),
        migrations.AddConstraint(
            model_name="shopper",
            constraint=models.UniqueConstraint(fields=("installation", "appmax_customer_id"), name="shoppers_one_row"),
        ),
    ]
