"""Adds the mail server that offers no STARTTLS or no login to why an alert was not sent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0015_why_not_sent"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="alert",
            name="alerts_known_why_not_sent",
        ),
        migrations.AlterField(
            model_name="alert",
            name="why_not_sent",
            field=models.CharField(
                blank=True,
                choices=[
                    ("not_set_up", "No mail server is set up (EMAIL_HOST)."),
                    ("rule_gone", "The rule has no such recipient any more."),
                    ("address_refused", "The mail server refuses this address."),
                    ("login_refused", "The mail server refuses our user name or password."),
                    (
                        "not_offered",
                        "The mail server offers no STARTTLS or no login: see EMAIL_SECURITY and EMAIL_HOST_USER.",
                    ),
                    ("sender_refused", "The mail server refuses our sender (EMAIL_FROM)."),
                    ("mail_refused", "The mail server refuses the message."),
                    ("url_unreadable", "Our own keys don't open the stored URL: see FIELD_ENCRYPTION_KEYS."),
                    ("url_not_allowed", "The chat's URL is not allowed any more."),
                    ("chat_refused", "The chat refused it."),
                    ("no_answer", "The server could not be reached, or gave no answer."),
                ],
                db_comment="Why it was not sent the last time; empty: it was, or has not been tried",
                db_default="",
                max_length=16,
                verbose_name="why not",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "why_not_sent__in",
                        [
                            "",
                            "not_set_up",
                            "rule_gone",
                            "address_refused",
                            "login_refused",
                            "not_offered",
                            "sender_refused",
                            "mail_refused",
                            "url_unreadable",
                            "url_not_allowed",
                            "chat_refused",
                            "no_answer",
                        ],
                    )
                ),
                name="alerts_known_why_not_sent",
            ),
        ),
    ]
