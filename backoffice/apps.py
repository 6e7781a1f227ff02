"""Staff's floor as an app, and django.contrib.admin with its site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AppConfig):
    """Its templates, static files and roles."""

    name = "backoffice"
    default = True


class BackOfficeAdminConfig(AdminConfig):
    """django.contrib.admin, whose default site is ours."""

    default = False
    default_site = "backoffice.site.BackOffice"
