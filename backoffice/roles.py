"""The roles of the back office and their permissions. A migration makes them, and administrators may change them
later."""

from typing import Any

from django.apps import apps
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet
from django.utils.translation import gettext, gettext_noop

_SEES = (
    "installations.view_installation installations.view_apikey orders.view_order orders.view_paymentattempt "
    "orders.view_question orders.view_subscription webhooks.view_webhookevent procrastinate.view_procrastinatejob "
    "notifications.view_endpoint notifications.view_notification backoffice.view_alertrule backoffice.view_alert"
)
_SUPPORT = (
    f"{_SEES} orders.reconcile_order webhooks.reprocess_webhookevent installations.rename_installation "
    "backoffice.add_note notifications.send_notification"
)
_FINANCE = (
    f"{_SUPPORT} orders.refund_order orders.manage_subscription orders.track_order orders.export_order "
    "webhooks.export_webhookevent backoffice.share_savedview"
)
_ADMINISTRATOR = (
    f"{_FINANCE} webhooks.view_personal_data webhooks.view_webhook_url "
    "installations.check_installation installations.disable_installation "
    "installations.reconnect_installation backoffice.delete_note notifications.manage_endpoint "
    "backoffice.manage_alertrule "
    "installations.add_apikey installations.change_apikey "
    "auth.view_user auth.add_user auth.change_user "
    "backoffice.manage_staffsession admin.view_logentry "
    "auth.view_group auth.add_group auth.change_group auth.delete_group "
    "otp_totp.view_totpdevice otp_totp.delete_totpdevice axes.view_accessattempt axes.delete_accessattempt"
)

ROLES = {"Support": _SUPPORT.split(), "Finance": _FINANCE.split(), "Administrator": _ADMINISTRATOR.split()}
"""Support sees everything but secrets and personal data, and may reprocess, reconcile, name merchants and write notes.
Finance may also move money, look after subscriptions, export, and share saved views. Administrators also see personal
data, delete others' notes, and look after merchants, keys, alert rules, staff and roles."""


gettext_noop("Support"), gettext_noop("Finance"), gettext_noop("Administrator")


def shown(name: str) -> str:
    """A role's name in the reader's language. One that an administrator has made is called as they wrote it."""
    return gettext(name) if name in ROLES else name


def make() -> None:
    """Make those roles that don't exist yet."""
    for name, wanted in ROLES.items():
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            group.permissions.set(_permissions(wanted))


def grant(name: str, wanted: str) -> None:
    """Give a new permission to a role that an earlier migration made, unless an administrator has deleted the role."""
    for group in Group.objects.filter(name=name):
        group.permissions.add(*_permissions([wanted]))


def lacking(user: Any) -> QuerySet[Permission]:
    """The permissions that the user doesn't have, and so can't give to others."""
    if user.is_superuser:
        return Permission.objects.none()
    return Permission.objects.exclude(Q(group__user=user) | Q(user=user))


def may_give(user: Any) -> QuerySet[Permission]:
    """The permissions that the user has, and so may give to others."""
    if user.is_superuser:
        return Permission.objects.all()
    return Permission.objects.filter(Q(group__user=user) | Q(user=user)).distinct()


def keepers() -> QuerySet[User]:
    """Those who can log in and change users, at least one of whom there must always be."""
    found: QuerySet[User] = User.objects.with_perm(
        "auth.change_user", backend="django.contrib.auth.backends.ModelBackend"
    )
    return found.filter(is_staff=True).exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)


def givable(user: Any) -> QuerySet[Group]:
    """The roles that the user may give: those that allow nothing beyond what the user may."""
    return Group.objects.exclude(permissions__in=lacking(user)).order_by("name")


def outranks(user: Any, other: Any) -> bool:
    """Whether the user may do at least what the other may, and so may look after the other's login."""
    if user.is_superuser or other.is_superuser:
        return bool(user.is_superuser)
    return not lacking(user).filter(Q(group__user=other) | Q(user=other)).exists()


def _permissions(names: list[str]) -> list[Permission]:
    """The permissions with these names. Raises LookupError for a name that no model has."""
    labels = {name.partition(".")[0] for name in names}
    for label in labels:  # Django makes permissions after all migrations, which is too late here.
        create_permissions(apps.get_app_config(label), verbosity=0)
    query = Q()
    for name in names:
        label, _, codename = name.partition(".")
        query |= Q(content_type__app_label=label, codename=codename)
    found = list(Permission.objects.filter(query).select_related("content_type"))
    missing = set(names) - {f"{each.content_type.app_label}.{each.codename}" for each in found}
    if missing:
        raise LookupError(f"no such permissions: {', '.join(sorted(missing))}")
    return found
