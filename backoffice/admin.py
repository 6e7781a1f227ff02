"""Django imports this module to find the admin pages, which each of these modules registers."""

from backoffice import (  # noqa: F401
    attempts,
    endpoints,
    event_batches,
    events,
    export_list,
    jobs,
    keys,
    merchants,
    names,
    notifications,
    orders,
    questions,
    session_list,
    subscriptions,
    team,
    team_log_list,
)
from backoffice.alerts import pages  # noqa: F401
