"""Bad luck on order: what a `Fault` does to a call of Appmax's API."""

from typing import Any

from flask import Blueprint, Response, g, jsonify, make_response, request

from simulator import failures
from simulator.context import simulation
from simulator.records import Fault

CUT = "simulator.cut"  # an event in the WSGI environment: close the connection instead of answering
LONGEST_HANG_SECONDS = 600

_KINDS: dict[str, type | tuple[type, ...]] = {
    "path": str,
    "method": str,
    "times": int,
    "hang": (int, float),
    "work": bool,
    "status": int,
    "body": object,
    "headers": dict,
    "reset": bool,
}


def suffer(blueprint: Blueprint) -> None:
    """Let faults strike this blueprint's routes."""
    blueprint.before_request(_strike_before_work)
    blueprint.after_request(_strike_after_work)


def read_fault(wish: dict[str, Any]) -> Fault:
    """A `Fault` from JSON. Raises ValueError that says what is wrong with it."""
    for name, value in wish.items():
        if name not in _KINDS:
            raise ValueError(f"{name} is not a part of a fault")
        # To Python true and false are integers.
        if not isinstance(value, _KINDS[name]) or (isinstance(value, bool) and name not in ("work", "reset", "body")):
            raise ValueError(f"{name} is of the wrong type")
    if not str(wish.get("path", "")).startswith("/"):
        raise ValueError("path must begin with a slash")
    fault = Fault(**wish)
    fault.method = fault.method.upper()
    if fault.times < 0 or not 0 <= fault.hang <= LONGEST_HANG_SECONDS:
        raise ValueError(f"times must not be negative, and hang between 0 and {LONGEST_HANG_SECONDS} seconds")
    if not (fault.hang or fault.status or fault.reset):
        raise ValueError("one of hang, status and reset must be given")
    if fault.status and not 200 <= fault.status <= 599:
        raise ValueError("status must be between 200 and 599")
    return fault


def read_named(wish: dict[str, Any]) -> list[Fault]:
    """The faults that `{"failure", "route": "", "times": 1, "shape": "message"}` means. Raises ValueError."""
    known = {"failure": "", "route": "", "times": 1, "shape": failures.ERROR_SHAPES[0]}
    if unknown := set(wish) - set(known):
        raise ValueError(f"{', '.join(sorted(unknown))}: not a part of a named failure")
    for name, default in known.items():
        if type(wish.get(name, default)) is not type(default):
            raise ValueError(f"{name} is of the wrong type")
    return failures.faults(**{**known, **wish})


def _strike_before_work() -> Response | None:
    """Without `work`: wait, then fail; with `hang` alone the work is done as usual, only late."""
    if request.method == "OPTIONS":  # A browser asks whether a page may call us, which is no call of Appmax's.
        return None
    g.fault = fault = simulation().state.take_fault(request.method, request.path)
    if fault is None or fault.work:
        return None
    g.fault, g.struck = None, fault
    _wait(fault)
    return _instead(fault) if fault.status or fault.reset else None


def _strike_after_work(response: Response) -> Response:
    """With `work`: it is done, but the caller learns that late, wrongly or never."""
    fault: Fault | None = g.get("fault")
    if fault is None:
        return response
    g.struck = fault
    _wait(fault)
    return _instead(fault) if fault.status or fault.reset else response


def _wait(fault: Fault) -> None:
    if fault.meanwhile:
        fault.meanwhile()
    simulation().stopping.wait(fault.hang)


def _instead(fault: Fault) -> Response:
    if fault.reset:
        request.environ[CUT].set()
    if isinstance(fault.body, str):
        response = make_response(fault.body)
    else:
        response = jsonify(fault.body if fault.body is not None else {"message": f"simulated {fault.status}"})
    response.status_code = fault.status or 500
    response.headers.update(fault.headers)
    return response
