"""Sending webhooks on demand: these events, this often, in this order, this late. Claims: no order changes by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.catalogue import SEQUENCES
from simulator.context import Simulation
from simulator.events import event_body, send
from simulator.models import MODELS
from simulator.reading import is_number_in, is_whole
from simulator.records import ARRANGEMENTS, AS_SENT, Delivery, Plan
from simulator.switches import LONGEST_DELAY

MOST_TIMES = 1000  # of one event
MOST_EVENTS = 1000  # of all


FIELDS = {
    *("event", "times", "events", "sequence", "body"),
    *("order_id", "model", "arrangement", "delay", "pause"),
}


class BadWish(ValueError):
    """`errors`: what is wrong, by field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


@dataclass(frozen=True)
class Line:
    """An event, and how many times it is sent."""

    event: str
    times: int = 1


def send_wish(simulation: Simulation, wish: Mapping[str, Any]) -> list[Delivery]:
    """Send what is wished for. Raises BadWish.

    What: `event` and `times`, or `events`: a list of such objects, or `sequence`: one of `SEQUENCES`, or `body` (a JSON
    object as it stands) and `times`. About what: `order_id`. How: `model`, `arrangement`, and in seconds `delay`
    (before the first) and `pause` (between two).
    """
    if unknown := set(wish) - FIELDS:
        raise BadWish(dict.fromkeys(sorted(unknown), "There is no such field."))
    body, model, plan = wish.get("body"), wish.get("model", ""), _plan(wish)
    if body is not None:
        if not isinstance(body, dict):
            raise BadWish({"body": "A JSON object."})
        return send(simulation, [body] * _times(wish), plan)
    if model not in ("", *MODELS):
        raise BadWish({"model": f"One of {', '.join(MODELS)}."})
    lines, order_id = _lines(wish), wish.get("order_id")
    if sum(line.times for line in lines) > MOST_EVENTS:
        raise BadWish({"events": f"Not more than {MOST_EVENTS} at once."})
    bodies = [event_body(simulation, line.event, order_id, model) for line in lines]
    return send(simulation, [body for body, line in zip(bodies, lines, strict=True) for _ in range(line.times)], plan)


def send_again(simulation: Simulation, delivery_id: int) -> list[Delivery]:
    """Sends the same body once more, at once, to the URL that is in force now. Nothing is sent if the webhook is
    gone."""
    delivery = simulation.outbox.find(delivery_id)
    return send(simulation, [delivery.body], Plan()) if delivery else []


def _lines(wish: Mapping[str, Any]) -> list[Line]:
    if (sequence := wish.get("sequence")) is not None:
        if not isinstance(sequence, str) or sequence not in SEQUENCES:
            raise BadWish({"sequence": f"One of {', '.join(SEQUENCES)}."})
        return [Line(name, _times(wish)) for name in SEQUENCES[sequence]]
    rows = wish.get("events", [wish])
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BadWish({"events": 'A list of {"event", "times"}, with one at least.'})
    return [Line(_event(row), _times(row)) for row in rows]


def _event(row: Mapping[str, Any]) -> str:
    event = row.get("event")
    if not isinstance(event, str) or not event:
        raise BadWish({"event": "The event's name is required, or events, a sequence, or a body."})
    return event


def _times(row: Mapping[str, Any]) -> int:
    times = row.get("times", 1)
    if not (is_whole(times) and 1 <= times <= MOST_TIMES):
        raise BadWish({"times": f"An integer from 1 to {MOST_TIMES}."})
    return times


def _plan(wish: Mapping[str, Any]) -> Plan:
    for name in ("delay", "pause"):
        if not is_number_in(wish.get(name, 0), 0, LONGEST_DELAY):
            raise BadWish({name: f"Seconds, from 0 to {LONGEST_DELAY}."})
    arrangement = wish.get("arrangement", AS_SENT)
    if arrangement not in ARRANGEMENTS:
        raise BadWish({"arrangement": f"One of {', '.join(ARRANGEMENTS)}."})
    return Plan(wish.get("delay", 0), wish.get("pause", 0), arrangement=arrangement)
