"""The floors, under the same gunicorn as the product: Django and one view that does nothing, and the same with one
statement through the product's pool, which is what a status read or a webhook can't do without."""

import json

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from checkout_project.settings import DATABASES

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="bare",  # noqa: S106
    MIDDLEWARE=[],
    DATABASES=DATABASES,
)

_WRITE = """
    WITH moved AS (
        UPDATE orders SET status = 'aprovado', updated_at = now() WHERE appmax_order_id = %(order)s RETURNING id
    )
    INSERT INTO webhook_events (event, event_type, appmax_order_id, payload, processed, processed_at, outcome)
    SELECT 'order_paid', 'order', %(order)s, %(payload)s, true, now(), 'applied' FROM moved
"""


def view(request: HttpRequest) -> JsonResponse:
    """Answers without doing anything, which is the floor for any view."""
    return JsonResponse({"message": "ok"})


def status(request: HttpRequest, number: int) -> JsonResponse:
    """An order's status, for anybody."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT status FROM orders WHERE appmax_order_id = %s", [number])
        row = cursor.fetchone()
    return JsonResponse({"status": row and row[0]})


def webhook(request: HttpRequest) -> JsonResponse:
    """An event that moves an order, whatever the order's status and whoever sends it."""
    values = {"order": json.loads(request.body)["data"]["order_id"], "payload": request.body.decode()}
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)
    return JsonResponse({"message": "ok"})


urlpatterns = [path("", view), path("status/<int:number>", status), path("webhook", webhook)]
application = get_wsgi_application()
