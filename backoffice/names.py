"""Readable names, in the reader's language, for the models, fields and rows of libraries, which name them in English,
otherwise than the menu, or not at all. Django keeps a field's first name for migrations, so none comes of this."""

from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django.models import ProcrastinateJob

from backoffice import roles
from installations.models import ApiKey

_PERMISSIONS = {
    "add": gettext_noop("Can add: %(model)s"),
    "change": gettext_noop("Can change: %(model)s"),
    "delete": gettext_noop("Can delete: %(model)s"),
    "view": gettext_noop("Can view: %(model)s"),
}
# What the list of permissions says of models that have no names of their own.
_MODELS = (
    *(gettext_noop("idempotent request"), gettext_noop("quota"), gettext_noop("order code")),
    gettext_noop("subscription question"),
    *(gettext_noop("claim source"), gettext_noop("procrastinate worker"), gettext_noop("procrastinate event")),
    *(gettext_noop("procrastinate periodic defer"), gettext_noop("static device"), gettext_noop("static token")),
)


def of_permission(permission: Permission) -> str:
    """Django keeps a permission's name in English."""
    model = gettext(permission.content_type.name)
    verb, _dash, codename = permission.codename.partition("_")
    words = _PERMISSIONS.get(verb) if codename == permission.content_type.model else None
    return f"{capfirst(model)} | {gettext(words) % {'model': model} if words else gettext(permission.name)}"


Group.add_to_class("__str__", lambda role: roles.shown(role.name))
Permission.add_to_class("__str__", of_permission)
ProcrastinateJob.add_to_class("__str__", lambda job: f"#{job.pk}")
apps.get_app_config("procrastinate").verbose_name = _("Jobs")

for _model, _field, _name in (
    (ApiKey, "name", _("name")),
    (ApiKey, "revoked", _("revoked")),
    (TOTPDevice, "user", _("user")),
    (ProcrastinateJob, "task_name", _("task")),
):
    _model._meta.get_field(_field).verbose_name = _name  # type: ignore[union-attr]

for _theirs, _one, _many in (
    (TOTPDevice, _("authenticator app"), _("authenticator apps")),
    (AccessAttempt, _("failed login"), _("failed logins")),
    (Group, _("role"), _("roles")),
):
    _theirs._meta.verbose_name, _theirs._meta.verbose_name_plural = _one, _many

# Rows that go when a role or a user is deleted, and that the page which asks about it lists.
for _through, _one, _many in (
    (Group.permissions.through, _("permission of a role"), _("permissions of the role")),
    (User.groups.through, _("user with a role"), _("users with the role")),
    (User.user_permissions.through, _("permission of a user"), _("permissions of the user")),
):
    _through._meta.verbose_name, _through._meta.verbose_name_plural = _one, _many
    _through.add_to_class("__str__", lambda row: f"#{row.pk}")
