"""Staff with a role, and how their pages are asked for."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.urls import reverse

PASSWORD = "correct horse battery"


@pytest.fixture
def staff(db: None) -> Callable[..., Client]:
    """Makes a user of the back office with this role or these permissions, logged in; `name`s must differ."""

    def make(role: str = "", *permissions: str, name: str = "ana", language: str = "en", **columns: Any) -> Client:
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True, **columns)
        if role:
            user.groups.add(Group.objects.get(name=role))
        for permission in permissions:
            label, _, codename = permission.partition(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))
        client = Client(headers={"Accept-Language": language})
        client.force_login(user)
        return client

    return make


@pytest.fixture
def root(db: None) -> User:
    """May everything."""
    return User.objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def browser(root: User) -> Client:
    """Nobody yet."""
    return Client(headers={"Accept-Language": "en"})


@pytest.fixture
def eva(staff: Callable[..., Client]) -> Client:
    """An administrator."""
    return staff("Administrator", name="eva")


def url(model: type[Model], page: str = "changelist", *args: Any) -> str:
    """Of a model's list, or of another of its pages."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def on(row: Model, action: str = "change") -> str:
    """The URL of a row's page, or of one of its actions."""
    page = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return page if action == "change" else f"{page.removesuffix('change/')}{action}/"


def messages_of(answer: Any) -> str:
    """What a page (the one that redirects end at) tells its user."""
    return "\n".join(str(message) for message in answer.context["messages"])


def history_of(row: Model) -> list[str]:
    """The lines of the row's history, oldest first."""
    entries = LogEntry.objects.filter(object_id=str(row.pk), content_type__model=row._meta.model_name)
    return list(entries.order_by("pk").values_list("change_message", flat=True))


def hidden(page: Any, name: str) -> str:
    """The value of a form's hidden field."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page.content.decode())
    assert found is not None, name
    return found[1]


def make_job(task: str = "orders.ask_appmax", status: str = "todo") -> int:
    """A job in the queue; its id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, args) VALUES ('default', %s, %s, '{}')"
            " RETURNING id",
            [task, status],
        )
        return int(cursor.fetchone()[0])
