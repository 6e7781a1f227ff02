"""Keeps what staff do to logins, in Django's LogEntry, and says an entry in the reader's language."""

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from backoffice.kit.words import history, told

_ACTIONS = {ADDITION: _("Added"), CHANGE: _("Changed"), DELETION: _("Deleted")}


def note(actor: Any, user: User, what: str, detail: str = "") -> None:
    """Keep what `actor` did to a user's login. `what` is a fixed English text (marked by `gettext_noop`)."""
    LogEntry.objects.log_actions(actor.pk, [user], CHANGE, history(what, detail), single_object=True)


def message(entry: LogEntry) -> str:
    """What was done, in the reader's language."""
    return told(entry.get_change_message()) or str(_ACTIONS.get(entry.action_flag, "-"))
