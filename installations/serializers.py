"""Bodies and queries of the installation routes."""

import re
from typing import Any

import idna
from rest_framework import serializers

from installations import domains

# Percent-encoded, any text can name a merchant in a path, with these exceptions: control characters; . or .. between
# slashes, which browsers and proxies resolve; and endings that would make the path another route of ours.
_UNFIT_FOR_A_PATH = re.compile(
    r"[\x00-\x1f\x7f]|(?:^|/)\.{1,2}(?:/|$)"
    r"|/(?:merchant/token|reconnect|domain-names|(?:webhook-endpoints|api-keys)(?:/.*)?)$"
)


def _fits_into_a_path(external_key: str) -> None:
    """A validator of external_key. Raises ValidationError."""
    if _UNFIT_FOR_A_PATH.search(external_key):
        raise serializers.ValidationError("external_key can't be used in a URL's path")


def _text(name: str, max_length: int, *, required: bool = False, **options: Any) -> serializers.CharField:
    """A text that is either required, with the contract's message, or may be absent, null or blank."""
    return serializers.CharField(
        max_length=max_length,
        required=required,
        allow_null=not required,
        allow_blank=not required,
        error_messages=dict.fromkeys(("required", "null", "blank"), f"{name} is required"),
        **options,
    )


class HostNameField(serializers.CharField):
    """A public host name such as loja.example.com.br, which becomes its ASCII form in small letters."""

    default_error_messages = {"host": "must be a host name, such as loja.example.com.br"}

    def to_internal_value(self, data: Any) -> str:
        """Raises ValidationError for an address, a URL, a port, a wildcard or a name of one part."""
        text = super().to_internal_value(data).rstrip(".")
        try:
            name = idna.encode(text, uts46=True).decode()
        except idna.IDNAError:
            self.fail("host")
        if name.rpartition(".")[2].isdigit() or "." not in name:
            self.fail("host")
        return name


class DomainNamesSerializer(serializers.Serializer[Any]):
    """Body of PUT domain-names: all of them."""

    domain_names = serializers.ListField(child=HostNameField(), max_length=domains.MOST)


class StartSerializer(serializers.Serializer[Any]):
    """Query of GET /install/start."""

    app_id = _text("app_id", 255, required=True)
    external_key = _text("external_key", 255, required=True, validators=[_fits_into_a_path])
    reconnect = _text("reconnect", 512, help_text="The token of a reconnect link.")
    domain_name = serializers.ListField(
        child=HostNameField(allow_blank=True),
        max_length=domains.MOST,
        required=False,
        source="domain_names",
        help_text="A host name of the shop where Apple Pay shall work; may be repeated.",
    )

    def validate_domain_name(self, names: list[str]) -> list[str]:
        return list(dict.fromkeys(filter(None, names)))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in attrs.items() if value}


class CallbackSerializer(serializers.Serializer[Any]):
    """Body of Appmax's installation callback. A JSON number counts as its text."""

    app_id = _text("app_id", 255, required=True)
    external_key = _text("external_key", 255, validators=[_fits_into_a_path])
    client_key = _text("client_key", 255)
    client_id = _text("client_id", 512)
    client_secret = _text("client_secret", 512)

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """Drops absent fields. If client_key and external_key are both there, they must be equal."""
        given = {name: value for name, value in attrs.items() if value}
        client_key = given.pop("client_key", None)
        if client_key and client_key != given.get("external_key", client_key):
            raise serializers.ValidationError({"client_key": ["invalid client_key"]})
        return given


class ApiKeySerializer(serializers.Serializer[Any]):
    """Body of POST /installations/{key}/api-keys."""

    name = serializers.CharField(max_length=50, help_text="What the key is for; staff see it, too.")
