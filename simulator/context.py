"""What a request of the simulator works with."""

import threading
from dataclasses import dataclass, field
from typing import Any, cast

from flask import current_app

from simulator.api_log import ApiLog
from simulator.delivery import Courier
from simulator.limits import Limits
from simulator.outbox import Outbox
from simulator.settings import SimulatorSettings
from simulator.state import State


@dataclass(frozen=True)
class Simulation:
    """One simulated Appmax. `stopping` is set when its server ends: whoever waits, waits for this."""

    settings: SimulatorSettings
    state: State
    outbox: Outbox
    courier: Courier
    log: ApiLog = field(default_factory=ApiLog)
    limits: Limits = field(default_factory=Limits)
    stopping: threading.Event = field(default_factory=threading.Event)

    def switch(self, wish: dict[str, Any]) -> None:
        """Set these switches, which must be right; webhooks that were held go out if they are held no longer."""
        if not self.state.switch(**wish).webhook_hold:
            self.release()

    def release(self) -> int:
        """Sends what is held back, and returns how many webhooks that are."""
        return self.courier.release(self.state.switches.plan)

    def reset(self) -> None:
        """Forgets everything and drops what waits to be sent, as a restart does."""
        self.courier.cancel()
        self.outbox.clear()
        self.state.reset()
        self.log.clear()
        self.limits.clear()


def simulation() -> Simulation:
    """The one that serves this request."""
    return cast(Simulation, current_app.extensions["simulator"])
