"""Django imports this module to find the admin pages, which each of these modules registers."""

from backoffice import attempts, events, jobs, keys, merchants, notifications, orders, team  # noqa: F401
