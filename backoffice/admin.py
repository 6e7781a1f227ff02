"""Django imports this module to find the admin pages, which each of these modules registers."""

from backoffice import (  # noqa: F401
    attempts,
    endpoints,
    event_batches,
    events,
    jobs,
    keys,
    merchants,
    notifications,
    orders,
    questions,
    session_list,
    team,
    team_log_list,
)
from backoffice.alerts import pages  # noqa: F401
