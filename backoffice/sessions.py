"""Logins of staff: each is kept with where it came from, and can be ended by its owner or an administrator."""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_noop

from backoffice import team_log
from backoffice.models import StaffSession
from web.address import client_ip

LOGGED_IN = gettext_noop("Logged in")
ENDED = gettext_noop("Session ended")
SEEN_EVERY = 60  # seconds
_ROW = "staff_session"


def begin(request: HttpRequest) -> None:
    """Keep the login that was just made."""
    user: Any = request.user
    address = client_ip(request)
    with transaction.atomic():
        # The same browser's login before, whose session goes on as this one.
        StaffSession.objects.filter(pk=_row(request), ended_at=None).update(
            session_key=None, ended_at=Now(), ended_by=user
        )
        row = StaffSession.objects.create(
            user=user, address=address, browser=request.headers.get("User-Agent", "").replace("\0", "")[:200]
        )
        request.session[_ROW] = row.pk
        request.session.save()
        StaffSession.objects.filter(pk=row.pk).update(session_key=request.session.session_key)
        team_log.note(user, user, LOGGED_IN, address or "")


def seen(request: HttpRequest) -> None:
    """Note that the login is used, once in SEEN_EVERY. What pages ask for by themselves doesn't count."""
    row = _row(request)
    is_person = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    if row and is_person and cache.add(f"staff_session_seen:{row}", 1, SEEN_EVERY):
        StaffSession.objects.filter(pk=row, ended_at=None).update(seen_at=Now())


def keep_only(request: HttpRequest) -> None:
    """After the user has changed the password: end the other sessions, and note this one's new key."""
    end_others(request)
    StaffSession.objects.filter(pk=_row(request), ended_at=None).update(session_key=request.session.session_key)


def end_others(request: HttpRequest) -> None:
    """End all sessions of the user but this one."""
    user: Any = request.user
    if count := end(StaffSession.objects.filter(user=user).exclude(pk=_row(request)), by=user):
        team_log.note(user, user, ENDED, str(count))


def leave(request: HttpRequest) -> None:
    """The user logs out."""
    if row := _row(request):
        end(StaffSession.objects.filter(pk=row), by=request.user)


def end(rows: QuerySet[StaffSession], *, by: Any) -> int:
    """End those of the sessions that are open, and return how many that were. Their browsers are logged out."""
    with transaction.atomic():
        found = list(rows.filter(session_key__isnull=False).order_by("pk").select_for_update(of=("self",)))
        Session.objects.filter(session_key__in=[row.session_key for row in found]).delete()
        StaffSession.objects.filter(pk__in=[row.pk for row in found]).update(
            session_key=None, ended_at=Now(), ended_by=by.pk
        )
    return len(found)


def with_open(rows: QuerySet[StaffSession]) -> QuerySet[StaffSession]:
    """The sessions with `is_open`: whether the browser is still logged in."""
    alive = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=timezone.now())
    return rows.annotate(is_open=Exists(alive))


def end_all(user: User, *, by: Any) -> None:
    """End every session of the user, as when the password was replaced or the user was deactivated."""
    end(StaffSession.objects.filter(user=user), by=by)


def _row(request: HttpRequest) -> int:
    """The id of this login's row; 0 if there is none."""
    return int(request.session.get(_ROW, 0))
