"""The simulator's settings, from the environment when it runs alone."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

IDENTITY = ("APPMAX_CLIENT_ID", "APPMAX_CLIENT_SECRET", "APPMAX_APP_ID_UUID", "APPMAX_APP_ID_NUMERIC")


@dataclass(frozen=True)
class SimulatorSettings:
    """`clock_speed`: how much faster than real the retry schedule runs; `token_seconds`: life of an access token."""

    client_id: str
    client_secret: str
    app_id_uuid: str
    app_id_numeric: str
    seed: str
    webhook_url: str = "http://127.0.0.1:8080/webhooks/appmax"
    host: str = "127.0.0.1"
    port: int = 9090
    clock_speed: float = 600.0
    token_seconds: int = 3600

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "SimulatorSettings":
        """Exits with one line that names what is missing."""
        if missing := [name for name in (*IDENTITY, "SIMULATOR_SEED") if not env.get(name)]:
            sys.exit(f"configuration error: {', '.join(missing)} not set")
        return cls(
            client_id=env["APPMAX_CLIENT_ID"],
            client_secret=env["APPMAX_CLIENT_SECRET"],
            app_id_uuid=env["APPMAX_APP_ID_UUID"],
            app_id_numeric=env["APPMAX_APP_ID_NUMERIC"],
            seed=env["SIMULATOR_SEED"],
            webhook_url=env.get("SIMULATOR_WEBHOOK_URL") or cls.webhook_url,
            host=env.get("SIMULATOR_HOST") or cls.host,
            port=int(env.get("SIMULATOR_PORT") or cls.port),
            clock_speed=float(env.get("SIMULATOR_CLOCK_SPEED") or cls.clock_speed),
            token_seconds=int(env.get("SIMULATOR_TOKEN_SECONDS") or cls.token_seconds),
        )
