"""The product's settings with the migration linter, which the product itself doesn't need."""

from checkout_project.settings import *  # noqa: F403
from checkout_project.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]

MIGRATION_LINTER_OPTIONS = {
    "include_apps": ["backoffice", "installations", "notifications", "orders", "webhooks"],
    # Made before the first release: no table had a row when they ran, so no lock of theirs can have hurt anybody.
    "ignore_name": [
        "0001_initial",
        "0001_roles",
        "0002_payment_attempts",
        "0002_suspension",
        "0002_waiting_and_progress",
        "0003_back_office",
        # The table that it makes is the one that its unique indexes are on.
        "0007_saved_views",
    ],
    "warnings_as_errors": [],  # all of them: an index that locks a table while it is built is one
    "no_cache": True,
    "quiet": ["ok", "ignore"],
}
