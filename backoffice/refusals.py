"""The page for staff who open what they may not. It stays in the back office and names the roles that may."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.contrib.admin import AdminSite
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

log = structlog.stdlib.get_logger(__name__)


class Remembering(BaseBackend):
    """The last of the AUTHENTICATION_BACKENDS. Django asks it when all others have said no. It says no as well, and
    notes on the user what was asked: a view that raises PermissionDenied doesn't say why."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        user_obj.__dict__.setdefault("refused", []).append(perm)
        return False


def explained(site: AdminSite, view: Callable[..., Any]) -> Callable[..., Any]:
    """The view, with the page for PermissionDenied in the frame of `site`."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return view(request, *args, **kwargs)
        except PermissionDenied:
            return _page(site, request)

    return inner


def _page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    needed = _needed(getattr(user, "refused", []))
    log.warning("backoffice.refused", permissions=needed, user=user.pk)
    context = {
        **site.each_context(request),
        "title": _("Your role doesn't open this page"),
        "may": _roles(needed),
        "own": [str(role) for role in user.groups.order_by("name")],
    }
    return render(request, "admin/403.html", context, status=403)


def _needed(refused: list[str]) -> list[str]:
    """The permissions of which one would have been enough: the last that was asked for. To see a row Django asks for
    `view`, then for `change`, so both count if both were asked for."""
    if not refused:
        return []
    last = refused[-1]
    return sorted({last} | ({last.replace(".change_", ".view_")} & set(refused)))


def _roles(permissions: list[str]) -> list[str]:
    """The names, in the reader's language, of the roles that have one of the permissions."""
    wanted = Q(pk=None)
    for each in permissions:
        label, _dot, codename = each.partition(".")
        wanted |= Q(permissions__content_type__app_label=label, permissions__codename=codename)
    return [str(role) for role in Group.objects.filter(wanted).distinct().order_by("name")]
