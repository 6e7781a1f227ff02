"""AlertRule: what staff want to be told of, and where. Alert: what was found, and whether somebody was told."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from installations.fields import EncryptedTextField
from installations.models import Installation


class AlertRule(models.Model):
    """What staff want to be told of, and where. `kinds.py` says what each kind looks for."""

    kind = models.CharField(_("what it tells of"), max_length=32, db_comment="What it tells of: a kind of kinds.py")
    installation = models.ForeignKey(
        Installation,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("merchant"),
        help_text=_("Empty: all merchants"),
        db_comment="The merchant whom it is about; null: all of them, or none",
    )
    threshold = models.IntegerField(
        _("from when on"),
        null=True,
        blank=True,
        db_comment="From how much on it tells, in the unit of its kind; null: the kind has no threshold",
    )
    recipients = ArrayField(
        models.EmailField(max_length=254),
        verbose_name=_("e-mail to"),
        default=list,
        blank=True,
        db_comment="Staff's e-mail addresses that are told",
    )
    chat_url = EncryptedTextField(
        _("chat's webhook URL"),
        max_plain_length=2000,
        default="",
        db_comment="The chat's incoming webhook URL, encrypted with FIELD_ENCRYPTION_KEYS; who has it may write there",
    )
    chat_host = models.CharField(
        _("chat"),
        max_length=255,
        blank=True,
        db_default="",
        default="",
        db_comment="The host of chat_url, which may be shown; empty: no chat is told",
    )
    language = models.CharField(_("language"), max_length=8, default="pt-br", db_comment="Language of what it tells")
    enabled = models.BooleanField(_("on"), default=True, db_comment="Whether it is looked at")
    since = models.DateTimeField(
        _("since"),
        db_default=TransactionNow(),
        editable=False,
        db_comment="When it was made or last switched on; what happened before is not told",
    )

    class Meta:
        db_table = "alert_rules"
        db_table_comment = "What staff want to be told of, from when on, and where"
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        default_permissions = ("view",)
        permissions = [("manage_alertrule", _("Can manage alert rules"))]
        constraints = [
            models.CheckConstraint(condition=~Q(recipients=[]) | ~Q(chat_host=""), name="alert_rules_tell_somebody"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} #{self.pk}"

    @property
    def url(self) -> str:
        """Its page in the back office."""
        return reverse("admin:backoffice_alertrule_change", args=[self.pk])


class AlertState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Not sent")


class WhyNotSent(models.TextChoices):
    """Why an alert could not be sent."""

    NOT_SET_UP = "not_set_up", _("No mail server is set up (EMAIL_HOST).")
    RULE_GONE = "rule_gone", _("The rule has no such recipient any more.")
    ADDRESS_REFUSED = "address_refused", _("The mail server refuses this address.")
    LOGIN_REFUSED = "login_refused", _("The mail server refuses our user name or password.")
    NOT_OFFERED = (
        "not_offered",
        _("The mail server offers no STARTTLS or no login: see EMAIL_SECURITY and EMAIL_HOST_USER."),
    )
    SENDER_REFUSED = "sender_refused", _("The mail server refuses our sender (EMAIL_FROM).")
    MAIL_REFUSED = "mail_refused", _("The mail server refuses the message.")
    URL_UNREADABLE = "url_unreadable", _("Our own keys don't open the stored URL: see FIELD_ENCRYPTION_KEYS.")
    URL_NOT_ALLOWED = "url_not_allowed", _("The chat's URL is not allowed any more.")
    CHAT_REFUSED = "chat_refused", _("The chat refused it.")
    NO_ANSWER = "no_answer", _("The server could not be reached, or gave no answer.")


TEST = "test"
"""The subject of an alert that staff have asked for, to see whether it arrives."""


class Alert(models.Model):
    """Something that a rule found, for one e-mail address or for the rule's chat. The row is also the log."""

    rule = models.ForeignKey(
        AlertRule,
        on_delete=models.SET_NULL,
        null=True,
        related_name="alerts",
        verbose_name=_("alert rule"),
        db_index=False,  # alerts_of_subject serves
        db_comment="The rule that found it; null: it has been deleted",
    )
    kind = models.CharField(_("what it tells of"), max_length=32, db_comment="The rule's kind")
    recipient = models.CharField(
        _("to"), max_length=254, blank=True, db_comment="The e-mail address; empty: the rule's chat"
    )
    subject = models.CharField(
        max_length=64, db_comment="What it is about, such as order:42; told once an hour at most. test: a test"
    )
    occasion = models.CharField(
        max_length=64, blank=True, db_comment="Which of the subject's occasions it is, so that none is told twice"
    )
    text = models.TextField(_("text"), db_comment="What is told, in the rule's language, without personal data")
    path = models.CharField(max_length=500, db_comment="The page in the back office where to look")
    found_at = models.DateTimeField(_("found at"), db_default=Now(), editable=False, db_comment="When it was found")
    state = models.CharField(
        _("state"),
        max_length=16,
        choices=AlertState.choices,
        default=AlertState.WAITING,
        db_comment="What became of it: waiting, sent or failed",
    )
    tries = models.SmallIntegerField(_("tries"), db_default=0, db_comment="How often it was sent, this time included")
    due_at = models.DateTimeField(
        db_default=Now(), db_comment="When it is sent next; while a worker sends it, when another one may"
    )
    sent_at = models.DateTimeField(_("sent at"), null=True, db_comment="When the server took it; null: it has not")
    why_not_sent = models.CharField(
        _("why not"),
        max_length=16,
        choices=WhyNotSent.choices,
        blank=True,
        db_default="",
        db_comment="Why it was not sent the last time; empty: it was, or has not been tried",
    )
    error = models.CharField(
        _("failure"),
        max_length=200,
        blank=True,
        db_default="",
        db_comment="Why it was not sent the last time: the kind of failure, or what the chat answered",
    )

    class Meta:
        db_table = "alerts"
        db_table_comment = "What an alert rule found, for one address or the rule's chat, and whether it was sent"
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        default_permissions = ("view",)
        indexes = [
            # whether a rule has told of a subject lately, and the rule's log
            models.Index(fields=["rule", "subject", "found_at"], name="alerts_of_subject"),
            models.Index(fields=["due_at"], condition=Q(state=AlertState.WAITING), name="alerts_due"),
            # what is old, and is deleted
            models.Index(fields=["found_at"], name="alerts_found_at"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=AlertState.values), name="alerts_known_state"),
            models.CheckConstraint(
                condition=Q(why_not_sent__in=["", *WhyNotSent.values]), name="alerts_known_why_not_sent"
            ),
            models.CheckConstraint(
                condition=Q(state=AlertState.SENT, sent_at__isnull=False)
                | ~Q(state=AlertState.SENT) & Q(sent_at__isnull=True),
                name="alerts_sent_has_time",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:50]
