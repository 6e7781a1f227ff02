"""The worker's jobs: what each is for, and a failed one is done again."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from backoffice.jobs import TASKS
from tests.backoffice.conftest import history_of, make_job, messages_of, on, url

pytestmark = pytest.mark.django_db


def failed(task: str = "webhooks.strip_payloads", queueing_lock: str | None = None) -> ProcrastinateJob:
    job: ProcrastinateJob = ProcrastinateJob.objects.get(pk=make_job(task, "failed"))
    if queueing_lock:
        _lock(job.pk, queueing_lock)
    return job


def _lock(pk: int, queueing_lock: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET queueing_lock = %s WHERE id = %s", [queueing_lock, pk])


def test_each_task_has_a_name_for_staff() -> None:
    ours = {name for name in app.tasks if not name.startswith(("procrastinate.", "builtin"))}

    assert ours == set(TASKS)


def test_a_failed_job_is_done_again_after_a_second_look(staff: Callable[..., Client]) -> None:
    ana = staff("Support")
    job = failed()
    assert "Strip personal data from old events" in ana.get(url(ProcrastinateJob)).content.decode()
    assert [link["path"] for link in ana.get(on(job)).context["actions_detail"]] == [on(job, "retry")]

    assert ana.get(on(job, "retry")).status_code == 200
    assert ProcrastinateJob.objects.get().status == "failed"
    answer = ana.post(on(job, "retry"), follow=True)

    assert messages_of(answer) == "The worker does the job again."
    assert ProcrastinateJob.objects.get().status == "todo"
    assert history_of(job) == ["Tried again by the worker"]
    assert answer.context["actions_detail"] == []


def test_a_job_whose_task_is_planned_already_has_no_button(eva: Client) -> None:
    job = failed(queueing_lock="webhooks.strip_payloads")
    _lock(make_job("webhooks.strip_payloads"), "webhooks.strip_payloads")

    page = eva.get(on(job))

    assert page.context["actions_detail"] == []
    assert "the same task is planned already" in page.content.decode()
    eva.post(on(job, "retry"))
    assert ProcrastinateJob.objects.get(pk=job.pk).status == "failed"


def test_that_somebody_was_faster_is_told(eva: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    job = failed(queueing_lock="webhooks.strip_payloads")
    _lock(make_job("webhooks.strip_payloads"), "webhooks.strip_payloads")
    monkeypatch.setattr("backoffice.jobs._may_be_retried", lambda job: True)  # as the page was when it was shown

    answer = eva.post(on(job, "retry"), follow=True)

    assert messages_of(answer) == "The task is planned already."
    assert history_of(job) == []


def test_who_may_not_try_events_may_not_retry_jobs(staff: Callable[..., Client]) -> None:
    ana = staff("", "procrastinate.view_procrastinatejob")
    job = failed()

    assert ana.post(on(job, "retry")).status_code == 403
    assert ana.get(on(job)).context["actions_detail"] == []
    assert ProcrastinateJob.objects.get().status == "failed"
