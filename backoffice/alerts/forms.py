"""The form of an alert rule."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from backoffice.alerts.kinds import Kind
from backoffice.alerts.models import AlertRule
from web import outgoing

MOST_RECIPIENTS = 20


class AlertRuleForm(forms.ModelForm[AlertRule]):
    """A rule of one kind, whose threshold is asked for in its own words. The chat's URL is a secret: it is typed, and
    never shown again."""

    recipients = forms.CharField(
        label=_("E-mail to"),
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text=_("One address a line"),
    )
    new_chat_url = forms.CharField(
        label=_("Chat's webhook URL"),
        required=False,
        max_length=outgoing.MOST_URL,
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("The incoming webhook of a channel in Slack or Teams, or of another chat that takes the same"),
    )
    no_chat = forms.BooleanField(
        label=_("Tell the chat nothing any more"), required=False, widget=UnfoldBooleanWidget()
    )
    language = forms.ChoiceField(
        label=capfirst(_("language")), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget()
    )

    class Meta:
        model = AlertRule
        fields = ("installation", "threshold", "recipients", "language")

    kind: Kind | None = None  # set by AlertRuleAdmin.get_form

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.kind:
            self.instance.kind = self.kind.name
        self.initial["recipients"] = "\n".join(self.instance.recipients)
        if self.instance.chat_host:
            self.fields["new_chat_url"].help_text = _(
                "Alerts go to a channel at %(host)s. Type another URL to replace it, or nothing to keep it."
            ) % {"host": self.instance.chat_host}
        else:
            self.fields.pop("no_chat", None)
        if not settings.EMAIL_HOST and "recipients" in self.fields:
            self.fields["recipients"].help_text = _(
                "One address a line. No mail server is set up (EMAIL_HOST), so no e-mail is sent yet."
            )
        threshold = self.kind.threshold if self.kind else None
        if threshold is None:
            self.fields.pop("threshold", None)
        elif "threshold" in self.fields:
            self.fields["threshold"] = forms.IntegerField(
                label=str(threshold.label),
                help_text=str(threshold.help_text),
                min_value=threshold.minimum,
                max_value=threshold.maximum,
                initial=threshold.default,
                widget=UnfoldAdminIntegerFieldWidget(),
            )
        if self.kind and not self.kind.of_merchants:
            self.fields.pop("installation", None)

    def clean_recipients(self) -> list[str]:
        addresses = list(dict.fromkeys(self.cleaned_data["recipients"].replace(",", " ").replace(";", " ").split()))
        for address in addresses:
            try:
                validate_email(address)
            except ValidationError:
                text = gettext("“%(address)s” is no e-mail address.") % {"address": address}
                raise forms.ValidationError(text) from None
        if len(addresses) > MOST_RECIPIENTS:
            raise forms.ValidationError(
                gettext("At most %(number)s addresses. Use a mailing list for more.") % {"number": MOST_RECIPIENTS}
            )
        return addresses

    def clean_new_chat_url(self) -> str:
        if not self.cleaned_data["new_chat_url"]:
            return ""
        try:
            return outgoing.checked_url(self.cleaned_data["new_chat_url"])
        except outgoing.NotAllowed as refusal:
            raise forms.ValidationError(gettext(str(refusal))) from None

    def clean(self) -> Any:
        """A rule has somebody to tell."""
        cleaned = super().clean() or {}
        keeps_chat = self.instance.chat_host and not cleaned.get("no_chat")
        if not self.errors and not (cleaned.get("recipients") or cleaned.get("new_chat_url") or keeps_chat):
            self.add_error("recipients", _("Somebody has to be told: an e-mail address or a chat."))
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """The rule, with its chat."""
        if url := self.cleaned_data["new_chat_url"]:
            self.instance.chat_url, self.instance.chat_host = url, str(urlsplit(url).hostname)
        elif self.cleaned_data.get("no_chat"):
            self.instance.chat_url = self.instance.chat_host = ""
        return super().save(commit)
