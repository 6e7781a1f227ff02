"""The use cases of an installation's endpoints: register, change, rotate the secret, delete; and their messages."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from installations.models import Installation
from notifications import outbox
from notifications.models import OLD_SECRET_VALID, DisabledWhy, Endpoint, Notification, new_secret

log = structlog.stdlib.get_logger(__name__)

MOST = 10
"""Endpoints of an installation. Each is written to in the transactions of the installation's orders."""


class EndpointNotFound(Exception):
    """The installation has no such endpoint."""


class DeliveryNotFound(Exception):
    """The endpoint has no such delivery."""


class TooManyEndpoints(Exception):
    """The installation has as many endpoints as it may have."""


def register(installation: Installation, *, url: str, event_types: Sequence[str]) -> Endpoint:
    """A new endpoint, with its secret. Raises TooManyEndpoints."""
    with transaction.atomic():
        check_room(installation)
        endpoint = Endpoint.objects.create(
            installation_id=installation.pk, url=url, event_types=list(event_types), secret=new_secret()
        )
    log.info("notification.endpoint_registered", installation=installation.pk, endpoint=endpoint.pk)
    return endpoint


def check_room(installation: Installation) -> None:
    """Lock the installation until the transaction ends, and raise TooManyEndpoints if it has no room for another
    endpoint."""
    Installation.objects.lock(installation.pk)
    if Endpoint.objects.of(installation.pk).count() >= MOST:
        raise TooManyEndpoints


def find(installation: Installation, pk: int) -> Endpoint:
    """Raises EndpointNotFound."""
    return _found(Endpoint.objects.of(installation.pk).filter(pk=pk).first())


def change(endpoint: Endpoint, *, by: DisabledWhy = DisabledWhy.BY_MERCHANT, **columns: Any) -> Endpoint:
    """Change the url, event_types or enabled of an endpoint. One that is switched on again, or gets another URL, starts
    without the failures of before, and what still waits is sent to it. `by` says who switches it off.

    Raises EndpointNotFound if it was deleted meanwhile.
    """
    with transaction.atomic():
        endpoint = _locked(endpoint)
        is_switched_on = columns.get("enabled") is True and not endpoint.enabled
        is_fresh = is_switched_on or columns.get("url", endpoint.url) != endpoint.url
        for name, value in columns.items():
            setattr(endpoint, name, value)
        if not endpoint.enabled:
            endpoint.disabled_why = endpoint.disabled_why or by
        else:
            endpoint.disabled_why = ""
        if is_fresh:
            endpoint.failures, endpoint.failing_since, endpoint.held_until = 0, None, None
        endpoint.save()
    return endpoint


def rotate_secret(endpoint: Endpoint) -> Endpoint:
    """Give the endpoint a new secret. Messages are signed with the one before too, for OLD_SECRET_VALID. Raises
    EndpointNotFound."""
    with transaction.atomic():
        endpoint = _locked(endpoint)
        # The encrypted text is copied in the database, so that a secret that no key decrypts can be replaced too.
        Endpoint.objects.filter(pk=endpoint.pk).update(
            secret=new_secret(),
            old_secret=F("secret"),
            old_secret_until=timezone.now() + OLD_SECRET_VALID,
            updated_at=Now(),
        )
        endpoint = Endpoint.objects.defer("old_secret").get(pk=endpoint.pk)
    log.warning("notification.secret_rotated", endpoint=endpoint.pk)
    return endpoint


def delete(endpoint: Endpoint) -> None:
    """Switch the endpoint off for good. The row stays until its messages are forgotten, because a transaction of an
    order may be writing one to it. Raises EndpointNotFound."""
    with transaction.atomic():
        endpoint = _locked(endpoint)
        endpoint.enabled, endpoint.disabled_why = False, DisabledWhy.DELETED
        endpoint.save()
    log.warning("notification.endpoint_deleted", endpoint=endpoint.pk)


def switch_all_off(installation: Installation, **_: object) -> None:
    """Switch all endpoints of an installation off whose payments go to another Appmax account from now on."""
    Endpoint.objects.of(installation.pk).filter(enabled=True).update(
        enabled=False, disabled_why=DisabledWhy.HANDED_OVER, updated_at=Now()
    )


def deliveries(endpoint: Endpoint, *, limit: int, before: int | None = None) -> tuple[list[Notification], int | None]:
    """A page of the endpoint's messages, the newest first, and the `before` of the next page."""
    rows = endpoint.notifications.order_by("-pk").defer("data")
    found = list((rows.filter(pk__lt=before) if before else rows)[: limit + 1])
    return found[:limit], found[limit - 1].pk if len(found) > limit else None


def send_again(endpoint: Endpoint, pk: int) -> Notification:
    """Raises DeliveryNotFound."""
    notification = endpoint.notifications.filter(pk=pk).first()
    if notification is None:
        raise DeliveryNotFound
    return outbox.send_again(notification)


def _locked(endpoint: Endpoint) -> Endpoint:
    rows = Endpoint.objects.of(endpoint.installation_id)
    return _found(rows.select_for_update(no_key=True).filter(pk=endpoint.pk).first())


def _found(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise EndpointNotFound
    return endpoint
