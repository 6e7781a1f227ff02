"""The overview's parts about payment attempts: what came of them, why they were declined, and money in doubt."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from backoffice import declines
from backoffice.kit.words import reais
from backoffice.overview.charts import Card, Figure, Table, number, share
from backoffice.overview.figures import LONG, Figures
from backoffice.overview.lists import Lists, states
from backoffice.overview.period import Query
from orders.models import OPEN, AttemptMethod, AttemptState
from orders.status import BY_CARD, RefundState

REASONS = 8  # that are shown one by one

_ANSWERED = (AttemptState.SUCCEEDED, AttemptState.DECLINED)


@dataclass(frozen=True)
class Tried:
    """The parts, in the reader's language."""

    found: Figures
    lists: Lists

    def approval(self) -> Card:
        """The share of card payments, wallets' included, that were approved. Attempts that failed or whose result isn't
        known don't count."""
        approved, declined = (self._tried(BY_CARD, state) for state in (AttemptState.SUCCEEDED, AttemptState.DECLINED))
        title = _("Card approval")
        card = {"method__exact": [method.value for method in BY_CARD]}
        return Card(
            title,
            Figure(title, share(approved, approved + declined), self.lists.attempts(card, states(*_ANSWERED))),
            [
                Figure(
                    pgettext("attempts", "Approved"),
                    number(approved),
                    self.lists.attempts(card, states(AttemptState.SUCCEEDED)),
                ),
                Figure(
                    pgettext("attempts", "Declined"),
                    number(declined),
                    self.lists.attempts(card, states(AttemptState.DECLINED)),
                ),
            ],
        )

    def doubt(self) -> Card:
        """The money of which it isn't known where it is: now, in whatever period it began."""
        found = self.found["doubt"]
        long_ago = {"started_at__lt": (datetime.fromisoformat(self.found["at"]) - LONG).isoformat()}
        unknown, started = (states(state) for state in (AttemptState.UNKNOWN, AttemptState.STARTED))
        refunds = {"refund": RefundState.UNKNOWN.value}
        minutes = LONG // timedelta(minutes=1)
        return Card(
            _("Money in doubt now"),
            None,
            [
                _doubt(
                    _("Payments, outcome unknown"),
                    *found["unknown"],
                    self.lists.any_attempts(unknown),
                ),
                _doubt(
                    _("Payments, no answer for %(count)s minutes") % {"count": minutes},
                    *found["unanswered"],
                    self.lists.any_attempts(started, long_ago),
                ),
                _doubt(
                    _("Orders, refund unknown"),
                    *found["refunds"],
                    self.lists.any_orders(refunds),
                ),
            ],
            _("Of all days. A payment's amount is that of its order."),
        )

    def attempts(self) -> Table:
        """What came of the payment attempts, by method."""
        methods = [method for method in AttemptMethod if self._tried([method])]
        lines = [(str(method.label), self._line([method], {"method__exact": method.value})) for method in methods]
        if len(methods) > 1:
            lines.append((_("All methods"), self._line(methods, {})))
        note = _(
            "A Pix or boleto counts as taken once it has a code. Approval: the share of taken among taken and declined."
        )
        return Table(_("Payment attempts by method"), _("Method"), lines, note)

    def _line(self, methods: Sequence[str], of: Query) -> list[Figure]:
        columns: list[tuple[str, tuple[AttemptState, ...]]] = [
            (_("Attempts"), tuple(AttemptState)),
            (pgettext("attempts", "Taken"), (AttemptState.SUCCEEDED,)),
            (pgettext("attempts", "Declined"), (AttemptState.DECLINED,)),
            (pgettext("attempts", "Failed"), (AttemptState.FAILED,)),
            (pgettext("attempts", "Open"), OPEN),
        ]
        figures = [
            Figure(label, number(self._tried(methods, *wanted)), self.lists.attempts(of, states(*wanted)))
            for label, wanted in columns
        ]
        taken, answered = self._tried(methods, AttemptState.SUCCEEDED), self._tried(methods, *_ANSWERED)
        return [*figures, Figure(_("Approval"), share(taken, answered), self.lists.attempts(of, states(*_ANSWERED)))]

    def reasons(self) -> Table:
        """Why payments were declined, by method, the most frequent reasons first. The rarer ones are one row."""
        groups: dict[str, list[Any]] = defaultdict(list)
        declined = [row for row in self.found["attempts"] if row["state"] == AttemptState.DECLINED]
        for row in sorted(declined, key=itemgetter("reason")):
            groups[declines.in_words(row["reason"])].append(row)
        shown = sorted(groups.items(), key=lambda group: -_sum(group[1]))
        methods = [method for method in AttemptMethod if any(row["method"] == method for row in declined)]
        methods = methods if len(methods) > 1 else []
        rows = [
            (words, self._reason(methods, of, {"reason": sorted({row["reason"] for row in of})}))
            for words, of in shown[:REASONS]
        ]
        if rarer := [row for _words, of in shown[REASONS:] for row in of]:
            not_these = {"reason_not": sorted({row["reason"] for _words, of in shown[:REASONS] for row in of})}
            rows.append((_("Other reasons"), self._reason(methods, rarer, not_these)))
        return Table(_("Why payments were declined"), _("Reason"), rows, "" if rows else _("None was declined."))

    def _reason(self, methods: Sequence[AttemptMethod], of: list[Any], query: Query) -> list[Figure]:
        figures = [
            Figure(
                str(method.label),
                number(_sum(row for row in of if row["method"] == method)),
                self.lists.attempts({"method__exact": method.value}, query),
            )
            for method in methods
        ]
        every, declined = _sum(of), self._tried(AttemptMethod.values, AttemptState.DECLINED)
        url = self.lists.attempts(query)
        return [*figures, Figure(_("All methods"), number(every), url), Figure(_("Share"), share(every, declined), url)]

    def _tried(self, methods: Sequence[str], *states: AttemptState) -> int:
        """The payment attempts of these methods, in these states or in any."""
        return _sum(
            row for row in self.found["attempts"] if row["method"] in methods and (not states or row["state"] in states)
        )


def _sum(rows: Iterable[Any]) -> int:
    return sum(row["attempts"] for row in rows)


def _doubt(label: str, rows: int, cents: int, url: str) -> Figure:
    return Figure(label, f"{number(rows)} ({reais(cents)})" if rows else number(rows), url)
