from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AppConfig):
    name = "backoffice"
    default = True


class BackOfficeAdminConfig(AdminConfig):
    """django.contrib.admin, whose default site is ours."""

    default = False
    default_site = "backoffice.site.BackOffice"
