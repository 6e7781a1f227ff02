"""`make simulator`: starts the simulated Appmax alone, for an app that is started in another way. Ctrl-C stops it."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured

from checkout_project.environment import Environment
from dev import run
from simulator.__main__ import serve
from simulator.settings import SimulatorSettings

FOR_THE_APP = (
    "APPMAX_AUTH_URL",
    "APPMAX_API_URL",
    "APPMAX_ADMIN_URL",
    "APPMAX_PANEL_ORDER_PATH",
    "APPMAX_CLIENT_ID",
    "APPMAX_CLIENT_SECRET",
    "APPMAX_APP_ID_UUID",
    "APPMAX_APP_ID_NUMERIC",
)
PAGES = {"Orders": "orders", "Webhooks": "deliveries", "Switches": "switches", "API log": "log"}


def main() -> int:
    """Serve on SIMULATOR_PORT until Ctrl-C or SIGTERM; returns 0. The app's identity is that of `make run`."""
    env = Environment(run.ROOT / ".env")
    variables = run.simulator_variables(env, str(env.number("APP_PORT", 8080, minimum=1)))
    webhook_url = env.text("SIMULATOR_WEBHOOK_URL", variables["SIMULATOR_WEBHOOK_URL"])
    settings = SimulatorSettings.from_env(os.environ | variables | {"SIMULATOR_WEBHOOK_URL": webhook_url})
    serve(settings, lambda url: print(where(url, variables, webhook_url), flush=True))
    return 0


def where(url: str, variables: dict[str, str], webhook_url: str) -> str:
    """The page to open, and the variables that the app needs. A token in the webhook URL is not shown."""
    shown, mark, _ = webhook_url.partition("?")
    lines = [
        "",
        f"  Simulated Appmax  {url}/",
        *[f"  {name:16}  {url}/{path}" for name, path in PAGES.items()],
        f"  It posts webhooks to {shown}{'?...' if mark else ''}",
        "",
        "  For the app's .env:",
        "",
        *[f"{name}='{variables[name]}'" for name in FOR_THE_APP],  # quoted: a # would begin a comment
        "",
        "  Ctrl-C stops it; what it knows is forgotten then, merchants' credentials stay valid.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ImproperlyConfigured as error:
        sys.exit(f"configuration error: {error}")
