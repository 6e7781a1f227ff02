"""Staff have events handled again, from the admin."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.support.factories import OrderFactory, WebhookEventFactory
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff() -> Client:
    """May look at events and have them handled again."""
    user = User.objects.create_user("ana", password="x", is_staff=True)
    names = ["view_webhookevent", "reprocess_webhookevent"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client


def ask(client: Client, *events: WebhookEvent, **more: str) -> Any:
    form = {"action": "reprocess", "_selected_action": [event.pk for event in events], **more}
    return client.post(reverse("admin:webhooks_webhookevent_changelist"), form, follow=True)


def waiting_event() -> WebhookEvent:
    event: WebhookEvent = WebhookEventFactory.create(appmax_order_id=OrderFactory.create().appmax_order_id)
    return event


def test_it_is_asked_first_whether_it_is_meant(staff: Client) -> None:
    event = waiting_event()

    page = ask(staff, event).content.decode()

    assert f"#{event.pk} order_paid, {event.appmax_order_id}: " in page
    event.refresh_from_db()
    assert not event.processed


def test_one_or_many_are_handled_again_and_it_is_told_what_came_of_it(staff: Client) -> None:
    events = [waiting_event() for _ in range(3)] + [WebhookEventFactory.create(appmax_order_id=1)]

    page = ask(staff, *events, confirmed="yes").content.decode()

    assert "3 Aplicado, 1 Aguardando" in page
    assert WebhookEvent.objects.filter(processed=True).count() == 3


def test_who_repeated_what_is_in_the_history(staff: Client) -> None:
    event = waiting_event()

    ask(staff, event, confirmed="yes")

    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id) == ("ana", str(event.pk))
    assert entry.change_message == "Handled again: applied"
    history = staff.get(reverse("admin:webhooks_webhookevent_history", args=[event.pk])).content.decode()
    assert "Tratado de novo: applied" in history


def test_without_the_permission_there_is_no_such_action(staff: Client) -> None:
    user = User.objects.get()
    user.user_permissions.remove(Permission.objects.get(codename="reprocess_webhookevent"))
    event = waiting_event()

    ask(staff, event, confirmed="yes")

    event.refresh_from_db()
    assert not event.processed
    assert "Handle again" not in staff.get(reverse("admin:webhooks_webhookevent_changelist")).content.decode()


def test_what_was_handled_already_is_left_alone(staff: Client) -> None:
    event = waiting_event()
    ask(staff, event, confirmed="yes")

    ask(staff, event, confirmed="yes")

    assert LogEntry.objects.count() == 1
