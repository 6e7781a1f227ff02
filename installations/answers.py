"""What the installation's routes answer."""

from typing import Any

from rest_framework import serializers

from installations.models import ApiKey
from web.api import TimeField


class ConfirmedAnswer(serializers.Serializer[Any]):
    """The answer of the callback, to Appmax and to the merchant's way back."""

    external_id = serializers.UUIDField()


class DomainAnswer(serializers.Serializer[Any]):
    """A host name where Apple Pay shall work."""

    name = serializers.CharField()
    told_at = TimeField(allow_null=True, help_text="When Appmax was told; null: the next reconnect link tells.")


class DomainNamesAnswer(serializers.Serializer[Any]):
    """The answer of domain-names."""

    domain_names = DomainAnswer(many=True)


class InstallationAnswer(serializers.Serializer[Any]):
    """An installation, for its own storefront."""

    external_key = serializers.CharField()
    external_id = serializers.UUIDField(help_text="The newest one that Appmax was told.")
    app_id = serializers.CharField()
    environment = serializers.ChoiceField(["production", "sandbox", "simulator"])
    installed_at = TimeField()
    disabled = serializers.BooleanField()
    credentials_refused_since = TimeField(
        allow_null=True, help_text="Since when Appmax refuses the credentials; null while it accepts them."
    )
    domain_names = DomainAnswer(many=True)


class ReconnectAnswer(serializers.Serializer[Any]):
    """A reconnect link."""

    url = serializers.URLField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class ApiKeyAnswer(serializers.ModelSerializer[ApiKey]):
    """An API key, without its text."""

    created_at = TimeField(source="created")
    last_used_at = TimeField(allow_null=True, help_text="To within five minutes; null: not yet.")
    expires_at = TimeField(source="expiry_date", allow_null=True, help_text="null: never.")

    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = ("prefix", "name", "created_at", "last_used_at", "expires_at")


class NewApiKeyAnswer(ApiKeyAnswer):
    """An API key with its text, which is shown once."""

    key = serializers.CharField(source="text", help_text="What stands after `Api-Key `. Never shown again.")

    class Meta(ApiKeyAnswer.Meta):
        fields = (*ApiKeyAnswer.Meta.fields, "key")


class ApiKeysAnswer(serializers.Serializer[Any]):
    """The installation's keys that can be used."""

    api_keys = ApiKeyAnswer(many=True)


class MerchantTokenAnswer(serializers.Serializer[Any]):
    """What a storefront's server needs to talk to Appmax itself."""

    merchant_bearer_token = serializers.CharField()
    external_key = serializers.CharField()
    merchant_client_id = serializers.CharField()
    merchant_client_secret = serializers.CharField()
