"""The forms on an order's page."""

import re
import uuid
from typing import Any

from django import forms
from django.utils.formats import get_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from backoffice.kit.words import reais
from orders.models import Order

# The two ways to write an amount, each with or without thousands separators: 1.234,56 and 1,234.56.
_COMMA = re.compile(r"(\d{1,3}(?:\.\d{3})+|\d+)(?:,(\d+))?")
_POINT = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?")


class ReaisField(forms.DecimalField):
    """An amount as the reader's language writes it, or else as another does: R$ 1.234,56, 1234.56."""

    def to_python(self, value: Any) -> Any:
        point = get_format("DECIMAL_SEPARATOR")
        text = re.sub(r"^R\$|\s", "", str(value or "").strip())
        own, other = (_COMMA, _POINT) if point == "," else (_POINT, _COMMA)
        if found := own.fullmatch(text) or other.fullmatch(text):
            text = re.sub(r"\D", "", found[1]) + (f"{point}{found[2]}" if found[2] else "")
        return super().to_python(text)


class RefundForm(forms.Form):
    """A refund of everything that is left of an order's money, or of a part."""

    TOTAL, PARTIAL = "total", "partial"

    kind = forms.ChoiceField(
        label=_("How much"),
        choices=[(TOTAL, _("All of it")), (PARTIAL, _("A part"))],
        initial=TOTAL,
        widget=UnfoldAdminRadioSelectWidget(),
    )
    amount = ReaisField(
        label=_("Part, in R$"),
        required=False,
        localize=True,
        max_digits=12,
        decimal_places=2,
        widget=UnfoldAdminTextInputWidget({"inputmode": "decimal", "autocomplete": "off"}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=255,
        help_text=_("Kept with the refund. Appmax and the shopper are not told."),
        widget=UnfoldAdminTextInputWidget(),
    )
    # This key makes two clicks on one page one refund.
    once = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, order: Order, data: Any = None) -> None:
        super().__init__(data, initial={"once": uuid.uuid4().hex})
        self.order = order

    def clean(self) -> dict[str, Any]:
        """Sets `cents`, which is None for a total refund."""
        data: dict[str, Any] = super().clean() or {}
        amount = data.get("amount")
        self.cents = None
        if data.get("kind") == self.PARTIAL and "amount" not in self.errors:
            left = self.order.refundable_cents
            if amount is None or not 0 < int(amount * 100) < left:
                limit = reais(left)
                self.add_error("amount", gettext("More than nothing and less than %(limit)s.") % {"limit": limit})
            else:
                self.cents = int(amount * 100)
        elif data.get("kind") == self.TOTAL and amount is not None:
            self.add_error("amount", gettext("Leave this empty, or choose “A part”."))
        return data


class TrackingForm(forms.Form):
    code = forms.CharField(label=_("Tracking code"), max_length=255, widget=UnfoldAdminTextInputWidget())
