"""Why an endpoint may be switched off: also because another Appmax account took over."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("installations", "0012_keeps_access"),
        ("notifications", "0002_called_merchants"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="endpoint",
            name="notification_endpoints_off_has_reason",
        ),
        migrations.AlterField(
            model_name="endpoint",
            name="disabled_why",
            field=models.CharField(
                blank=True,
                choices=[
                    ("by_merchant", "Switched off by the merchant"),
                    ("by_staff", "Switched off by staff"),
                    ("gone", "It answered 410: nobody wants it any more"),
                    ("failing", "It has failed for five days"),
                    ("handed_over", "The shop was connected to another Appmax account"),
                    ("deleted", "Deleted"),
                ],
                db_comment="Why it is switched off, if it is",
                db_default="",
                max_length=16,
                verbose_name="switched off because",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("disabled_why", ""), ("enabled", True)),
                    models.Q(
                        ("disabled_why__in", ["by_merchant", "by_staff", "gone", "failing", "handed_over", "deleted"]),
                        ("enabled", False),
                    ),
                    _connector="OR",
                ),
                name="notification_endpoints_off_has_reason",
            ),
        ),
    ]
