"""The forms of a merchant's actions."""

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget


class ReasonForm(forms.Form):
    """The reason why a merchant is disabled, which other staff can read."""

    reason = forms.CharField(label=_("Reason"), max_length=255, widget=UnfoldAdminTextInputWidget())


class ReconnectForm(forms.Form):
    keeps_access = forms.BooleanField(
        label=_("The shop keeps its API keys and endpoints"),
        required=False,
        widget=UnfoldBooleanWidget(),
        help_text=_(
            "Only if you know that they are this merchant's. Otherwise they stop working once another Appmax account "
            "is connected, and you issue a new key."
        ),
    )


class KeyNameForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=50, widget=UnfoldAdminTextInputWidget(), help_text=_("Where it will be used")
    )


class MerchantNameForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("What staff call the merchant. Without a name it is shown by its external key."),
    )
