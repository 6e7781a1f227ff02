"""What happens while Appmax is asked, so that no function of ours has to be replaced to make it happen."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from django.db import connection

from simulator.server import SimulatorServer
from simulator.state import Fault


@contextmanager
def meanwhile(
    simulator: SimulatorServer, path: str, change: Callable[[], Any], *, work: bool = True, **fault: Any
) -> Iterator[None]:
    """Appmax has done the work of the next call of `path`, and before it answers, `change` is made in another thread.

    Without `work` the change comes first. With more of a `Fault` that is answered. An error of the change is raised at
    the end, and TimeoutError if nobody called.
    """
    changed: Future[None] = Future()

    def make() -> None:
        try:
            change()
            changed.set_result(None)
        except Exception as error:
            changed.set_exception(error)
        finally:
            connection.close()

    simulator.state.add_fault(Fault(path, work=work, meanwhile=make, **fault))
    yield
    changed.result(timeout=0)
