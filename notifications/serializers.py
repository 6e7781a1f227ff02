"""Bodies, queries and answers of the endpoints' routes. Times are UTC."""

from typing import Any

from rest_framework import serializers

from notifications.models import DisabledWhy, Endpoint, EventType, Notification, State
from web import outgoing
from web.api import TimeField

MAX_ID = 2**63 - 1  # the column's size


class EndpointSerializer(serializers.Serializer[Endpoint]):
    """Body of POST and PATCH."""

    url = serializers.CharField(
        max_length=outgoing.MOST_URL, help_text="https, on port 443 or one above 1023, at a public address."
    )
    event_types = serializers.ListField(
        child=serializers.ChoiceField(EventType.values),
        required=False,
        max_length=100,
        help_text="What it is told. Empty: everything, also what comes later.",
    )
    enabled = serializers.BooleanField(required=False)

    def validate_url(self, url: str) -> str:
        try:
            return outgoing.checked_url(url)
        except outgoing.NotAllowed as refusal:
            raise serializers.ValidationError(str(refusal)) from None

    def validate_event_types(self, event_types: list[str]) -> list[str]:
        """Without doubles."""
        return list(dict.fromkeys(event_types))


class EndpointAnswer(serializers.ModelSerializer[Endpoint]):
    """An endpoint."""

    event_types = serializers.ListField(child=serializers.CharField())
    disabled_why = serializers.ChoiceField(["", *DisabledWhy.values], help_text='"" while it is enabled.')
    failing_since = TimeField(
        allow_null=True, help_text="Since when each delivery has failed; null: the last was taken."
    )
    created_at = TimeField()

    class Meta:
        model = Endpoint
        fields: tuple[str, ...] = (
            *("id", "url", "event_types", "enabled", "disabled_why", "failing_since", "created_at"),
        )


class NewEndpointAnswer(EndpointAnswer):
    """An endpoint with its secret, which is shown once."""

    secret = serializers.CharField(help_text="Signs the messages. It is shown now, and never again.")

    class Meta(EndpointAnswer.Meta):
        fields = (*EndpointAnswer.Meta.fields, "secret")


class NewSecretAnswer(serializers.Serializer[Endpoint]):
    """A new secret, which is shown once."""

    secret = serializers.CharField()
    old_secret_until = TimeField(help_text="Until when messages are signed with the secret before too.")


class EndpointsAnswer(serializers.Serializer[Any]):
    """The installation's endpoints."""

    endpoints = EndpointAnswer(many=True)


class DeliveryAnswer(serializers.ModelSerializer[Notification]):
    """A message for an endpoint, and what came of it."""

    order_id = serializers.IntegerField(source="appmax_order_id", allow_null=True)
    state = serializers.ChoiceField(State.choices)
    created_at = TimeField()
    tried_at = TimeField(allow_null=True)
    next_try_at = serializers.SerializerMethodField(help_text="null unless it waits.")
    answer_status = serializers.IntegerField(allow_null=True, help_text="HTTP status; null: there was no answer.")

    class Meta:
        model = Notification
        fields = (
            *("id", "message_id", "type", "order_id", "state", "tries", "created_at", "tried_at", "next_try_at"),
            *("took_ms", "answer_status", "answer_text", "error"),
        )

    def get_next_try_at(self, row: Notification) -> str | None:
        return TimeField().to_representation(row.due_at) if row.state == State.WAITING else None


class DeliveriesAnswer(serializers.Serializer[Any]):
    """A page of messages, the newest first."""

    deliveries = DeliveryAnswer(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="The next page's `cursor`; null: the last page.")


class DeliveriesQuery(serializers.Serializer[Any]):
    """Query of the deliveries. `cursor` is the `next` of the page before."""

    cursor = serializers.IntegerField(min_value=1, max_value=MAX_ID, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
