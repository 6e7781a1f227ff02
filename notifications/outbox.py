"""Writes what storefronts are to be told, in the transaction that does what they are told of. So nothing is lost, and
nothing is told that didn't happen."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection

from notifications.models import TEST, Endpoint, EventType, Notification, new_message_id


def put(
    installation_id: int,
    appmax_order_id: int | None,
    events: Mapping[EventType, Mapping[str, Any]],
    answer: Callable[[], Mapping[str, Any]],
) -> None:
    """Tell the installation's endpoints of events of one order, or of the subscription that began with it. Each is
    given with what it adds to the answer about the order or subscription. `answer` makes that answer, and is called
    only if somebody listens.

    It must be called in the transaction that changes the order or subscription, with its row locked, so that the rows'
    ids are in the order of its events.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("the outbox is written in the transaction that it tells of")
    endpoints = Endpoint.objects.listening(installation_id)
    wanted = [
        (event_type, added, [pk for pk, types in endpoints if event_type in (types or [event_type])])
        for event_type, added in events.items()
    ]
    if not any(listeners for _type, _added, listeners in wanted):
        return
    told = answer()
    rows = []
    for event_type, added, listeners in wanted:
        message_id = new_message_id()
        for endpoint_id in listeners:
            rows.append(
                Notification(
                    endpoint_id=endpoint_id,
                    message_id=message_id,
                    type=event_type,
                    appmax_order_id=appmax_order_id,
                    data={**told, **added},
                )
            )
    Notification.objects.bulk_create(rows)


def put_test(endpoint: Endpoint) -> Notification:
    """Have a test message sent. It is sent although the endpoint may be switched off."""
    data = {"message": "This is a test. Nothing has happened."}
    return Notification.objects.create(endpoint=endpoint, type=TEST, data=data)


def send_again(notification: Notification) -> Notification:
    """Have the message sent once more, with the same webhook-id. It waits for no other message of its order, and none
    waits for it. The row of the former delivery stays."""
    return Notification.objects.create(
        endpoint_id=notification.endpoint_id,
        message_id=notification.message_id,
        type=notification.type,
        appmax_order_id=notification.appmax_order_id,
        data=notification.data,
        created_at=notification.created_at,
        is_again=True,
    )
