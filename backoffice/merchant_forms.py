"""The forms of a merchant's actions."""

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget


class ReasonForm(forms.Form):
    """The reason why a merchant is disabled, which other staff can read."""

    reason = forms.CharField(label=_("Reason"), max_length=255, widget=UnfoldAdminTextInputWidget())


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
