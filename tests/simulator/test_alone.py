"""`make simulator`: the simulated Appmax without the rest of the stack."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import requests

from dev import services
from tests.simulator.conftest import TIMEOUT

ROOT = Path(__file__).resolve().parents[2]
MINE = {f"APPMAX_{name}": f"mine-{name}" for name in ("CLIENT_ID", "CLIENT_SECRET", "APP_ID_UUID", "APP_ID_NUMERIC")}


def test_it_says_what_the_app_needs_to_know_and_stops_at_ctrl_c() -> None:
    port = str(services.free_port())
    webhook_url = "http://127.0.0.1:1/webhooks/appmax?token=hush"
    environment = os.environ | MINE | {"SIMULATOR_PORT": port, "SIMULATOR_SEED": "seed", "APP_PORT": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "dev.simulator"],
        cwd=ROOT,
        env=environment | {"SIMULATOR_WEBHOOK_URL": webhook_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C stops it" not in said and (line := process.stdout.readline()):
            said += line
        url = f"http://127.0.0.1:{port}"
        assert requests.get(f"{url}/simulator/api/health", timeout=TIMEOUT).json() == {"status": "ok"}
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == 0
    lines = dict(re.findall("^([A-Z_]+)='(.*)'$", said, re.MULTILINE))
    assert lines == MINE | {
        "APPMAX_AUTH_URL": url,
        "APPMAX_API_URL": url,
        "APPMAX_ADMIN_URL": url,
        "APPMAX_PANEL_ORDER_PATH": "/orders#{order_id}",
    }
    assert "http://127.0.0.1:1/webhooks/appmax?..." in said
    assert "hush" not in said
