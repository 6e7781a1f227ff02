"""Limits guessed passwords. django-axes counts the failures; this module says by which name, and when to refuse."""

from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

NAME_CEILING = 50  # wrong passwords for one name within AXES_COOLOFF_TIME, from all addresses together
NAME_WAIT = timedelta(seconds=30)


class Handler(AxesDatabaseHandler):  # type: ignore[misc] # untyped
    """django-axes' handler, which locks a pair of name and address, and in addition a ceiling for names that many
    addresses try."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Whether this login is refused without looking at the password."""
        return super().is_locked(request, credentials) or _has_to_wait(get_client_username(request, credentials))


def _has_to_wait(name: str | None) -> bool:
    """Whether too many addresses have tried this name.

    Simply locking the name would let anybody keep its owner from working. So an owner with an authenticator app is
    never locked out here, as a guessed password alone doesn't let anybody in. Any other name may be tried once in
    NAME_WAIT.
    """
    now = timezone.now()
    tries = AccessAttempt.objects.filter(username=name, attempt_time__gt=now - settings.AXES_COOLOFF_TIME)
    found = tries.aggregate(failures=Sum("failures_since_start"), latest=Max("attempt_time"))
    if (found["failures"] or 0) < NAME_CEILING or found["latest"] < now - NAME_WAIT:
        return False
    return not TOTPDevice.objects.filter(user__username__iexact=name, confirmed=True).exists()


def locked_out(request: HttpRequest, original_response: HttpResponse | None, credentials: Any) -> HttpResponse:
    """The answer to somebody who has guessed too often."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    return render(request, "admin/locked_out.html", {"minutes": minutes}, status=429)


def name_tried(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """The name under which failures are counted. `Ana` and `ana` are one name, or each spelling would allow more
    guesses."""
    name = (credentials or request.POST).get("username")
    return None if name is None else str(name).casefold()
