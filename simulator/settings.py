"""The simulator's settings, from the environment when it runs alone."""

import json
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from simulator.models import APP_STORE, MODELS

IDENTITY = ("APPMAX_CLIENT_ID", "APPMAX_CLIENT_SECRET", "APPMAX_APP_ID_UUID", "APPMAX_APP_ID_NUMERIC")
DEFAULT_PORT = 9090


@dataclass(frozen=True)
class SimulatorSettings:
    """`clock_speed`: how much faster than real the retry schedule runs; `token_seconds`: life of an access token;
    `pix_minutes`: how long a Pix waits; `webhook_model`: one of `models.MODELS`. The last three can be switched later.

    `seed`: what merchants' credentials are derived from. Port 0: any free one.
    `stores`: by which external_id each merchant's store was known before a restart, by the merchant's client_id.
    `shop_url`: where a shop sells through the product under test; the menu links to it unless it is blank.
    """

    client_id: str
    client_secret: str = field(repr=False)
    app_id_uuid: str
    app_id_numeric: str
    seed: str = field(repr=False)
    webhook_url: str = "http://127.0.0.1:8080/webhooks/appmax"
    host: str = "127.0.0.1"
    port: int = 0
    clock_speed: float = 600.0
    token_seconds: float = 3600
    pix_minutes: float = 30
    webhook_model: str = APP_STORE
    shop_url: str = ""
    stores: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "SimulatorSettings":
        """Exits with one line that names what is missing or wrong."""
        if missing := [name for name in IDENTITY if not env.get(name)]:
            _refuse(f"{', '.join(missing)} not set")
        return cls(
            client_id=env["APPMAX_CLIENT_ID"],
            client_secret=env["APPMAX_CLIENT_SECRET"],
            app_id_uuid=env["APPMAX_APP_ID_UUID"],
            app_id_numeric=env["APPMAX_APP_ID_NUMERIC"],
            # Merchants' credentials must outlive a restart, and the app's secret does so too.
            seed=env.get("SIMULATOR_SEED") or env["APPMAX_CLIENT_SECRET"],
            webhook_url=env.get("SIMULATOR_WEBHOOK_URL") or cls.webhook_url,
            host=env.get("SIMULATOR_HOST") or cls.host,
            port=int(_number(env, "SIMULATOR_PORT", DEFAULT_PORT, most=65535)),
            clock_speed=_number(env, "SIMULATOR_CLOCK_SPEED", cls.clock_speed),
            token_seconds=_number(env, "SIMULATOR_TOKEN_SECONDS", cls.token_seconds),
            pix_minutes=_number(env, "SIMULATOR_PIX_MINUTES", cls.pix_minutes),
            webhook_model=_choice(env, "SIMULATOR_WEBHOOK_MODEL", cls.webhook_model, MODELS),
            shop_url=env.get("SIMULATOR_SHOP_URL", ""),
            stores=json.loads(env.get("SIMULATOR_STORES") or "{}"),
        )


def _number(env: Mapping[str, str], name: str, default: float, most: float = math.inf) -> float:
    text = env.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (0 < number <= most and math.isfinite(number)):
        _refuse(f"{name} must be a positive number, not {text!r}")
    return number


def _choice(env: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    text = env.get(name) or default
    if text not in allowed:
        _refuse(f"{name} must be one of {', '.join(allowed)}, not {text!r}")
    return text


def _refuse(what: str) -> NoReturn:
    sys.exit(f"configuration error: {what}")
