"""Merchants who installed the app, the external_ids that Appmax was told, their host names, and reconnect links."""

import uuid
from typing import Any

from django.contrib.postgres.functions import RandomUUID, TransactionNow
from django.db import models
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from appmax.errors import CredentialsUnreadable
from appmax.tokens import Credentials
from installations.fields import DecryptionFailed, EncryptedTextField, decrypted


def _plain(text: models.Value | models.F) -> models.Func:
    """A text in small letters without the accents of Portuguese and its neighbours. It costs a microsecond a row, and
    there are thousands of merchants at most, so it needs no index."""
    template = "translate(lower(%(expressions)s), 'áàâãäçéèêëíìîïñóòôõöúùûü', 'aaaaaceeeeiiiinooooouuuu')"
    return models.Func(text, template=template, output_field=models.TextField())


class InstallationQuerySet(models.QuerySet["Installation"]):
    def without_secret(self) -> "InstallationQuerySet":
        """Rows whose secret is read and decrypted only when it is used, so that a lost encryption key breaks nothing
        else."""
        return self.defer("merchant_client_secret")

    def named(self, external_key: str) -> "Installation | None":
        """The installation of this external_key, without its secret."""
        return self.without_secret().filter(external_key=external_key).first()

    def called(self, text: str) -> "InstallationQuerySet":
        """The installations whose name or external key has this part, in any case, with or without accents."""
        wanted = _plain(models.Value(text))
        rows = self.alias(plain_name=_plain(models.F("name")), plain_key=_plain(models.F("external_key")))
        return rows.filter(models.Q(plain_name__contains=wanted) | models.Q(plain_key__contains=wanted))

    def lock(self, pk: int) -> None:
        """Lock the row until the transaction ends, so that what belongs to a merchant is counted and added by one
        request at a time. Payments of its orders don't wait for it."""
        self.without_secret().select_for_update(no_key=True).get(pk=pk)

    def insert_or_lock(self, installation: "Installation") -> "Installation":
        """Insert the row if its external_key is new (INSERT … ON CONFLICT DO NOTHING), and lock the row of that key.

        It must be called in a transaction. The caller finds out whose row it is by comparing it with its own.
        """
        self.bulk_create([installation], ignore_conflicts=True)
        return self.without_secret().select_for_update().get(external_key=installation.external_key)


class Installation(models.Model):
    """A merchant's installation of the app, with the credentials for all /v1 calls to Appmax."""

    external_key = models.CharField(
        _("external key"),
        max_length=255,
        help_text=_("Merchant identifier from Appmax"),
        db_comment="Merchant identifier from Appmax, by which both ways of installing find the row again",
    )
    app_id = models.CharField(
        _("app id"),
        max_length=255,
        help_text=_("Numeric if Appmax's callback came first, UUID if the browser did"),
        db_comment="Id of the app: its number if Appmax's callback came first, its UUID if the browser did",
    )
    merchant_client_id = models.CharField(
        _("merchant client id"), max_length=512, db_comment="OAuth client id of the merchant at Appmax"
    )
    merchant_client_secret = EncryptedTextField(
        _("merchant client secret"),
        max_plain_length=512,
        db_comment="OAuth client secret of the merchant, encrypted with FIELD_ENCRYPTION_KEYS",
    )
    external_id = models.UUIDField(
        _("external id"),
        unique=True,
        db_default=RandomUUID(),
        editable=False,
        help_text=_("The first one; Appmax knows the store by the newest that it was told"),
        db_comment="UUID that other systems know the installation by; made once, and never changed",
    )
    installed_at = models.DateTimeField(
        _("installed at"), db_default=TransactionNow(), db_comment="When the installation was last confirmed"
    )
    created_at = models.DateTimeField(
        _("created at"), db_default=TransactionNow(), editable=False, db_comment="When the row was made"
    )
    updated_at = models.DateTimeField(
        _("updated at"), db_default=TransactionNow(), auto_now=True, db_comment="When the row was last changed"
    )
    unverified_since = models.DateTimeField(
        _("unverified since"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Credentials that Appmax's auth server has not accepted yet"),
        db_comment="Since when Appmax has not answered whether it accepts the credentials; null: it has accepted them",
    )
    refused_since = models.DateTimeField(
        _("refused since"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Since when Appmax refuses the credentials; empty while it accepts them"),
        db_comment="Since when Appmax refuses the credentials; null: it accepts them",
    )
    name = models.CharField(
        _("name"),
        max_length=100,
        blank=True,
        db_default="",
        help_text=_("What staff call the merchant. Appmax tells no name"),
        db_comment="What staff call the merchant; empty: by its external_key",
    )

    objects = InstallationQuerySet.as_manager()

    _sealed_secret: str | None = None
    """The secret as it is in the table, of a row that `from_row` made."""

    class Meta:
        db_table = "installations"
        db_table_comment = "A merchant who installed the app, with its credentials"
        # unique=True on the field would also make an index for LIKE, which no query of ours needs.
        constraints = [models.UniqueConstraint(fields=["external_key"], name="installations_external_key_key")]
        verbose_name = _("merchant")
        verbose_name_plural = _("merchants")
        permissions = [
            ("check_installation", _("Can check merchants' credentials with Appmax")),
            ("disable_installation", _("Can disable and enable merchants")),
            ("reconnect_installation", _("Can let merchants replace their credentials")),
            ("rename_installation", _("Can name merchants")),
        ]

    def __str__(self) -> str:
        return self.name or self.external_key

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> "Installation":
        """The object for a row that was read with plain SQL. Its secret is decrypted, and columns that it lacks are
        read, when they are used."""
        sealed = row.pop("merchant_client_secret")
        installation = cls.from_db("default", list(row), list(row.values()))
        installation._sealed_secret = sealed
        return installation

    @property
    def credentials(self) -> Credentials:
        """The merchant's credentials at Appmax. Raises CredentialsUnreadable, which is one of the gateway's errors, so
        that callers treat it like any call that was never sent."""
        name = "merchant_client_secret"
        try:
            if self._sealed_secret is not None and name not in self.__dict__:
                self.merchant_client_secret = decrypted(self._sealed_secret, f"Installation.{name}")
            secret = self.merchant_client_secret
        except DecryptionFailed as error:
            raise CredentialsUnreadable(str(error)) from None
        return Credentials(client_id=self.merchant_client_id, client_secret=secret)

    def holds(self, credentials: Credentials) -> bool:
        """Whether these are the installation's credentials. A secret that can't be decrypted equals no other."""
        same_id = constant_time_compare(self.merchant_client_id, credentials.client_id)
        try:
            return constant_time_compare(self.merchant_client_secret, credentials.client_secret) and same_id
        except DecryptionFailed:
            return False

    @property
    def is_confirmed(self) -> bool:
        """Whether its credentials may be replaced through a reconnect link only."""
        return self.unverified_since is None

    def confirm_again(self) -> None:
        """Note the time at which the same credentials came once more."""
        self.installed_at = timezone.now()
        self.save(update_fields=["installed_at", "updated_at"])

    def confirm(self, credentials: Credentials) -> None:
        """Keep these credentials, which Appmax has given or accepted, and note the time."""
        self.merchant_client_id = credentials.client_id
        self.merchant_client_secret = credentials.client_secret
        self.installed_at = timezone.now()
        self.unverified_since = None
        self.refused_since = None
        self.save(
            update_fields=[
                "merchant_client_id",
                "merchant_client_secret",
                "installed_at",
                "updated_at",
                "unverified_since",
                "refused_since",
            ]
        )


class Identity(models.Model):
    """An external_id that Appmax was told for an external_key (identities.py)."""

    external_id = models.UUIDField(_("external id"), unique=True, default=uuid.uuid4, db_comment="What Appmax was told")
    external_key = models.CharField(
        _("external key"), max_length=255, db_comment="Merchant identifier for which it was told"
    )
    installation = models.ForeignKey(
        Installation,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="identities",
        db_comment="Null until credentials have come for the external_key",
    )
    told_at = models.DateTimeField(_("told at"), db_default=TransactionNow(), db_comment="When Appmax was told")

    class Meta:
        db_table = "installation_identities"
        db_table_comment = (
            "An external_id that Appmax was told: for which external_key, when, and of which installation it became"
        )
        indexes = [models.Index(fields=["external_key", "id"], name="identities_external_key")]
        verbose_name = _("external id")
        verbose_name_plural = _("external ids")

    def __str__(self) -> str:
        return str(self.external_id)


class GenerateCall(models.Model):
    """An open call of ours to /app/client/generate. The row is deleted when Appmax has answered.

    It is a table because the callback that Appmax posts meanwhile may reach another process on another machine.
    """

    external_key = models.CharField(_("external key"), max_length=255)
    opened_at = models.DateTimeField(_("opened at"), db_default=TransactionNow())

    class Meta:
        db_table = "installation_generate_calls"
        db_table_comment = "An open call to /app/client/generate: Appmax's callback meanwhile is about its external_key"
        verbose_name = _("open generate call")
        verbose_name_plural = _("open generate calls")

    def __str__(self) -> str:
        return self.external_key


class ReconnectLink(models.Model):
    """A link with which a confirmed installation's credentials can be replaced once."""

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="reconnect_links")
    made_by = models.CharField(
        _("made by"),
        max_length=255,
        help_text=_("A member of staff, an API key or a command"),
        db_comment="A member of staff, an API key or a command",
    )
    made_at = models.DateTimeField(_("made at"), db_default=TransactionNow())
    begun_at = models.DateTimeField(
        _("begun at"),
        null=True,
        blank=True,
        help_text=_("When it was last opened"),
        db_comment="When the link was last opened",
    )
    used_at = models.DateTimeField(
        _("used at"),
        null=True,
        blank=True,
        help_text=_("When the installation was done"),
        db_comment="When the installation that it began was done",
    )
    keeps_access = models.BooleanField(
        _("keeps the keys"),
        db_default=False,
        help_text=_("Whether API keys and endpoints stay if another Appmax account comes"),
        db_comment="Whether the shop's API keys and endpoints stay if another Appmax account comes",
    )
    replaced = models.BooleanField(
        _("replaced credentials"),
        db_default=False,
        help_text=_("Whether Appmax gave other credentials than before"),
        db_comment="Whether Appmax gave other credentials than before",
    )

    class Meta:
        db_table = "installation_reconnect_links"
        db_table_comment = (
            "A link that lets credentials be replaced: who made it, when it was used, and whether they were"
        )
        verbose_name = _("reconnect link")
        verbose_name_plural = _("reconnect links")

    def __str__(self) -> str:
        return f"{self.installation_id}: {self.made_by}"


class Suspension(models.Model):
    """A merchant that staff have disabled. Its routes answer 403, while webhooks of its orders are still applied.

    It is a table of its own, as the seed's table has no column for it.
    """

    installation = models.OneToOneField(
        Installation, on_delete=models.CASCADE, primary_key=True, related_name="suspension"
    )
    since = models.DateTimeField(
        _("since"), db_default=TransactionNow(), editable=False, db_comment="Since when the merchant is disabled"
    )
    reason = models.CharField(_("reason"), max_length=255, db_comment="Why, in the words of staff")

    class Meta:
        db_table = "installation_suspensions"
        db_table_comment = "A merchant that staff have disabled, since when and why"
        verbose_name = _("suspension")
        verbose_name_plural = _("suspensions")

    def __str__(self) -> str:
        return f"{self.installation_id}: {self.reason}"


class Domain(models.Model):
    """A host name of the merchant's shop where Apple Pay shall work (domains.py)."""

    installation = models.ForeignKey(
        Installation,
        on_delete=models.CASCADE,
        related_name="domains",
        db_index=False,  # installation_domains_once serves
        db_comment="Whose shop it is",
    )
    name = models.CharField(_("name"), max_length=253, db_comment="The host name in ASCII, without a port")
    told_at = models.DateTimeField(
        _("told at"),
        null=True,
        blank=True,
        help_text=_("When Appmax was told; empty: with the next connection"),
        db_comment="When an installation that told Appmax of it was done; null: the next one will tell",
    )

    class Meta:
        db_table = "installation_domains"
        db_table_comment = "A host name of a merchant's shop where Apple Pay shall work, and when Appmax was told of it"
        constraints = [models.UniqueConstraint(fields=["installation", "name"], name="installation_domains_once")]
        verbose_name = _("domain")
        verbose_name_plural = _("domains")

    def __str__(self) -> str:
        return self.name
