"""The routes of an installation's endpoints."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from notifications import views
from notifications.serializers import MAX_ID


class IdConverter(IntConverter):
    """A positive integer of the column's size."""

    def to_python(self, value: str) -> int:
        """Raises ValueError, which makes the path another one."""
        number = int(value) if len(value) <= len(str(MAX_ID)) else 0
        if not 0 < number <= MAX_ID:
            raise ValueError
        return number


register_converter(IdConverter, "id")

_ALL = "installations/<path:key>/webhook-endpoints"
_ONE = f"{_ALL}/<id:endpoint_id>"
_view = views.EndpointViewSet.as_view

urlpatterns = [
    path(_ALL, _view({"get": "endpoint_list", "post": "create"}), name="endpoints"),
    path(_ONE, _view({"get": "retrieve", "patch": "change", "delete": "destroy"}), name="endpoint"),
    path(f"{_ONE}/rotate-secret", _view({"post": "rotate_secret"}), name="endpoint-rotate-secret"),
    path(f"{_ONE}/test", _view({"post": "test"}), name="endpoint-test"),
    path(f"{_ONE}/deliveries", _view({"get": "deliveries"}), name="endpoint-deliveries"),
    path(f"{_ONE}/deliveries/<id:delivery_id>/send-again", _view({"post": "send_again"}), name="endpoint-send-again"),
]
