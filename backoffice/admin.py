"""Where Django looks for an app's admin pages: each module below registers its own."""

from backoffice import attempts, events, jobs, keys, merchants, orders, team  # noqa: F401
