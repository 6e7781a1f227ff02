"""Why payments were declined: the reasons in words, and the filter of the list of attempts."""

import re
from collections.abc import Iterator
from typing import Any

from django.contrib.admin import ListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.models import AttemptState, PaymentAttempt

# Appmax's words for a refusal without a reason (contract, 4.2), in both languages.
_NOT_AUTHORISED = re.compile(
    r"(?:(?:payment|transaction|card|pagamento|transação|cartão) )?(?:was |foi )?"
    r"(?:not authori[sz]ed|declined|não autorizad[oa]|negad[oa]|recusad[oa])"
)
_BY_RISK = re.compile(r"(?:(?:pedido|pagamento|transação) )?(?:foi )?recusad[oa][ _]por[ _]risco")


def in_words(reason: str) -> str:
    """What a reason of `PaymentAttempt.objects.with_reason()` is called. What says more than that it was declined is
    shown as Appmax wrote it."""
    if not reason:
        return gettext("No reason given")
    if _NOT_AUTHORISED.fullmatch(reason):
        return gettext("Not authorised by the issuer")
    if _BY_RISK.fullmatch(reason):
        return gettext("Refused for risk")
    return reason[0].upper() + reason[1:]


class ReasonFilter(ListFilter):
    """Declined attempts with one of the reasons that `reason` names, or with none of those that `reason_not` names. The
    overview links to it, so it has no box."""

    title = _("reason of the decline")

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.wanted: dict[str, list[str]] = {
            name: params.pop(name) for name in ("reason", "reason_not") if name in params
        }

    def has_output(self) -> bool:
        """Django leaves out a filter that has none, so it is there only if it is used."""
        return bool(self.wanted)

    def expected_parameters(self) -> list[str | None]:
        return ["reason", "reason_not"]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Nothing: the filter is set by links alone and has no box in the list."""
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[PaymentAttempt]) -> QuerySet[PaymentAttempt]:
        """The declined attempts with these reasons."""
        if not self.wanted:
            return queryset
        declined = queryset.filter(state=AttemptState.DECLINED).with_reason()  # type: ignore[attr-defined]
        if "reason" in self.wanted:
            declined = declined.filter(reason__in=self.wanted["reason"])
        return declined.exclude(reason__in=self.wanted.get("reason_not", []))  # type: ignore[no-any-return]

    def in_words(self) -> tuple[str, bool]:
        """The chosen reasons, for the list's chip."""
        words = {name: ", ".join(sorted(set(map(in_words, values)))) for name, values in self.wanted.items()}
        return words.get("reason") or gettext("none of: %(reasons)s") % {"reasons": words.get("reason_not", "")}, False
