"""Staff's own tables: notes on orders and merchants, saved views, batches of events, files of lists, merchants'
figures, what roles ask for, and logins."""

from collections import Counter

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.alerts.models import Alert, AlertRule  # noqa: F401 - Django looks for models here
from backoffice.rhythm import Rhythm
from installations.models import Installation
from orders.models import Order


class Note(models.Model):
    """What one of staff wrote about an order or a merchant. Nobody edits a note. Its author may delete it, and so may
    who has the permission to delete notes, as a note may hold what should not be kept."""

    order = models.ForeignKey(
        Order,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("order"),
        db_comment="The order that it is about",
    )
    installation = models.ForeignKey(
        Installation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("installation"),
        db_comment="The merchant that it is about, if it is about no order",
    )
    text = models.TextField(_("note"), max_length=2000, db_comment="The note, as it was typed")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("author"),
        db_comment="The member of staff who wrote it",
    )
    written_at = models.DateTimeField(
        _("written at"), db_default=TransactionNow(), editable=False, db_comment="When it was written"
    )
    once = models.UUIDField(
        unique=True, editable=False, db_comment="Made with the form, so that a form that is sent twice is one note"
    )

    class Meta:
        db_table = "notes"
        db_table_comment = "A note of staff on an order or a merchant"
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        default_permissions = ("add", "delete")
        constraints = [
            models.CheckConstraint(
                condition=Q(order__isnull=False, installation__isnull=True)
                | Q(order__isnull=True, installation__isnull=False),
                name="notes_about_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:50]

    @property
    def url(self) -> str:
        """The page that shows the note and offers to delete it."""
        if self.order_id:
            return reverse("admin:orders_order_note", args=[self.order_id, self.pk])
        return reverse("admin:installations_installation_note", args=[self.installation_id, self.pk])


class SavedView(models.Model):
    """A list's filters under a name, for their owner alone or for all staff who see the list."""

    list_name = models.CharField(_("list"), max_length=100, db_comment="The list's model, such as orders.order")
    name = models.CharField(_("name"), max_length=60, db_comment="What staff call it")
    query = models.TextField(_("filters"), max_length=2000, db_comment="The query string of the list")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("owner"),
        db_comment="The member of staff who saved it",
    )
    is_shared = models.BooleanField(_("shared"), db_default=False, db_comment="Whether all staff see it")

    class Meta:
        db_table = "saved_views"
        db_table_comment = "The filters of a list in the back office under a name"
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        default_permissions = ()
        permissions = [("share_savedview", _("Can share saved views"))]
        constraints = [
            models.UniqueConstraint("list_name", "owner", Lower("name"), name="saved_views_own_name"),
            models.UniqueConstraint(
                "list_name", Lower("name"), condition=Q(is_shared=True), name="saved_views_shared_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EventBatch(models.Model):
    """Unprocessed events that staff want tried now, and how far the worker has come with them. One batch at most is
    under way: what others choose meanwhile is added to it."""

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("begun by"),
        db_comment="The member of staff who began it",
    )
    asked_at = models.DateTimeField(
        _("begun at"), db_default=TransactionNow(), editable=False, db_comment="When it was begun"
    )
    event_ids = ArrayField(models.BigIntegerField(), db_comment="The events, in the order in which they are tried")
    done = models.IntegerField(_("tried"), db_default=0, db_comment="How many of them have been tried")
    outcomes = models.JSONField(
        _("outcomes"), default=dict, db_default={}, db_comment="How many of those tried came to which outcome"
    )
    leased_until = models.DateTimeField(
        null=True, db_comment="Until then one worker tries its events; null: nobody has begun"
    )
    finished_at = models.DateTimeField(
        _("finished at"), null=True, db_comment="When the last one was tried; null: it is under way"
    )

    class Meta:
        db_table = "event_batches"
        db_table_comment = "Unprocessed events that staff want tried now, and how far that has come"
        verbose_name = _("batch of events")
        verbose_name_plural = _("batches of events")
        default_permissions = ()
        constraints = [
            # There are no two rows without a time: one batch at most is under way.
            models.UniqueConstraint(fields=["finished_at"], nulls_distinct=False, name="event_batches_one_under_way"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} #{self.pk}"

    @property
    def total(self) -> int:
        return len(self.event_ids)

    def count(self, outcomes: Counter[str], tried: int) -> None:
        """Add what came of the next `tried` events, without saving the row."""
        self.done += tried
        self.outcomes = dict(Counter(self.outcomes) + outcomes)


class Export(models.Model):
    """A list's file that is too long to be made while its reader waits. Only who asked for it gets it: it holds what
    that person might see, and whoever else may export the list can ask for a file."""

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("asked for by"),
        db_comment="The member of staff who asked for it, and who alone may download it",
    )
    asked_at = models.DateTimeField(
        _("asked for at"), db_default=TransactionNow(), editable=False, db_comment="When it was asked for"
    )
    model = models.CharField(_("list"), max_length=100, db_comment="The list's model, such as orders.order")
    form = models.CharField(max_length=4, db_comment="csv or xlsx")
    language = models.CharField(max_length=10, db_comment="The language of its words, numbers and dates")
    file_name = models.CharField(_("file"), max_length=150, db_comment="The list, and its days")
    total = models.IntegerField(db_comment="How many rows it has")
    done = models.IntegerField(db_default=0, db_comment="How many of them are written")
    tries = models.SmallIntegerField(db_default=0, db_comment="How often it was begun since the last part was written")
    leased_until = models.DateTimeField(null=True, db_comment="Until then one worker writes it; null: none does")
    finished_at = models.DateTimeField(
        null=True, db_comment="When it was finished, or given up; a day later it is deleted. Null: it is under way"
    )
    has_failed = models.BooleanField(db_default=False, db_comment="Whether it was given up")

    class Meta:
        db_table = "exports"
        db_table_comment = "A long file of a list, made by the worker and deleted after a day"
        verbose_name = _("file of a list")
        verbose_name_plural = _("files of lists")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["asked_by"], condition=Q(finished_at__isnull=True), name="exports_one_under_way"
            ),
            models.CheckConstraint(condition=Q(form__in=("csv", "xlsx")), name="exports_known_form"),
        ]

    def __str__(self) -> str:
        return self.file_name


class ExportPart(models.Model):
    """Some rows of a file: which, and what was written of them. Of an XLSX, a part holds a piece of the whole."""

    export = models.ForeignKey(
        Export,
        on_delete=models.CASCADE,
        related_name="parts",
        db_index=False,  # export_parts_number serves
        db_comment="The file",
    )
    number = models.IntegerField(db_comment="0, 1, 2, ... from the file's beginning")
    row_ids = ArrayField(models.BigIntegerField(), db_comment="Its rows, newest first")
    content = models.BinaryField(null=True, db_comment="Its bytes of the file; null: not written yet")

    class Meta:
        db_table = "export_parts"
        db_table_comment = "A part of a list's long file: which rows it has, and what was written of them"
        verbose_name = _("part of a file")
        verbose_name_plural = _("parts of files")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="export_parts_number")]

    def __str__(self) -> str:
        return f"{self.export_id}.{self.number}"


class MerchantFigures(models.Model):
    """A merchant's figures for the list of merchants, which is ordered by them. The worker writes them every minute
    (merchant_figures.refresh): to order thousands of merchants by what millions of rows say takes seconds.

    Orders and events stay the truth. A merchant's page counts them itself, but for the rhythms.
    """

    installation = models.OneToOneField(
        Installation, on_delete=models.CASCADE, primary_key=True, related_name="figures", verbose_name=_("installation")
    )
    refreshed_at = models.DateTimeField(
        db_comment="When the worker last wrote the row; today and this month are those of that time"
    )
    tried_today = models.IntegerField(db_comment="Payment attempts that began today, in staff's time zone")
    failed_today = models.IntegerField(db_comment="Those of them that failed, were declined or are unknown")
    month_cents = models.BigIntegerField(
        db_comment="What was paid and not paid back of this month's orders, in cents, in staff's time zone"
    )
    last_webhook_at = models.DateTimeField(null=True, db_comment="When the last webhook came; null: none has come")
    last_payment_at = models.DateTimeField(
        null=True, db_comment="When a payment was last known to be made; null: in none of the last 28 days"
    )
    missed_webhooks = models.FloatField(
        null=True, db_comment="How many usually come in the time since last_webhook_at; null: the rhythm is not known"
    )
    learnt_on = models.DateField(db_comment="The day before which the rhythms were learnt")
    webhooks_by_hour = ArrayField(
        models.FloatField(),
        null=True,
        db_comment="Webhooks in each hour of a usual day (24, staff's time zone), of 28 days; null: none came",
    )
    payments_by_hour = ArrayField(
        models.FloatField(),
        null=True,
        db_comment="Payments in each hour of a usual day (24, staff's time zone), of 28 days; null: none was made",
    )

    class Meta:
        db_table = "merchant_figures"
        db_table_comment = "A merchant's figures for the list of merchants; the worker writes them every minute"
        verbose_name = _("merchant's figures")
        verbose_name_plural = _("merchants' figures")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.installation_id)

    @property
    def webhooks(self) -> Rhythm | None:
        return None if self.webhooks_by_hour is None else Rhythm(tuple(self.webhooks_by_hour))

    @property
    def payments(self) -> Rhythm | None:
        return None if self.payments_by_hour is None else Rhythm(tuple(self.payments_by_hour))


class RoleSettings(models.Model):
    """What a role asks of those who have it, beside its permissions, which are Django's."""

    group = models.OneToOneField(
        Group, on_delete=models.CASCADE, primary_key=True, related_name="settings", verbose_name=_("role")
    )
    needs_second_factor = models.BooleanField(
        _("needs a second factor"),
        db_default=False,
        db_comment="Whether who has the role must prove a second factor at login",
    )

    class Meta:
        db_table = "role_settings"
        db_table_comment = "What a role asks of those who have it"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.group_id)


class StaffSession(models.Model):
    """A login of staff: from where, and when it was last used. The row stays when the login is over."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="staff_sessions",
        verbose_name=_("user"),
        db_comment="Who logged in",
    )
    session_key = models.CharField(
        max_length=40,
        null=True,
        unique=True,
        editable=False,
        db_comment="The key of its row in django_session; null: it was ended",
    )
    address = models.GenericIPAddressField(
        _("address"), null=True, db_comment="Where the login came from; of IPv6 the /64"
    )
    browser = models.CharField(
        _("browser"), max_length=200, db_default="", db_comment="The browser's User-Agent header, cut off"
    )
    began_at = models.DateTimeField(_("began at"), db_default=TransactionNow(), db_comment="When the login was made")
    seen_at = models.DateTimeField(
        _("last seen"), db_default=TransactionNow(), db_comment="When it last opened a page, to the minute"
    )
    ended_at = models.DateTimeField(
        _("ended at"), null=True, db_comment="When somebody ended it; null: nobody did, though it may have expired"
    )
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("ended by"),
        db_comment="Who ended it: its owner, or an administrator",
    )

    class Meta:
        db_table = "staff_sessions"
        db_table_comment = "A login of staff, open or over"
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        default_permissions = ()
        permissions = [("manage_staffsession", _("Can see and end the sessions of others"))]
        indexes = [models.Index(fields=["user", "-seen_at"], name="staff_sessions_by_user")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(session_key__isnull=True), name="staff_sessions_ended_has_no_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.address or '-'}"
