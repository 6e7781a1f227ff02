"""Staff have unprocessed events tried now, from the admin: one at once, and many as a batch of the worker's."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from backoffice import batches
from backoffice.models import EventBatch
from backoffice.tasks import try_events
from tests.backoffice.conftest import messages_of, on
from tests.support.factories import OrderFactory, WebhookEventFactory
from webhooks import inbox
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


LIST = "admin:webhooks_webhookevent_changelist"
ALL = "admin:webhooks_webhookevent_reprocess_all"


def choose(client: Client, *events: WebhookEvent, **more: str) -> Any:
    """Choose these in the list, and have them tried."""
    form = {"action": "reprocess", "_selected_action": [event.pk for event in events], **more}
    return client.post(reverse(LIST), form, follow=True)


def waiting_event() -> WebhookEvent:
    event: WebhookEvent = WebhookEventFactory.create(appmax_order_id=OrderFactory.create().appmax_order_id)
    return event


def work() -> None:
    """What the worker does with the batch."""
    while batches.go_on():
        pass


def tasks() -> list[str]:
    return list(ProcrastinateJob.objects.values_list("task_name", flat=True))


def test_one_event_is_tried_at_once_after_a_second_look(staff: Client) -> None:
    event = waiting_event()

    page = staff.get(on(event, "reprocess")).content.decode()
    assert f"#{event.pk} order_paid" in page
    assert not WebhookEvent.objects.get().processed

    answer = staff.post(on(event, "reprocess"), follow=True)

    assert messages_of(answer) == "O evento foi processado: Aplicado. Pendente → Aprovado"
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id) == ("ana", str(event.pk))
    assert entry.change_message == "Handled again: applied"
    history = staff.get(on(event, "history")).content.decode()
    assert "Processado de novo: Aplicado" in history


def test_what_goes_on_waiting_is_told(staff: Client) -> None:
    event = WebhookEventFactory.create(appmax_order_id=1)

    assert "continua sem processar" in messages_of(staff.post(on(event, "reprocess"), follow=True))


def test_chosen_events_are_a_batch_after_a_second_look(staff: Client) -> None:
    events = [waiting_event() for _ in range(3)] + [WebhookEventFactory.create(appmax_order_id=1)]

    page = choose(staff, *events).content.decode()
    assert "4 eventos não processados" in page
    assert "4 × order_paid" in page
    assert not EventBatch.objects.exists()

    page = choose(staff, *events, confirmed="yes").content.decode()
    assert "0 de 4 eventos já foram tentados" in page
    assert tasks() == ["backoffice.try_events"]

    work()
    batch = EventBatch.objects.get()
    assert (batch.done, batch.outcomes) == (4, {"applied": 3, "waiting": 1})
    assert "Todos os 4 eventos foram tentados" in staff.get(on(batch)).content.decode()
    assert LogEntry.objects.filter(user__username="ana").count() == 4


@pytest.mark.parametrize("filters", ["", "?event=OrderPaid&outcome=unprocessed"])
def test_all_of_a_filter_are_a_batch(staff: Client, filters: str) -> None:
    wanted = [waiting_event() for _ in range(3)]
    done = WebhookEventFactory.create(processed=True, processed_at=timezone.now())
    if filters:
        WebhookEventFactory.create(event="order_refund")

    answer = staff.get(reverse(LIST) + filters)
    [link] = [link for link in answer.context["actions_list"] if "reprocess-all" in link["path"]]
    assert "3 eventos não processados" in staff.get(link["path"]).content.decode()
    staff.post(link["path"])

    assert EventBatch.objects.get().event_ids == [event.pk for event in wanted]
    assert done.pk not in EventBatch.objects.get().event_ids


def test_a_button_that_can_do_nothing_is_not_there(staff: Client) -> None:
    event = WebhookEventFactory.create(processed=True, processed_at=timezone.now(), outcome="acknowledged")

    answer = staff.get(reverse(LIST))
    assert [link["path"] for link in answer.context["actions_list"]] == [reverse("admin:webhooks_webhookevent_batches")]
    assert 'class="action-select"' not in answer.content.decode()
    assert staff.get(on(event)).context["actions_detail"] == []
    assert staff.get(reverse(ALL)).status_code == 302
    assert staff.post(on(event, "reprocess")).status_code == 302
    assert staff.post(on(event, "replay")).status_code == 302
    assert messages_of(choose(staff, event)) == "Todos estes eventos já foram processados."
    assert not EventBatch.objects.exists()
    assert not LogEntry.objects.exists()


def test_without_the_permission_there_is_no_such_action(staff: Client) -> None:
    user = User.objects.get()
    user.user_permissions.remove(Permission.objects.get(codename="reprocess_webhookevent"))
    event = waiting_event()

    choose(staff, event, confirmed="yes")

    assert staff.post(reverse(ALL)).status_code == 403
    assert staff.post(on(event, "reprocess")).status_code == 403
    assert staff.post(on(event, "replay")).status_code == 403
    assert not EventBatch.objects.exists()
    assert not WebhookEvent.objects.get().processed
    assert "reprocess" not in staff.get(reverse(LIST)).content.decode()


# --- batches ---


@pytest.fixture
def ana(staff: Client) -> User:
    return User.objects.get()


def test_ten_people_at_once_begin_one_batch(race: Any, ana: User) -> None:
    events = [waiting_event().pk for _ in range(12)]

    batches_made = race(lambda number: batches.start(events[: 3 + number], ana).pk, times=10)

    assert len(set(batches_made)) == 1
    batch = EventBatch.objects.get()
    assert sorted(batch.event_ids) == events
    race(lambda _: work(), times=4)
    batch.refresh_from_db()
    assert (batch.done, batch.outcomes) == (12, {"applied": 12})
    assert LogEntry.objects.count() == 12


def test_what_another_chooses_meanwhile_is_added(staff: Client, ana: User) -> None:
    first, second = waiting_event(), waiting_event()
    bia = User.objects.create_user("bia")
    batches.start([first.pk], bia)

    answer = choose(staff, first, second, confirmed="yes")

    assert messages_of(answer) == "bia já começou um lote; os seus eventos fazem parte dele."
    assert EventBatch.objects.get().event_ids == [first.pk, second.pk]


def test_what_was_tried_in_vain_in_a_long_batch_may_be_asked_for_again(
    ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backoffice.batches.AT_ONCE", 1)
    in_vain, other = WebhookEventFactory.create(appmax_order_id=1), waiting_event()
    batches.start([in_vain.pk, other.pk], ana)
    batches.go_on()

    batch = batches.start([in_vain.pk, other.pk], ana)

    assert batch.event_ids == [in_vain.pk, other.pk, in_vain.pk], "the other's turn is still to come"


def test_after_a_batch_has_ended_another_may_begin(ana: User) -> None:
    event = WebhookEventFactory.create(appmax_order_id=1)
    for _ in range(2):
        batches.start([event.pk], ana)
        work()

    assert EventBatch.objects.filter(finished_at__isnull=False).count() == 2


def test_the_batch_of_a_worker_that_died_is_gone_on_with(ana: User) -> None:
    batch = batches.start([waiting_event().pk], ana)
    EventBatch.objects.update(leased_until=timezone.now() + timedelta(minutes=1))
    assert not batches.go_on(), "a worker has it"

    EventBatch.objects.update(leased_until=timezone.now() - timedelta(minutes=1))
    try_events(timestamp=0)

    batch.refresh_from_db()
    assert batch.finished_at is not None


def test_what_was_handled_meanwhile_is_told_apart(staff: Client, ana: User) -> None:
    event = waiting_event()
    batch = batches.start([event.pk], ana)
    inbox.handle_again(event.pk)

    work()

    page = staff.get(reverse("admin:backoffice_eventbatch_progress", args=[batch.pk])).content.decode()
    assert "1 evento já tinha sido processado quando chegou a vez dele" in page


def test_a_long_batch_lets_other_jobs_go_first(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backoffice.tasks.SECONDS", 0.0)
    monkeypatch.setattr("backoffice.batches.AT_ONCE", 1)
    batch = batches.start([waiting_event().pk for _ in range(3)], ana)

    try_events(timestamp=0)

    batch.refresh_from_db()
    assert batch.done == 1
    assert tasks() == ["backoffice.try_events"], "the job is planned again"
