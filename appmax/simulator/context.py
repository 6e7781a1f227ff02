"""What a request of the simulator works with."""

import threading
from dataclasses import dataclass, field
from typing import cast

from flask import current_app

from appmax.simulator.delivery import Courier
from appmax.simulator.settings import SimulatorSettings
from appmax.simulator.state import State


@dataclass(frozen=True)
class Simulation:
    """One simulated Appmax. `stopping` is set when its server ends: whoever waits, waits for this."""

    settings: SimulatorSettings
    state: State
    courier: Courier
    stopping: threading.Event = field(default_factory=threading.Event)


def simulation() -> Simulation:
    """The one that serves this request."""
    return cast(Simulation, current_app.extensions["simulator"])
